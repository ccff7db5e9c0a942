"""The chat in the sidebar of a real JupyterLab, with a real kernel and the real model."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.show.hostile import MARKDOWN

from .chat import LOOP, SCRIPTED, open_chat, unasked
from .lab import PANEL, Lab

pytestmark = [pytest.mark.browser, pytest.mark.model]


def test_an_answer_streams_into_the_panel(lab: Lab, pictures: Path) -> None:
    """A question is typed, its answer grows, and only "Generating" and "Complete" are said to screen readers."""
    chat = open_chat(lab, [])
    lab.execute("%config LocalLLM.max_tokens = 400")
    chat.ask(unasked("Tell me a long story about the sea."))
    expect(chat.answer(0).get_by_role("status")).to_have_text("Generating", timeout=60_000)
    lengths: set[int] = set()
    while chat.turns.first.get_attribute("data-phase") != "done":
        lengths.add(len(chat.answer(0).inner_text()))
        lab.page.wait_for_timeout(100)
    assert len(lengths) > 3, "the answer did not grow"
    expect(chat.answer(0).get_by_role("status")).to_have_text("Complete")
    expect(chat.log).to_have_attribute("aria-live", "off")
    assert lab.foreign_requests() == []
    assert lab.errors == []
    chat.picture(pictures, "streamed")


def test_the_panel_answers_while_a_cell_runs(lab: Lab, tmp_path: Path) -> None:
    """A loop of pure Python keeps the kernel busy; the answer is whole before that ends, and the loop ends well."""
    flag = tmp_path / "end"
    chat = open_chat(lab, [LOOP.format(flag=str(flag))])
    chat.ask(unasked("Hello"))  # loads the model
    chat.wait_done(0)
    lab.run_cell(1, wait=False)
    lab.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.widgets[1].promptNode?.innerText")
    chat.ask("What is the capital of Japan?")
    chat.wait_done(1)
    expect(chat.answer(1)).to_contain_text("Japan")
    assert lab.outputs(1) == [], "the cell was over before"
    chat.ask("And again: what is the capital of Japan?")  # the comm's way back is still that of the subshell
    chat.wait_done(2)
    assert lab.outputs(1) == [], "the cell was over before"
    flag.touch()
    expect(lab.output(1)).to_contain_text("over", timeout=30_000)


def test_a_running_answer_does_not_block_a_cell(lab: Lab) -> None:
    """While the panel's answer is written, a cell runs to its end."""
    chat = open_chat(lab, ["6 * 7"])
    chat.ask(unasked("Tell me a very long story about the sea."))
    expect(chat.answer(0).get_by_role("status")).to_have_text("Generating", timeout=60_000)
    lab.run_cell(1)
    assert lab.outputs(1)[0]["data"]["text/plain"] == "42"
    expect(chat.turns.first).to_have_attribute("data-phase", "taken")
    chat.button("Stop").click()
    chat.wait_done(0)


def test_stop_keeps_what_was_written(lab: Lab) -> None:
    """The stop button ends the answer within a moment; what was written stays, and the next question is answered."""
    chat = open_chat(lab, [])
    chat.ask(unasked("Tell me a very long story about the sea."))
    expect(chat.answer(0).locator(".jp-LocalLLM-text")).to_contain_text(" ", timeout=60_000)
    chat.button("Stop").click()
    chat.wait_done(0, 5)
    expect(chat.answer(0)).to_contain_text("incomplete")
    expect(chat.button("Stop")).to_have_count(0)
    chat.ask("What is the capital of Japan?")
    chat.wait_done(1)
    expect(chat.answer(1)).to_contain_text("Japan")


def test_stop_while_the_prompt_is_read(lab: Lab) -> None:
    """A long cell is attached and its reading stopped, before a word was written; the next question is answered."""
    noise = "".join(f"x{i} = {secrets.randbelow(10**9)}\n" for i in range(350))
    chat = open_chat(lab, [noise])
    chat.ask(unasked("Hello"))  # loads the model
    chat.wait_done(0)
    lab.page.evaluate(f"() => {{ {PANEL} panel.content.activeCellIndex = 1 }}")
    chat.button("Attach cell").click()
    chat.ask("What is in this cell?")
    expect(chat.turns.nth(1)).to_contain_text("reading the prompt", timeout=30_000)
    chat.button("Stop").click()
    chat.wait_done(1, 5)
    expect(chat.answer(1)).to_contain_text("incomplete")
    expect(chat.answer(1).locator(".jp-LocalLLM-text")).to_have_count(0)
    chat.ask("What is the capital of Japan?")
    chat.wait_done(2, 30)
    expect(chat.answer(2)).to_contain_text("Tokyo")


def test_two_questions_stand_in_a_queue(lab: Lab) -> None:
    """The second question of a conversation waits for the first, and the panel says so."""
    chat = open_chat(lab, [])
    chat.ask(unasked("Tell me a very long story about the sea."))
    chat.ask("What is the capital of Japan?")
    queue = chat.node.get_by_role("region", name="Queue")
    expect(queue).to_contain_text("waits for", timeout=60_000)
    expect(queue.get_by_role("listitem")).to_have_count(2)
    queue.get_by_role("button").first.click()
    chat.wait_done(0)
    chat.wait_done(1)
    expect(queue).to_have_count(0)


def test_cells_and_panel_share_a_conversation(lab: Lab) -> None:
    """A turn of `%%llm --chat` comes into the panel, and the panel's turns are the cell's history."""
    cells = ["%%llm --chat chat --max-tokens 20\nWhat is the capital of Japan?", "%llm history chat"]
    chat = open_chat(lab, cells)
    chat.ask("Hello")
    chat.wait_done(0)
    lab.run_cell(1)
    expect(chat.turns).to_have_count(2)
    expect(chat.answer(1)).to_contain_text("Japan")
    lab.run_cell(2)
    assert "Hello" in str(lab.outputs(2))


def test_a_hostile_model_does_nothing(lab: Lab) -> None:
    """Whatever the model writes, streamed into the panel: no script runs, no request leaves."""
    text = "\n\n".join(text for text in MARKDOWN.values() if "\ud800" not in text)
    chat = open_chat(lab, [SCRIPTED.format(text=text)])
    lab.run_cell(1)
    chat.ask(unasked("Go"))
    chat.wait_done(0)
    lab.page.wait_for_timeout(1500)
    assert lab.foreign_requests() == []
    assert lab.page.evaluate("() => window.pwned") is None


def test_an_error_says_what_to_do(lab: Lab) -> None:
    """A model that does not exist: the panel shows the error and stays usable."""
    chat = open_chat(lab, [])
    chat.ask("/model no-such-model-at-all")
    expect(chat.node.locator(".jp-LocalLLM-note")).to_contain_text("no-such-model-at-all", timeout=30_000)
    chat.button("Dismiss").click()
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    expect(chat.answer(0)).to_contain_text("Japan")
