"""What the chat takes from the notebook and puts into it."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .chat import SCRIPTED, SETUP, Chat, open_chat, unasked
from .lab import PANEL, Lab

pytestmark = [pytest.mark.browser, pytest.mark.model]

FRAME = """
import pandas as pd
cities = pd.DataFrame({"name": ["Berlin", "Hamburg", "Bremen"], "population": [3677472, 1906411, 563290]})
"""
CODE = "Try this:\n\n```python\nprint(6 * 7)\n```\n"
# Answers with what it was asked.
ECHO = """
from jupyter_localllm.engine.scripted import ScriptedEngine
import jupyter_localllm as jl
jl.get_llm()._engine = ScriptedEngine(lambda job: job.prompt.messages[-1].content, n_ctx=1_000_000)
"""
FIX = "```python\ntotal = 1 / 2\nprint(total)\n```"
SOURCES = "() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.sharedModel.getSource())"


def sources(lab: Lab) -> list[str]:
    found: list[str] = lab.page.evaluate(SOURCES)
    return found


def activate(lab: Lab, index: int) -> None:
    lab.page.evaluate(f"index => {{ {PANEL} panel.content.activeCellIndex = index }}", index)


def test_an_attached_frame_is_cited(lab: Lab, pictures: Path) -> None:
    """`@` completes the frame with its shape, the answer cites it, and a click shows the cell that defines it."""
    chat = open_chat(lab, [FRAME])
    lab.run_cell(1)
    chat.input.click()
    chat.input.type("What is the population of @cit")
    option = chat.node.get_by_role("option").first
    expect(option).to_contain_text("cities")
    expect(option).to_contain_text("DataFrame")
    expect(option).to_contain_text("tokens")
    chat.picture(pictures, "completion")
    chat.input.press("Enter")
    expect(chat.node.get_by_role("list", name="Attached")).to_contain_text("cities")
    expect(chat.input).to_have_value("What is the population of cities ")
    chat.input.fill("What is the population of Hamburg?")
    chat.input.press("Enter")
    chat.wait_done(0)
    mark = chat.answer(0).locator(".jp-LocalLLM-cite").first
    mark.hover()
    card = lab.page.locator(".jp-LocalLLM-card")
    expect(card).to_contain_text("1906411")
    expect(card).to_contain_text("show the cell [2] of cities")
    lab.page.screenshot(path=pictures / "cited-panel.png")
    mark.click()
    expect(lab.cell(1)).to_have_class(re.compile("jp-LocalLLM-flash"))


def test_a_cell_is_attached(lab: Lab) -> None:
    """The current cell becomes a chip, by the button and by its shortcut once only, and a chip can be removed."""
    chat = open_chat(lab, ["x = 1"])
    activate(lab, 1)
    chat.button("Attach cell").click()
    chat.button("Attach cell").click()
    chips = chat.node.get_by_role("list", name="Attached").get_by_role("listitem")
    expect(chips).to_have_count(1)
    expect(chips).to_contain_text("x = 1")
    chips.get_by_role("button").click()
    expect(chips).to_have_count(0)


def test_a_cell_is_dragged_in(lab: Lab) -> None:
    """A cell that is dropped on the panel is attached with its output, as by the button: it is no second chip."""
    chat = open_chat(lab, ["dragged = 1\nprint('out' * 2)", ECHO])
    lab.run_cell(1)
    lab.run_cell(2)
    handle = lab.cell(1).locator(".jp-InputPrompt")
    start, end = handle.bounding_box(), chat.input.bounding_box()
    assert start is not None
    assert end is not None
    lab.page.mouse.move(start["x"] + 5, start["y"] + 5)
    lab.page.mouse.down()
    for step in range(1, 11):
        lab.page.mouse.move(
            start["x"] + (end["x"] + 20 - start["x"]) * step / 10, start["y"] + (end["y"] + 5 - start["y"]) * step / 10
        )
    lab.page.mouse.up()
    chips = chat.node.get_by_role("list", name="Attached").get_by_role("listitem")
    expect(chips).to_contain_text("dragged = 1")
    activate(lab, 1)
    chat.button("Attach cell").click()
    expect(chips).to_have_count(1)
    chat.ask(unasked("What is printed?"))
    chat.wait_done(0)
    expect(chat.answer(0).locator("pre", has_text="outout")).to_be_visible()


def test_code_goes_into_the_notebook(lab: Lab, pictures: Path) -> None:
    """Copy, below the current cell, in its place, and at the end; each can be undone in the notebook."""
    chat = open_chat(lab, [SCRIPTED.format(text=CODE), "a", "b"])
    lab.run_cell(1)
    chat.ask(unasked("Go"))
    chat.wait_done(0)
    activate(lab, 2)
    code = chat.answer(0).locator(".jp-LocalLLM-code")
    chat.picture(pictures, "code")
    code.get_by_role("button", name="Insert below the current cell").click()
    assert sources(lab)[2:] == ["a", "print(6 * 7)", "b"]
    code.get_by_role("button", name="New cell at the end of the notebook").click()
    assert sources(lab)[2:] == ["a", "print(6 * 7)", "b", "print(6 * 7)"]
    activate(lab, 2)
    code.get_by_role("button", name="Replace the current cell").click()
    assert sources(lab)[2] == "print(6 * 7)"
    code.get_by_role("button", name="Copy the code").click()
    assert lab.page.evaluate("() => navigator.clipboard.readText()") == "print(6 * 7)"


def test_a_failed_cell_is_explained(lab: Lab, pictures: Path) -> None:
    """A failed cell has two buttons; "Explain" opens the panel and sends the cell with its traceback."""
    lab.open([SETUP, "zero = 0", "1 / zero"])
    for index in range(3):
        lab.run_cell(index)
    bar = lab.cell(2).get_by_role("group", name="Help with this error")
    expect(bar).to_be_visible()
    bar.get_by_role("button", name="Explain").click()
    chat = Chat(lab)
    chat.wait_done(0)
    expect(chat.turns.first).to_contain_text("Explain this error.")
    expect(chat.turns.first).to_contain_text("error: ZeroDivisionError: division by zero")
    chat.picture(pictures, "explain")
    activate(lab, 2)
    lab.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-cell-output')")
    expect(bar).to_have_count(0)


def test_help_waits_for_the_extension(lab: Lab) -> None:
    """ "Explain" in a kernel that does not have the extension: the button loads it, and the explanation comes."""
    lab.open(["1 / 0"])
    lab.run_cell(0)
    lab.cell(0).get_by_role("group", name="Help with this error").get_by_role("button", name="Explain").click()
    chat = Chat(lab)
    chat.button("Load the extension").click()
    chat.wait_done(0)
    expect(chat.turns).to_have_count(1)
    expect(chat.turns.first).to_contain_text("error: ZeroDivisionError: division by zero")


def test_a_fix_is_a_difference_to_accept(lab: Lab, pictures: Path) -> None:
    """ "Fix" shows what would change; the cell changes only when it is accepted, and then as shown."""
    broken = "total = 1 / 0 if True else 0\nprint(total)"  # words that are no names, too
    lab.open([SETUP, SCRIPTED.format(text=FIX), broken])
    for index in range(3):
        lab.run_cell(index)
    lab.cell(2).get_by_role("group", name="Help with this error").get_by_role("button", name="Fix").click()
    chat = Chat(lab)
    chat.wait_done(0)
    fix = chat.node.get_by_role("region", name="Proposed change")
    expect(chat.answer(0).locator(".jp-LocalLLM-code")).to_be_hidden()  # the difference has it
    expect(fix.locator("[data-kind='removed']")).to_contain_text("total = 1 / 0")
    expect(fix.locator("[data-kind='added']")).to_contain_text("total = 1 / 2")
    chat.picture(pictures, "fix")
    assert sources(lab)[2] == broken
    fix.get_by_role("button", name="Accept").click()
    assert sources(lab)[2] == "total = 1 / 2\nprint(total)"
    expect(fix).to_contain_text("Accepted")


def test_a_fix_for_a_cell_that_changed_since_becomes_a_new_cell(lab: Lab) -> None:
    """Nothing that a person wrote in the meantime is overwritten."""
    lab.open([SETUP, SCRIPTED.format(text=FIX), "total = 1 / 0\nprint(total)"])
    for index in range(3):
        lab.run_cell(index)
    lab.cell(2).get_by_role("group", name="Help with this error").get_by_role("button", name="Fix").click()
    chat = Chat(lab)
    chat.wait_done(0)
    lab.page.evaluate(f"() => {{ {PANEL} panel.content.widgets[2].model.sharedModel.setSource('mine') }}")
    fix = chat.node.get_by_role("region", name="Proposed change")
    fix.get_by_role("button", name="Insert as a new cell").click()
    assert "mine" in sources(lab)
    assert "total = 1 / 2\nprint(total)" in sources(lab)


def test_a_conversation_is_exported(lab: Lab, pictures: Path) -> None:
    """To a Markdown file beside the notebook, and into cells."""
    chat = open_chat(lab, [SCRIPTED.format(text="It is Paris, <b>not</b> Lyon.")])
    lab.run_cell(1)
    chat.ask("What is the *capital* of Japan?")
    chat.wait_done(0)
    chat.button("Conversation: chat").click()
    chat.picture(pictures, "conversations")
    chat.ask("/new other")
    chat.ask("Hello")
    chat.wait_done(0)
    lab.reload("chat.ipynb")  # so that the panel has not shown the conversation that it writes
    chat.show().ready()
    chat.button("Conversation: other").click()
    chat.button('Write "chat" into cells').click()
    lab.page.wait_for_function(f"() => ({SOURCES})().length === 4")
    question, answer = sources(lab)[2:]
    assert question == r"> What is the \*capital\* of Japan?"
    assert answer.startswith("It is Paris,")
    assert "<b>" not in answer
    chat.button('Export "chat" to Markdown').click()
    expect(lab.page.get_by_role("tab", name="chat.md").first).to_be_visible()
    assert "It is Paris," in (lab.server.root / "chat.md").read_text()
    (lab.server.root / "chat.md").unlink()


def test_conversations_are_renamed_and_deleted(lab: Lab) -> None:
    """By buttons with dialogs; `/new` begins another one; a cell's `--chat` knows the new name."""
    chat = open_chat(lab, ["%llm history trip"])
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    chat.button("Conversation: chat").click()
    chat.button('Rename "chat"').click()
    lab.page.get_by_role("dialog").get_by_role("textbox").fill("trip")
    lab.page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(chat.button("Conversation: trip")).to_be_visible()
    expect(chat.turns).to_have_count(1)
    lab.run_cell(1)
    assert "1 turn" in str(lab.outputs(1))
    chat.ask("/new")
    expect(chat.turns).to_have_count(0)
    chat.button("Conversation: chat").click()
    chat.button('Delete "trip"').click()
    lab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(chat.button('Delete "trip"')).to_have_count(0)


def test_a_conversation_is_kept_with_the_notebook(lab: Lab) -> None:
    """For those who ask for it: it stands in the file, and comes back with another kernel."""
    chat = open_chat(lab, [], "kept.ipynb")
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    assert chat.metadata() is None
    chat.button("Conversation: chat").click()
    keep = chat.button('Keep "chat" with the notebook')
    keep.click()
    expect(keep).to_have_attribute("aria-pressed", "true")
    chat.button("Conversation: chat").click()
    chat.ask("And of Germany?")
    chat.wait_done(1)
    lab.page.wait_for_timeout(500)
    lab.save()
    saved = json.loads((lab.server.root / "kept.ipynb").read_text())["metadata"]["jupyter_localllm"]["chat"]
    assert "And of Germany?" in json.dumps(saved["chat"])
    lab.restart()
    chat.button("Load the extension").click()
    chat.ready()
    expect(chat.turns).to_have_count(2)
    expect(chat.answer(0)).to_contain_text("Japan")
    chat.button("Conversation: chat").click()
    keep.click()
    expect(keep).to_have_attribute("aria-pressed", "false")
    assert chat.metadata() is None


def test_a_conversation_is_kept_on_disk(lab: Lab) -> None:
    """For those who ask for it: another process of the kernel lists it and opens it; deleted, it is gone for good."""
    name = f"kept-{secrets.token_hex(4)}"  # the tests share a disk
    chat = open_chat(lab, [])
    chat.ask(f"/new {name}")
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    chat.button(f"Conversation: {name}").click()
    keep = chat.button(f'Keep "{name}" on disk')
    keep.click()
    expect(keep).to_have_attribute("aria-pressed", "true")
    chat.button(f"Conversation: {name}").click()
    chat.ask("What is the capital of Spain?")
    chat.wait_done(1)
    begin_anew(lab, chat)
    row = chat.node.get_by_role("listitem").filter(has_text=name)
    expect(row).to_contain_text("2 turns")
    expect(keep).to_have_attribute("aria-pressed", "true")
    row.get_by_role("button").first.click()
    expect(chat.answer(0)).to_contain_text("Tokyo")
    expect(chat.answer(1)).to_contain_text("Madrid")
    chat.button(f"Conversation: {name}").click()
    chat.button(f'Delete "{name}"').click()
    lab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    begin_anew(lab, chat)
    expect(chat.node.get_by_role("region", name="Conversations")).to_be_visible()
    expect(row).to_have_count(0)


def begin_anew(lab: Lab, chat: Chat) -> None:
    """Restart the kernel, and list the conversations from one that is new."""
    lab.restart()
    chat.button("Load the extension").click()
    chat.ready()
    chat.button("New conversation").first.click()
    chat.node.locator(".jp-LocalLLM-toggle").first.click()
