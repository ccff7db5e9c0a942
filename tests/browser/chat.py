"""The chat in the sidebar, as a person uses it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from .lab import Lab

SETUP = "%load_ext jupyter_localllm"
ID = "jupyter-localllm:chat"
# The engine's public double, for answers that a test must know beforehand.
SCRIPTED = """
from jupyter_localllm.engine.scripted import ScriptedEngine
import jupyter_localllm as jl
jl.get_llm()._engine = ScriptedEngine({text!r}, n_ctx=1_000_000)
"""
# A loop in Python itself, which a file ends: so the test says how long it takes, and no clock does.
LOOP = """
import pathlib
while not pathlib.Path({flag!r}).exists():
    sum(range(10_000))
pathlib.Path({flag!r}).unlink()
print("over")
"""
WIDTH = """([id, width]) => {
    const app = window.jupyterapp;
    const panel = [...app.shell.widgets('right')].find(widget => widget.id === id);
    const split = app.shell._hsplitPanel.layout;
    const total = app.shell._hsplitPanel.node.clientWidth;
    const left = app.shell.leftCollapsed ? 0 : 0.01;
    split.setRelativeSizes([left, (total - width) / total - left, width / total]);
}"""


def unasked(question: str) -> str:
    """The same question as nobody asked it before: the tests share a cache, and what is replayed is over at once."""
    return f"{question} ({secrets.token_hex(4)})"


class Chat:
    """The panel of one page.

    Attributes
    ----------
    lab : Lab
    node : playwright.sync_api.Locator
        The panel's content.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.node: Locator = lab.page.locator(".jp-LocalLLM-chat")
        self.input = self.node.get_by_role("combobox", name="Question")
        self.log = self.node.get_by_role("log")
        self.turns = self.node.locator(".jp-LocalLLM-turn")

    def show(self) -> Chat:
        """Open the panel, as the palette does."""
        self.lab.page.evaluate("() => window.jupyterapp.commands.execute('jupyter-localllm:open')")
        expect(self.node).to_be_visible()
        return self

    def ready(self, timeout_s: float = 30) -> Chat:
        """Wait until the kernel listens."""
        expect(self.node.get_by_role("toolbar", name="Chat")).to_be_visible(timeout=timeout_s * 1000)
        return self

    def ask(self, text: str) -> None:
        """Type a question and press Enter."""
        self.input.fill(text)
        self.input.press("Enter")

    def answer(self, index: int) -> Locator:
        """The answer of a turn."""
        return self.turns.nth(index).locator(".jp-LocalLLM-turnAnswer")

    def wait_done(self, index: int, timeout_s: float = 60) -> None:
        """Wait until a turn's answer is whole."""
        expect(self.turns.nth(index)).to_have_attribute("data-phase", "done", timeout=timeout_s * 1000)

    def button(self, name: str) -> Locator:
        """A button of the panel."""
        return self.node.get_by_role("button", name=name, exact=True)

    def width(self, pixels: int) -> None:
        """Make the sidebar so wide."""
        self.lab.page.evaluate(WIDTH, [ID, pixels])

    def picture(self, directory: Path, name: str) -> None:
        """Take a picture of the whole page."""
        self.lab.page.mouse.move(0, 0)
        self.lab.page.screenshot(path=directory / f"{name}.png")

    def metadata(self) -> Any:
        """What the notebook's metadata hold of us."""
        return self.lab.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.model.getMetadata('jupyter_localllm') ?? null"
        )


def open_chat(lab: Lab, cells: list[str], name: str = "chat.ipynb") -> Chat:
    """Open a notebook whose first cell loads the extension, run that one, and open the panel."""
    lab.open([SETUP, *cells], name)
    lab.run_cell(0)
    return Chat(lab).show().ready()
