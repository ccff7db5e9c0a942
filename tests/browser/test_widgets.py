"""The panel in a cell, in a real JupyterLab and Notebook 7, with a real kernel and the real model."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.show.hostile import MARKDOWN

from .chat import LOOP, SCRIPTED
from .lab import Lab, notebook_of
from .server import Server

pytestmark = [pytest.mark.browser, pytest.mark.model]

SETUP = "%load_ext jupyter_localllm"
FRAME = """
import pandas as pd
df = pd.DataFrame({"City": ["Oslo", "Rome"], "Population": [717710, 2755309]})
"""


class InCell:
    """The panel of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.node: Locator = page.locator(".jp-LocalLLM-panel")
        self.line = self.node.get_by_placeholder("Ask about this notebook")
        self.answers = self.node.locator(".jp-LocalLLM-answer")

    def ask(self, text: str) -> None:
        self.line.fill(text)
        self.line.press("Enter")

    def wait_done(self, count: int, timeout_s: float = 60) -> None:
        """Wait until so many answers are whole."""
        expect(self.node.locator(".jp-LocalLLM-footer")).to_have_count(count, timeout=timeout_s * 1000)

    def button(self, name: str) -> Locator:
        return self.node.get_by_role("button", name=name, exact=True)


def shown(lab: Lab, *cells: str) -> InCell:
    """A notebook with a panel in its second cell."""
    lab.open([SETUP, "%llm panel", *cells])
    lab.run_cell(0)
    lab.run_cell(1)
    panel = InCell(lab.page)
    expect(panel.line).to_be_visible(timeout=30_000)
    return panel


def open_without_kernel(lab: Lab, name: str) -> None:
    """Open a notebook as one that was sent by somebody, trusted, and start nothing."""
    lab.start()
    lab.page.evaluate(
        """async name => {
            const app = window.jupyterapp;
            const panel = await app.commands.execute('docmanager:open', {
                path: name, factory: 'Notebook', kernelPreference: {shouldStart: false, autoStartDefault: false}
            });
            app.shell.activateById(panel.id);
            await panel.revealed;
        }""",
        name,
    )


def test_an_answer_streams_into_the_cell(lab: Lab, pictures: Path) -> None:
    """A question is typed, its answer grows, the field keeps the focus, and the text beside it is not seen."""
    panel = shown(lab)
    lab.execute("%config LocalLLM.max_tokens = 400")
    panel.ask("Tell me a story about the sea.")
    lengths: set[int] = set()
    expect(panel.answers).to_have_count(1, timeout=60_000)
    while panel.node.locator(".jp-LocalLLM-footer").count() == 0:
        lengths.add(len(panel.answers.first.inner_text()))
        panel.line.press_sequentially("x")
        lab.page.wait_for_timeout(150)
    assert len(lengths) > 3, "the answer did not grow"
    expect(panel.line).to_be_focused()
    assert set(panel.line.input_value()) == {"x"}, "what is typed meanwhile stays"
    expect(lab.output(1).locator(".jp-LocalLLM-kept")).to_be_hidden()
    assert lab.foreign_requests() == []
    lab.page.mouse.move(0, 0)
    lab.page.screenshot(path=pictures / "widgets-light.png")
    lab.theme("JupyterLab Dark")
    expect(lab.page.locator("#jupyterlab-splash")).to_have_count(0)
    lab.page.screenshot(path=pictures / "widgets-dark.png")
    lab.theme("JupyterLab Light")


def test_it_answers_while_a_cell_runs(lab: Lab, tmp_path: Path) -> None:
    """The very first click comes beside a loop of pure Python; the answer is whole before the loop ends."""
    flag = tmp_path / "end"
    panel = shown(lab, LOOP.format(flag=str(flag)))
    lab.run_cell(2, wait=False)
    expect(lab.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    panel.line.fill("What is the capital of Japan?")
    panel.button("Send").click()
    panel.wait_done(1)
    expect(panel.answers.first).to_contain_text("Tokyo")
    panel.ask("What is the capital of Spain?")
    panel.wait_done(2)
    assert lab.outputs(2) == [], "the loop was over before"
    flag.touch()
    expect(lab.cell(2).locator(".jp-InputPrompt")).not_to_have_text("[*]:", timeout=40_000)
    assert lab.outputs(2)[0]["text"] == "over\n"


def test_stop_variables_settings_and_conversations(lab: Lab, pictures: Path) -> None:
    """An answer is stopped; a frame is attached and cited; settings reach `%config`; a new conversation is empty."""
    panel = shown(lab, FRAME, "import jupyter_localllm as jl\njl.get_llm().top_k")
    lab.run_cell(2)
    panel.ask("Tell me a very long story.")
    expect(panel.answers.first).to_contain_text(" ", timeout=60_000)
    panel.button("Stop").click()
    expect(panel.answers.first).to_contain_text("incomplete", timeout=10_000)
    field = panel.node.get_by_placeholder("Attach a variable")
    field.fill("df")
    field.press("Enter")
    expect(panel.button("df \u00d7")).to_be_visible()
    panel.ask("What is the Population of Rome?")
    expect(panel.answers.nth(1).locator(".jp-LocalLLM-cite")).to_have_count(1, timeout=60_000)
    expect(panel.answers.nth(1)).to_contain_text("2755309")
    expect(panel.button("df \u00d7")).to_have_count(0)
    panel.node.get_by_text("Settings").click()
    top_k = panel.node.locator("input[type=number]").nth(2)
    top_k.fill("7")
    top_k.press("Tab")
    lab.page.screenshot(path=pictures / "widgets-settings.png")
    lab.page.wait_for_timeout(500)
    lab.run_cell(3)
    assert lab.outputs(3)[0]["data"]["text/plain"] == "7"
    panel.button("New").click()
    expect(panel.answers).to_have_count(0)


def test_a_saved_notebook_holds_the_text(lab: Lab, pictures: Path) -> None:
    """Saved while the panel lives, opened without a kernel: the text is seen, and no word of a dead widget."""
    panel = shown(lab)
    panel.ask("What is the capital of Japan?")
    panel.wait_done(1)
    lab.page.wait_for_timeout(300)
    lab.save()
    (lab.server.root / "dead.ipynb").write_bytes((lab.server.root / "test.ipynb").read_bytes())
    open_without_kernel(lab, "dead.ipynb")
    output = lab.output(1)
    expect(output.locator(".jp-LocalLLM-kept")).to_contain_text("The capital of Japan is Tokyo.")
    lab.page.wait_for_timeout(2000)
    seen = output.inner_text()
    assert "widget" not in seen.lower()
    lab.page.screenshot(path=pictures / "widgets-saved.png")
    somebodys = nbformat.read(lab.server.root / "test.ipynb", 4)
    somebodys.cells[0].source += "\n# changed, so that its signature is wrong"
    somebodys.cells[1].outputs[0].data["text/plain"] += " "
    nbformat.write(somebodys, lab.server.root / "untrusted.ipynb")
    open_without_kernel(lab, "untrusted.ipynb")
    expect(lab.output(1)).to_contain_text("The capital of Japan is Tokyo.")


def test_a_reloaded_page_goes_on(lab: Lab) -> None:
    """The panel is there again with its messages, and answers."""
    panel = shown(lab)
    panel.ask("What is the capital of Japan?")
    panel.wait_done(1)
    lab.save()
    lab.start()
    lab.open_file("test.ipynb")
    expect(panel.answers.first).to_contain_text("Tokyo", timeout=30_000)
    panel.ask("What is the capital of Spain?")
    panel.wait_done(2)
    expect(panel.answers.nth(1)).to_contain_text("Madrid")


def test_a_restart(lab: Lab) -> None:
    """After a restart the cell gives a new panel, in place of the one that is dead; what was saved is text."""
    panel = shown(lab)
    panel.ask("What is the capital of Japan?")
    panel.wait_done(1)
    lab.restart()
    lab.run_cell(0)
    lab.run_cell(1)
    expect(panel.node).to_have_count(1)
    expect(panel.answers).to_have_count(0)
    panel.ask("What is the capital of Spain?")
    panel.wait_done(1)


def test_a_hostile_model_does_nothing(lab: Lab) -> None:
    """Whatever the model writes, streamed through the widgets: no script runs, no request leaves."""
    text = "\n\n".join(text for text in MARKDOWN.values() if "\ud800" not in text)
    panel = shown(lab, SCRIPTED.format(text=text))
    lab.run_cell(2)
    panel.ask("Go")
    panel.wait_done(1)
    lab.page.wait_for_timeout(1500)
    assert lab.foreign_requests() == []
    assert lab.page.evaluate("() => window.pwned") is None


def test_notebook_7(context: BrowserContext, jupyter_server: Server, pictures: Path, tmp_path: Path) -> None:
    """The same in Notebook 7: asked beside a running cell and answered."""
    loop = LOOP.format(flag=str(tmp_path / "end"))
    nbformat.write(notebook_of([SETUP, "%llm panel", loop]), jupyter_server.root / "seven.ipynb")
    page = context.new_page()
    page.goto(f"{jupyter_server.url}notebooks/seven.ipynb?token={jupyter_server.token}")
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=60_000)
    page.evaluate(
        """async () => {
            const app = window.jupyterapp, panel = app.shell.currentWidget;
            await panel.revealed; await panel.sessionContext.ready;
            await panel.sessionContext.session.kernel.info;
            for (const index of [0, 1]) {
                panel.content.activeCellIndex = index;
                await app.commands.execute('notebook:run-cell');
            }
        }"""
    )
    panel = InCell(page)
    expect(panel.line).to_be_visible(timeout=60_000)
    page.evaluate(
        """() => { const app = window.jupyterapp; app.shell.currentWidget.content.activeCellIndex = 2;
                   void app.commands.execute('notebook:run-cell'); }"""
    )
    expect(page.locator(".jp-InputPrompt", has_text=re.compile(r"\[\*\]"))).to_have_count(1)
    panel.ask("What is the capital of Japan?")
    panel.wait_done(1)
    expect(panel.answers.first).to_contain_text("Tokyo")
    expect(page.locator(".jp-InputPrompt", has_text=re.compile(r"\[\*\]"))).to_have_count(1)
    page.screenshot(path=pictures / "widgets-notebook7.png")
    page.evaluate("async () => { await window.jupyterapp.serviceManager.sessions.shutdownAll(); }")
