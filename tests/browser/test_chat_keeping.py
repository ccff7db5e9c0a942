"""Conversations that notebooks keep: nothing of them is lost, whatever happens around them."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

from .chat import SETUP, Chat, open_chat, unasked
from .lab import PANEL, Lab, notebook_of

pytestmark = [pytest.mark.browser]

ENGINE = """
from jupyter_localllm.engine.scripted import ScriptedEngine
import jupyter_localllm as jl
def say(job):
    question = job.prompt.messages[-1].content
    return "word " * 150 if "Long" in question else "answer to " + question
jl.get_llm()._engine = ScriptedEngine(say, n_ctx=1_000_000, delay_ms=40)
"""
KEPT = """path => [...window.jupyterapp.shell.widgets('main')].find(widget => widget.context?.path === path)
    .model.getMetadata('jupyter_localllm')?.chat ?? {}"""


def document(turns: int, version: int = 1) -> dict[str, Any]:
    made = [
        {"question": f"kept question {number}", "answer": f"kept answer {number}", "place": None, "stale": False}
        for number in range(turns)
    ]
    return {"format": f"jupyter_localllm conversation {version}", "name": "chat", "system": None, "turns": made}


def keeper(cells: list[str], kept: dict[str, Any]) -> nbformat.NotebookNode:
    notebook = notebook_of(cells)
    notebook.metadata["jupyter_localllm"] = {"chat": {"chat": kept}}
    return notebook


def kept_in(lab: Lab, path: str) -> dict[str, int]:
    """The number of turns of each conversation that a notebook keeps."""
    return {name: len(one["turns"]) for name, one in lab.page.evaluate(KEPT, path).items()}


def wait_kept(lab: Lab, path: str, expected: dict[str, int]) -> None:
    for _ in range(100):
        if kept_in(lab, path) == expected:
            break
        lab.page.wait_for_timeout(100)
    assert kept_in(lab, path) == expected


def share_kernel(lab: Lab, other: str) -> None:
    """Give the notebook in front the kernel of another one."""
    lab.page.evaluate(
        f"""async other => {{ {PANEL}
            const one = [...app.shell.widgets('main')].find(widget => widget.context?.path === other);
            await panel.sessionContext.changeKernel({{id: one.sessionContext.session.kernel.id}});
        }}""",
        other,
    )


def keep(chat: Chat) -> None:
    chat.button("Conversation: chat").click()
    chat.button('Keep "chat" with the notebook').click()
    expect(chat.button('Keep "chat" with the notebook')).to_have_attribute("aria-pressed", "true")
    chat.button("Conversation: chat").click()


def test_what_could_not_be_restored_is_not_written_over(lab: Lab) -> None:
    """A conversation of a newer version stays in the file as it is, whatever is asked under its name."""
    lab.open(keeper([SETUP, ENGINE], document(50, version=2)), "newer.ipynb")
    lab.run_cell(0)
    lab.run_cell(1)
    chat = Chat(lab).show().ready()
    expect(chat.node.locator(".jp-LocalLLM-note")).to_contain_text("not a saved conversation")
    chat.ask(unasked("hello"))
    chat.wait_done(0)
    lab.page.wait_for_timeout(1000)
    assert kept_in(lab, "newer.ipynb") == {"chat": 50}


def test_all_notebooks_of_a_kernel_are_restored(lab: Lab) -> None:
    """What a notebook in the background keeps is there too, and grows with the conversation."""
    lab.open([SETUP, ENGINE], "front.ipynb")
    lab.open(keeper(["1"], document(5)), "back.ipynb")
    share_kernel(lab, "front.ipynb")
    lab.open_file("front.ipynb")
    lab.run_cell(0)
    lab.run_cell(1)
    chat = Chat(lab).show().ready()
    expect(chat.turns).to_have_count(5)
    chat.ask(unasked("hello"))
    chat.wait_done(5)
    wait_kept(lab, "back.ipynb", {"chat": 6})


def test_cells_and_answers_come_into_the_file(lab: Lab) -> None:
    """Turns of ``%%llm --chat`` are kept as those of the panel; a cell that is run again is shown and kept anew."""
    chat = open_chat(lab, [ENGINE, "%%llm --chat chat\nfirst thing"], "cells.ipynb")
    lab.run_cell(1)
    chat.ask(unasked("hello"))
    chat.wait_done(0)
    keep(chat)
    lab.run_cell(2)
    expect(chat.turns).to_have_count(2)
    wait_kept(lab, "cells.ipynb", {"chat": 2})
    change = "panel.content.widgets[2].model.sharedModel.setSource('%%llm --chat chat\\nsecond thing')"
    lab.page.evaluate(f"() => {{ {PANEL} {change} }}")
    lab.run_cell(2)
    expect(chat.turns.nth(1)).to_contain_text("second thing")
    expect(chat.answer(1)).to_contain_text("answer to second thing")
    expect(chat.node).not_to_contain_text("first thing")


def test_a_deleted_conversation_stays_deleted(lab: Lab) -> None:
    """It goes out of all notebooks of the kernel, and none brings it back."""
    chat = open_chat(lab, [ENGINE], "one.ipynb")
    lab.run_cell(1)
    chat.ask(unasked("hello"))
    chat.wait_done(0)
    keep(chat)
    lab.open(["1"], "two.ipynb")
    share_kernel(lab, "one.ipynb")
    chat.ready()
    keep(chat)
    chat.button("Conversation: chat").click()
    chat.button('Delete "chat"').click()
    lab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(chat.turns).to_have_count(0)
    lab.open_file("one.ipynb")
    chat.ready()
    lab.page.wait_for_timeout(1000)
    expect(chat.turns).to_have_count(0)
    assert (kept_in(lab, "one.ipynb"), kept_in(lab, "two.ipynb")) == ({}, {})


def test_a_question_outlives_a_look_at_another_notebook(lab: Lab) -> None:
    """A running turn of a kept conversation keeps its question through a switch of notebooks and a reload."""
    chat = open_chat(lab, [ENGINE], "a.ipynb")
    lab.run_cell(1)
    chat.ask(unasked("Quick"))
    chat.wait_done(0)
    keep(chat)
    lab.save()
    lab.open([SETUP], "b.ipynb")
    lab.run_cell(0)
    chat.ready()
    lab.open_file("a.ipynb")
    chat.ready()
    chat.ask(unasked("Long question here"))
    expect(chat.answer(1)).to_contain_text("word", timeout=20_000)
    lab.open_file("b.ipynb")
    lab.open_file("a.ipynb")
    expect(chat.turns.nth(1)).to_contain_text("Long question here")
    lab.reload("a.ipynb")
    chat.show().ready()
    expect(chat.turns.nth(1)).to_contain_text("Long question here")
    chat.wait_done(1)
    expect(chat.turns.nth(1)).to_contain_text("Long question here")
    wait_kept(lab, "a.ipynb", {"chat": 2})


def test_an_answer_is_kept_where_it_was_asked(lab: Lab) -> None:
    """With the setting, the notebook in which it was led keeps it, also if another is in front when it ends."""
    lab.setting("jupyter-localllm:plugin", {"keepInNotebook": True})
    try:
        chat = open_chat(lab, [ENGINE], "first.ipynb")
        lab.run_cell(1)
        chat.ask(unasked("Long one"))
        expect(chat.answer(0)).to_contain_text("word", timeout=20_000)
        chat.button("Attach cell").click()
        lab.open([SETUP], "second.ipynb")
        lab.run_cell(0)
        chat.ready()
        expect(chat.node.get_by_role("list", name="Attached")).to_have_count(0)  # a chip of the other kernel's cell
        wait_kept(lab, "first.ipynb", {"chat": 1})
        assert kept_in(lab, "second.ipynb") == {}
    finally:
        lab.setting("jupyter-localllm:plugin", {"keepInNotebook": False})
