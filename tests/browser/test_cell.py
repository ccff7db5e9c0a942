"""`%%llm` as a person sees it: a real JupyterLab, a real kernel, the real model."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.show.hostile import MARKDOWN

from .lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.model]

SETUP = "%load_ext jupyter_localllm"
# The engine's public double says what a hostile model would.
HOSTILE = """
from jupyter_localllm.engine.scripted import ScriptedEngine
import jupyter_localllm as jl
jl.get_llm()._engine = ScriptedEngine({text!r}, n_ctx=1_000_000)
"""


def test_an_answer_streams_into_the_cell(lab: Lab, pictures: Path) -> None:
    """The cell's output grows while the model writes, ends with the whole answer, and nothing leaves the machine."""
    lab.open(
        [SETUP, "%%llm --max-tokens 500\nTell me a long story about the sea.", "%llm What is the capital of Japan?"]
    )
    lab.run_cell(0)
    lab.run_cell(1, wait=False)
    answer = lab.answer(1)
    expect(answer).to_have_count(1, timeout=60_000)
    lengths: list[int] = []
    lab.page.wait_for_function(
        "() => document.querySelector('.jp-LocalLLM-text')?.innerText.length > 20", timeout=60_000
    )
    for _ in range(200):
        if lab.outputs(1)[0]["metadata"]["jupyter_localllm"].get("complete", True):
            break
        lengths.append(len(answer.inner_text()))
        lab.page.wait_for_timeout(100)
    lab.wait_idle()
    assert len(set(lengths)) > 3, "the output did not grow"
    assert lengths[0] < len(answer.inner_text())
    (output,) = lab.outputs(1)
    text = output["data"]["application/vnd.jupyter-localllm.answer+json"]["text"]
    assert text.split()[-1] in answer.inner_text()
    lab.run_cell(2)
    expect(lab.answer(2)).to_contain_text("The capital of Japan is Tokyo.")
    lab.page.screenshot(path=pictures / "cell-light.png")
    lab.theme("JupyterLab Dark")
    lab.page.screenshot(path=pictures / "cell-dark.png")
    lab.theme("JupyterLab Light")
    assert lab.foreign_requests() == []


def test_stop_keeps_the_partial_answer(lab: Lab, pictures: Path) -> None:
    """The stop button leaves what was written, marked as incomplete, and the next cell works."""
    lab.open([SETUP, "%%llm --max-tokens 1000\nTell me a long story.", "%llm What is the capital of Japan?"])
    lab.run_cell(0)
    lab.run_cell(1, wait=False)
    lab.page.wait_for_function(
        "() => document.querySelector('.jp-LocalLLM-text')?.innerText.length > 20", timeout=60_000
    )
    lab.interrupt()
    lab.wait_idle()
    expect(lab.answer(1)).to_contain_text("incomplete")
    lab.page.screenshot(path=pictures / "stopped.png")
    lab.run_cell(2)
    expect(lab.answer(2)).to_contain_text("Tokyo")


def test_a_rerun_replaces_its_turn(lab: Lab) -> None:
    """JupyterLab sends the cell's id, so running a cell of a conversation again replaces its turn."""
    lab.open([SETUP, "%%llm --chat t --max-tokens 5\nHello", "%llm history t"])
    for index in (0, 1, 1, 1, 2):
        lab.run_cell(index)
    assert "has 1 turns" in str(lab.outputs(2))


def test_an_error_is_a_sentence(lab: Lab, pictures: Path) -> None:
    """A wrong option shows its name and what to do, without a stack of frames."""
    lab.open([SETUP, "%%llm --temprature 1\nHello"])
    lab.run_cell(0)
    lab.run_cell(1)
    expect(lab.output(1)).to_contain_text("--temperature")
    assert len(lab.output(1).inner_text().splitlines()) < 6
    lab.page.screenshot(path=pictures / "error.png")


def test_a_hostile_model_does_nothing(lab: Lab) -> None:
    """Whatever the model writes, streamed through the real cell: no script runs, no request leaves."""
    text = "\n\n".join(text for text in MARKDOWN.values() if "\ud800" not in text)
    lab.open([SETUP, HOSTILE.format(text=text), "%%llm --max-tokens 100000\nGo"])
    for index in range(3):
        lab.run_cell(index)
    expect(lab.answer(2)).to_have_count(1)
    lab.page.wait_for_timeout(1500)
    assert lab.foreign_requests() == []
    assert lab.page.evaluate("() => window.pwned") is None
