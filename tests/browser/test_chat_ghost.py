"""Ghost text: what the model would write next, in the cell that is being typed in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from .chat import SCRIPTED, open_chat, unasked
from .lab import PANEL, Lab

pytestmark = [pytest.mark.browser, pytest.mark.model]

PLUGIN = "jupyter-localllm:plugin"


def type_into(lab: Lab, index: int, text: str) -> Locator:
    """Type into a cell, and find the ghost text there."""
    lab.page.evaluate(
        f"async index => {{ {PANEL} panel.content.activeCellIndex = index; panel.content.mode = 'edit'; }}", index
    )
    lab.cell(index).locator(".cm-content").click()
    lab.page.keyboard.press("Control+End")
    lab.page.keyboard.type(text)
    return lab.cell(index).locator(".jp-GhostText")


def test_it_is_off_until_it_is_wanted(lab: Lab) -> None:
    """Nothing is asked of the model while somebody types, as long as nobody asked for that."""
    open_chat(lab, [SCRIPTED.format(text="42"), ""])
    lab.run_cell(1)
    ghost = type_into(lab, 2, "answer = ")
    lab.page.wait_for_timeout(1500)
    expect(ghost).to_have_count(0)


def test_it_suggests_how_the_line_goes_on(lab: Lab) -> None:
    """Typing shows a suggestion, Tab takes it; while a question is being answered there is none."""
    lab.setting(PLUGIN, {"ghostText": True})
    chat = open_chat(lab, ["def double(x):\n    return 2 * x", ""])
    chat.ask(unasked("Hello"))  # loads the model
    chat.wait_done(0)
    ghost = type_into(lab, 2, "print(")
    expect(ghost).to_be_visible(timeout=20_000)
    suggested = ghost.inner_text()
    lab.page.keyboard.press("Tab")
    source = lab.page.evaluate(f"() => {{ {PANEL} return panel.content.widgets[2].model.sharedModel.getSource() }}")
    assert source.startswith("print(")
    assert suggested.split("\n")[0] in source
    lab.setting(PLUGIN, {"ghostText": False})
