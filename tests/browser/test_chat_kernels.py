"""The chat through all that happens to kernels and pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from .chat import SETUP, Chat, open_chat, unasked
from .lab import PANEL, Lab

pytestmark = [pytest.mark.browser, pytest.mark.model]

# Longer than a page takes to load, however busy the machine is.
SLOW = """
from jupyter_localllm.engine.scripted import ScriptedEngine
import jupyter_localllm as jl
jl.get_llm()._engine = ScriptedEngine("The sea and its fish. " * 500, n_ctx=1_000_000, delay_ms=200)
"""
STORY = "Tell me a very long story about the sea."


def writing(chat: Chat, index: int = 0) -> None:
    expect(chat.answer(index).locator(".jp-LocalLLM-text")).to_contain_text(" ", timeout=60_000)


def test_a_kernel_without_the_extension_gets_a_button(lab: Lab) -> None:
    """The panel says what is missing; the button loads it, and a question is answered. No cell is added."""
    lab.open(["1"])
    chat = Chat(lab).show()
    expect(chat.node.locator(".jp-LocalLLM-note")).to_contain_text("not loaded in this kernel")
    expect(chat.button("Send")).to_be_disabled()
    chat.button("Load the extension").click()
    chat.ready()
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    expect(chat.answer(0)).to_contain_text("Japan")
    assert lab.outputs(0) == []


def test_a_cell_that_loads_the_extension_is_noticed(lab: Lab) -> None:
    """The panel is open first; the cell is run as the README says; the panel is ready without a click."""
    lab.open([SETUP])
    chat = Chat(lab).show()
    expect(chat.button("Load the extension")).to_be_visible()
    lab.run_cell(0)
    chat.ready()


def test_a_restart_in_the_middle_of_an_answer(lab: Lab) -> None:
    """The answer is marked as lost, the panel says that the extension is missing, and goes on when it is loaded."""
    chat = open_chat(lab, [])
    chat.ask(unasked(STORY))
    writing(chat)
    lab.restart()
    expect(chat.turns.first).to_contain_text("The kernel went away before the answer was whole.")
    chat.button("Load the extension").click()
    chat.ready()
    chat.ask("What is the capital of Japan?")
    expect(chat.turns.last.locator(".jp-LocalLLM-turnAnswer")).to_contain_text("Japan", timeout=60_000)
    expect(chat.turns.last).to_have_attribute("data-phase", "done", timeout=60_000)


def test_a_kernel_that_dies_comes_back(lab: Lab) -> None:
    """The server restarts a kernel that was killed; the panel notices, and works again."""
    chat = open_chat(lab, [])
    chat.ask(unasked(STORY))
    writing(chat)
    lab.page.evaluate(
        f"""() => {{ {PANEL}
            panel.sessionContext.session.kernel.requestExecute({{code: 'import os; os._exit(1)'}});
        }}"""
    )
    lab.page.get_by_role("dialog").get_by_role("button", name="Ok").click(timeout=60_000)
    expect(chat.turns.first).to_contain_text("The kernel went away before the answer was whole.")
    chat.button("Load the extension").click()
    chat.ready()


def test_another_kernel_in_the_same_notebook(lab: Lab) -> None:
    """After a change of the kernel the panel talks to the new one."""
    chat = open_chat(lab, [])
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    lab.page.evaluate(f"async () => {{ {PANEL} await panel.sessionContext.changeKernel({{name: 'python3'}}) }}")
    expect(chat.button("Load the extension")).to_be_visible(timeout=30_000)
    expect(chat.turns).to_have_count(0)


def test_the_panel_follows_the_notebook(lab: Lab) -> None:
    """Each notebook's kernel has its own conversations; an answer that is being written goes on unseen."""
    chat = open_chat(lab, ["where = 'first'"], "first.ipynb")
    chat.ask(unasked(STORY))
    writing(chat)
    lab.open([SETUP], "second.ipynb")
    lab.run_cell(0)
    chat.ready()
    expect(chat.turns).to_have_count(0)
    chat.ask("What is the capital of Japan?")
    expect(chat.answer(0)).to_contain_text("Japan", timeout=90_000)
    lab.open_file("first.ipynb")
    expect(chat.turns.first).to_contain_text("story about the sea")
    expect(chat.turns.first).to_have_attribute("data-phase", "done", timeout=90_000)
    expect(chat.turns).to_have_count(1)


def test_two_notebooks_on_one_kernel(lab: Lab) -> None:
    """They share their conversations, also after the one that came first is closed."""
    chat = open_chat(lab, [], "one.ipynb")
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    lab.open(["1"], "two.ipynb")
    lab.page.evaluate(
        f"""async () => {{ {PANEL}
            const other = [...app.shell.widgets('main')].find(widget => widget.context?.path === 'one.ipynb');
            await panel.sessionContext.changeKernel({{id: other.sessionContext.session.kernel.id}});
        }}"""
    )
    chat.ready()
    expect(chat.answer(0)).to_contain_text("Japan")
    lab.page.evaluate(
        """() => [...window.jupyterapp.shell.widgets('main')]
            .find(widget => widget.context?.path === 'one.ipynb').dispose()"""
    )
    chat.ready()
    chat.ask("Hello")
    chat.wait_done(1)


def test_two_browser_tabs(lab: Lab, context: BrowserContext) -> None:
    """A question of one tab is seen in the other, answer and all; a restart in one is noticed in the other."""
    chat = open_chat(lab, [])
    other_lab = Lab(context, lab.server)
    other_lab.page.goto(f"{lab.server.url}lab/workspaces/other/tree/chat.ipynb?reset&token={lab.server.token}")
    other_lab.page.wait_for_function("window.jupyterapp !== undefined")
    other_lab.page.evaluate("async () => { await window.jupyterapp.restored }")
    other_lab.wait_idle()
    other = Chat(other_lab).show().ready()
    chat.ask("What is the capital of Japan?")
    expect(other.answer(0)).to_contain_text("Japan", timeout=60_000)
    expect(other.turns.first).to_contain_text("What is the capital of Japan?")
    other.wait_done(0)
    lab.restart()
    lab.run_cell(0)
    chat.ready()
    other.ready()
    other.ask("Hello")
    expect(chat.turns.last).to_contain_text("Hello", timeout=60_000)
    other_lab.page.close()


def test_a_reload_shows_what_was_there(lab: Lab) -> None:
    """After a reload, in the middle of an answer, the panel shows the conversation as the kernel has it."""
    chat = open_chat(lab, [SLOW])
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    lab.run_cell(1)
    chat.ask(unasked(STORY))
    writing(chat, 1)
    lab.save()
    lab.reload("chat.ipynb")
    chat.show().ready()
    expect(chat.turns).to_have_count(2)
    expect(chat.answer(0)).to_contain_text("Japan")
    chat.button("Stop").click()
    chat.wait_done(1)


def test_the_connection_is_lost_and_comes_back(lab: Lab) -> None:
    """A socket that closes is opened again, and the panel goes on with what was written meanwhile."""
    chat = open_chat(lab, [SLOW])
    lab.run_cell(1)
    chat.ask(unasked(STORY))
    writing(chat)
    lab.page.evaluate(f"async () => {{ {PANEL} await panel.sessionContext.session.kernel.reconnect() }}")
    chat.ready()
    chat.button("Stop").click()
    chat.wait_done(0)
    expect(chat.turns).to_have_count(1)
