"""The panel in a cell, over the scripted engine."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets
import pytest

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.errors import DependencyMissing, UsageError
from jupyter_localllm.widgets import ChatPanel
from tests.chat.panel import Panel
from tests.show.hostile import MARKDOWN

from .conftest import VIEW, Open, Shell, until

Engine = Callable[..., LocalLLM]


def test_a_question_is_answered(engine: Engine, shell: Shell) -> None:
    """Question and answer stand in the log, rendered; the field is empty again."""
    engine()
    panel = Open(shell)
    panel.ask("What is the capital of France?")
    question, answer = panel.rows
    assert "What is the capital of France?" in question.value
    assert "<strong>Paris</strong>" in answer.value
    assert panel.view.composer.line.value == ""


def test_the_saved_notebook_holds_the_text(engine: Engine, shell: Shell) -> None:
    """The first output is the conversation as text, brought up to date; the widgets stand in another, and are not drawn
    anew while somebody uses them."""
    engine()
    panel = Open(shell)
    text, view = shell.saved
    assert VIEW not in text
    assert "no questions yet" in text["text/plain"]
    panel.ask("What is the capital of France?")
    text, after = shell.saved
    assert after is view
    assert after["text/html"] == after["text/plain"] == ""
    for kind in ("text/plain", "text/html", "text/markdown"):
        assert "What is the capital of France?" in text[kind]
        assert "Paris" in text[kind]
    assert "<script" not in text["text/html"]


def test_living_widgets_hide_the_text(engine: Engine, shell: Shell) -> None:
    """The text is hidden by a style that is among the widgets only, and dead widgets by one that stands in the text."""
    engine()
    panel = Open(shell)
    (mark,) = (name for name in panel.view.widget._dom_classes if name.startswith("jp-LocalLLM-panel-"))
    kept = mark.replace("panel", "kept")
    assert f'class="jp-LocalLLM-kept {kept}"' in shell.saved[0]["text/html"]
    styles = [w.value for w in panel.view.widget.children if isinstance(w, ipywidgets.HTML) and "<style>" in w.value]
    assert styles == [f"<style>.{kept}{{display:none}}</style>"]
    assert f":not(:has(.{mark})){{display:none}}" in shell.saved[0]["text/html"]


def test_enter_sends_the_whole_line(engine: Engine, shell: Shell) -> None:
    """The browser tells of Enter before it tells what was typed; the question is whole all the same, and asked once."""
    engine()
    panel = Open(shell)
    panel.types("What is the capital of France?", enter=True)
    until(lambda: len(panel.client.shown.turns) == 1 and panel.client.shown.turns[0].final)
    assert "What is the capital of France?" in panel.log


def test_several_lines(engine: Engine, shell: Shell) -> None:
    """The field becomes a larger one, what stood in it stays, and line breaks are sent."""
    engine()
    panel = Open(shell)
    panel.view.composer.line.set_state({"value": "one"})
    panel.view.composer.several.set_state({"value": True})
    until(lambda: panel.view.composer.lines.value == "one")
    assert panel.view.composer.lines in panel.view.composer._row.children
    panel.ask("one\ntwo")
    assert panel.client.shown.turns[0].question == "one\ntwo"


def test_blank_questions_are_not_sent(engine: Engine, shell: Shell) -> None:
    """A click on Send without a question does nothing."""
    engine()
    panel = Open(shell)
    panel.types("  ")
    panel.ask("Hello")
    assert [turn.question for turn in panel.client.shown.turns] == ["Hello"]


def test_what_is_whole_is_not_sent_again(engine: Engine, shell: Shell, sent: list[Any]) -> None:
    """While a later answer grows and when it ends, no earlier message goes to the front end."""
    engine("One two three.\n\nFour five six.")
    panel = Open(shell)
    panel.ask("First?")
    first = set(panel.rows)
    sent.clear()
    panel.ask("Second?")
    assert first < set(panel.rows)
    assert not first & {widget for widget, _message in sent}
    assert {"Second?" in row.value for row in panel.rows[2:3]} == {True}


def test_stop_ends_the_answer(engine: Engine, shell: Shell) -> None:
    """Stop is there while something is answered; what was written stays, marked."""
    engine(" ".join(f"word{i}" for i in range(2000)), delay_ms=10.0)
    panel = Open(shell)
    assert panel.view.composer.stop.disabled
    panel.types("Tell me a story.")
    until(lambda: "word5" in panel.log and not panel.view.composer.stop.disabled)
    panel.view.composer.stop.click()
    until(lambda: panel.client.shown.turns[0].final)
    panel.rest()
    assert "incomplete" in panel.log
    assert "word5" in panel.text
    until(lambda: panel.view.composer.stop.disabled)


def test_variables_are_offered_and_attached(engine: Engine, shell: Shell, variables: dict[str, Any]) -> None:
    """The list has type, size and tokens; a chosen one becomes a chip, goes with the question, and the answer cites."""
    pandas = pytest.importorskip("pandas")
    variables["df"] = pandas.DataFrame({"City": ["Oslo", "Rome"], "Population": [717710, 2755309]})
    engine("Population of Rome: 2755309 [1].")
    panel = Open(shell)
    (label,) = until(lambda: panel.view.composer.variables.options)
    assert label.startswith("df \u00b7 DataFrame \u00b7 2 \u00d7 2 \u00b7 about ")
    panel.view.composer.variables.set_state({"value": label})
    until(lambda: panel.view.composer.names == ["df"])
    panel.rest()  # the chip is made after the name is known
    assert [chip.description for chip in panel.view.composer.chips.children] == ["df \u00d7"]
    panel.ask("What is the Population of Rome?")
    assert "with df" in panel.log
    assert "jp-LocalLLM-cite" in panel.log
    assert panel.view.composer.names == []


def test_a_chip_is_removed(engine: Engine, shell: Shell) -> None:
    """A click on a chip takes the variable away; the same one is attached once."""
    engine()
    panel = Open(shell)
    for name in ("a", "b", "a"):
        panel.view.composer.variables.set_state({"value": name})
        panel.rest()
    assert panel.view.composer.names == ["a", "b"]
    panel.press(panel.view.composer.chips.children[0])
    assert panel.view.composer.names == ["b"]


def test_new_variables_are_offered_after_a_cell(engine: Engine, shell: Shell, variables: dict[str, Any]) -> None:
    """A cell that ran may have made some."""
    engine()
    panel = Open(shell)
    variables["later"] = [1, 2, 3]
    for function in shell.events.heard:
        function(None)
    until(lambda: any(option.startswith("later") for option in panel.view.composer.variables.options))


def test_a_refused_question_is_written_back(engine: Engine, shell: Shell) -> None:
    """What the session does not take stands in the field again with what is wrong; nothing is in the log."""
    engine()
    panel = Open(shell)
    panel.view.composer.variables.set_state({"value": "not a name"})
    until(lambda: panel.view.composer.names)
    panel.types("Why?")
    until(lambda: panel.trouble)
    panel.rest()
    assert panel.view.composer.field.value == "Why?"
    assert panel.view.composer.names == ["not a name"]
    assert panel.rows == []


def test_a_failed_question_says_why(engine: Engine, shell: Shell) -> None:
    """The error and what to do stand below the question, in the text too; the next question is answered."""
    engine()
    panel = Open(shell)
    panel.view.composer.variables.set_state({"value": "gone"})
    until(lambda: panel.view.composer.names)
    panel.ask("Why?")
    assert "there is no variable gone" in panel.log
    assert "there is no variable gone" in panel.text
    panel.ask("What is the capital of France?")
    assert "Paris" in panel.log


def test_the_sidebar_and_the_panel_share_a_conversation(engine: Engine, shell: Shell) -> None:
    """What is asked in the sidebar is seen here, and the other way round."""
    engine()
    panel = Open(shell, "trip")
    sidebar = Panel(runtime.current().chat)
    sidebar.ended(sidebar.ask("From the sidebar?", "trip"))
    until(lambda: "From the sidebar?" in panel.log and "Paris" in panel.log)
    panel.ask("From the cell?")
    assert sidebar.until(lambda m: m["type"] == "asked" and m["text"] == "From the cell?")["conversation"] == "trip"


def test_a_cells_turn_is_seen(engine: Engine, shell: Shell) -> None:
    """`%%llm --chat NAME` in a cell adds to the conversation that is shown."""
    handle = engine()
    panel = Open(shell, "trip")
    panel.ask("Mine?")
    handle.generate("From a cell?", chat="trip")
    runtime.current().chat.changed()
    until(lambda: "From a cell?" in panel.log)
    assert "Mine?" in panel.log


def test_earlier_turns_are_there_at_once(engine: Engine, shell: Shell) -> None:
    """A panel on a conversation that has turns shows them; without a name it is the latest one."""
    handle = engine()
    handle.generate("Where could I go?", chat="trip")
    panel = Open(shell)
    assert panel.panel.conversation == "trip"
    assert "Where could I go?" in panel.log
    assert "Where could I go?" in shell.published[0][1]["text/plain"]


def test_another_panel_sees_a_running_answer(engine: Engine, shell: Shell) -> None:
    """A panel that is opened while an answer is written shows it so far, and its end."""
    engine(" ".join(f"word{i}" for i in range(300)), delay_ms=10.0)
    first = Open(shell)
    first.types("Tell me a story.")
    until(lambda: "word5" in first.log)
    second = Open(Shell("cell-2"))
    until(lambda: "word5" in second.log)
    second.view.composer.stop.click()
    until(lambda: first.client.shown.turns[0].final and second.client.shown.turns[0].final)


def test_conversations_are_chosen_and_changed(engine: Engine, shell: Shell) -> None:
    """New, back, rename, keep, export, clear, and delete, which asks again."""
    handle = engine()
    panel = Open(shell)
    parts = panel.view.conversations
    panel.ask("First?")
    panel.press(parts.buttons["new"])
    assert (panel.panel.conversation, panel.rows) == ("Chat 2", [])
    panel.ask("Second?")
    parts.chosen.set_state({"index": [name for _, name in parts.chosen.options].index("Chat")})
    until(lambda: panel.panel.conversation == "Chat" and "First?" in panel.log)
    parts.name.set_state({"value": "trip"})
    panel.press(parts.buttons["rename"])
    until(lambda: panel.panel.conversation == "trip" and "First?" in panel.log)
    assert "trip" in handle.conversations
    parts.keep.set_state({"value": True})
    until(lambda: runtime.current().chat._talks.kept.names == {"trip": 1})
    panel.press(parts.export)
    until(lambda: "> First?" in parts.markdown.value)
    panel.press(parts.buttons["clear"])
    until(lambda: panel.rows == [])
    assert "no questions yet" in panel.text
    panel.press(parts.buttons["delete"])
    assert parts.buttons["delete"].description == "Really delete?"
    panel.press(parts.buttons["delete"])
    until(lambda: panel.panel.conversation == "Chat 2" and "Second?" in panel.log)
    assert "trip" not in handle.conversations


def test_a_name_that_is_taken_is_said(engine: Engine, shell: Shell) -> None:
    """What cannot be done is told, and nothing has changed."""
    handle = engine()
    handle.generate("a", chat="other")
    panel = Open(shell, "mine")
    panel.ask("Hello?")
    panel.view.conversations.name.set_state({"value": "other"})
    panel.press(panel.view.conversations.buttons["rename"])
    until(lambda: "other" in panel.trouble)
    assert panel.panel.conversation == "mine"


def test_settings_hold_both_ways(engine: Engine, shell: Shell) -> None:
    """A field changes the kernel's own handle, and what a cell changes is seen in the field."""
    handle = engine()
    panel = Open(shell)
    fields = panel.view.sampling.fields
    fields["temperature"].set_state({"value": 0.7})
    until(lambda: handle.temperature == 0.7)
    fields["max_tokens"].set_state({"value": "64"})
    until(lambda: handle.max_tokens == 64)
    panel.rest()
    until(lambda: fields["max_tokens"].value == "64")
    fields["max_tokens"].set_state({"value": ""})
    until(lambda: handle.max_tokens is None)
    handle.top_k = 7
    until(lambda: fields["top_k"].value == 7)


def test_a_wrong_setting_is_said(engine: Engine, shell: Shell) -> None:
    """It is refused, and the field has the value that holds."""
    handle = engine()
    panel = Open(shell)
    panel.view.sampling.fields["max_tokens"].set_state({"value": "many"})
    until(lambda: panel.trouble)
    until(lambda: panel.view.sampling.fields["max_tokens"].value == "")
    assert handle.max_tokens is None


def test_models_are_chosen(engine: Engine, shell: Shell) -> None:
    """The list says what each takes and whether it fits; "Use" changes the kernel's own handle, and one that is not
    here is told and changes nothing."""
    handle = engine(handle=LocalLLM())
    panel = Open(shell)
    label = until(lambda: panel.view.model.chosen.options)[0][0]
    assert label.startswith("smollm2-135m-instruct \u00b7 ")
    assert "MB of memory" in label
    assert "not loaded" in panel.view.model.words.value
    before = handle.model
    panel.view.model.chosen.options = (("gone", "gone"),)
    panel.press(panel.view.model.use)
    until(lambda: "gone" in panel.trouble)
    assert handle.model == before


def test_loading_has_a_bar(engine: Engine, shell: Shell) -> None:
    """While a model is loaded and it is known how far, a bar shows it; then it goes."""
    engine()
    panel = Open(shell)
    model = {"name": "m", "state": "loading", "progress": 0.25, "memory_bytes": None, "window": None, "text": "reading"}
    panel.view.model.tell(model)
    assert (panel.view.model.bar.value, panel.view.model.bar.layout.display) == (0.25, "")
    panel.view.model.tell({**model, "state": "loaded", "progress": None})
    assert panel.view.model.bar.layout.display == "none"


def test_closing_leaves_the_text(engine: Engine, shell: Shell) -> None:
    """The widgets go, the text stays, the session has one client less; a closed panel cannot be shown."""
    engine()
    panel = Open(shell)
    panel.ask("What is the capital of France?")
    panel.panel.close()
    until(lambda: VIEW not in shell.saved[1])
    panel.rest()
    assert "Paris" in panel.text
    assert panel.view.widget.comm is None
    assert len(runtime.current().chat._members) == 0
    assert shell.events.heard == []
    with pytest.raises(UsageError, match="closed"):
        panel.panel.show()


def test_a_cell_that_runs_again_has_one_panel(engine: Engine, shell: Shell) -> None:
    """The older one is closed; that of another cell is not."""
    engine()
    other = Shell("cell-2")
    other.meta = shell.meta
    first, second = Open(shell), Open(other)
    again = Open(Shell())
    assert len(runtime.current().chat._members) == 3  # another shell: not the same cell
    last = Open(shell)
    assert len(runtime.current().chat._members) == 3
    assert [one.panel._closed for one in (first, second, again, last)] == [True, False, False, False]


def test_the_end_of_the_session_closes_it(engine: Engine, shell: Shell) -> None:
    """`%unload_ext` and a reset take the widgets away and leave the text."""
    engine()
    panel = Open(shell)
    panel.ask("Hello?")
    runtime.current().chat.close()
    until(lambda: VIEW not in shell.saved[1])
    assert "Hello?" in panel.text


def test_unattended_it_is_text(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without somebody who looks on there is no widget at all, one line for the log, and then the conversation."""
    handle = engine()
    handle.generate("Where could I go?", chat="trip")
    shell = Shell("")
    monkeypatch.setitem(sys.modules, "ipywidgets", None)  # nor is it needed
    ChatPanel("trip", shell=shell).show()
    ((first, line), (second, text)) = shell.published
    assert (first, second) == (False, True)
    assert line == {"text/plain": "llm panel: Conversation trip: 1 question"}
    assert "Where could I go?" in text["text/plain"]
    assert VIEW not in text


@pytest.mark.parametrize(("name", "value"), [("SERVER_SOFTWARE", "voila/0.5.8"), ("COLAB_RELEASE_TAG", "release-1")])
def test_voila_and_colab_are_looked_at(name: str, value: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """They send no cell's id, and people look at them."""
    monkeypatch.setenv(name, value)
    engine()
    shell = Shell("")
    Open(shell)
    assert VIEW in shell.saved[1]


def test_a_terminal_has_no_panel() -> None:
    """It says so, and what to do there."""
    with pytest.raises(UsageError, match="terminal"):
        ChatPanel().show()


def test_without_ipywidgets(engine: Engine, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the command that installs it."""
    engine()
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(DependencyMissing) as caught:
        ChatPanel(shell=shell).show()
    assert 'pip install "jupyter_localllm[widgets]"' in caught.value.hint


def test_hostile_texts_are_shown_as_texts(engine: Engine, shell: Shell) -> None:
    """Whatever is asked and answered, no tag, no script and no address of it is alive in log and text."""
    text = "\n\n".join(text for text in MARKDOWN.values() if "\ud800" not in text)
    engine(text, n_ctx=1_000_000)
    panel = Open(shell, "<img src=x onerror=alert(1)>")
    panel.ask(text)
    for html in (panel.log, shell.saved[0]["text/html"]):
        assert "<script" not in html.lower()
        assert "<img" not in html.lower()
        assert "<iframe" not in html.lower()


def test_from_a_program(engine: Engine, shell: Shell) -> None:
    """`ask` is the button; `widget` is for layouts of one's own, without any output."""
    engine()
    panel = ChatPanel("trip", shell=shell)
    assert isinstance(panel.widget, ipywidgets.Box)
    panel.ask("What is the capital of France?")
    assert shell.published == []
    until(lambda: panel._client is not None and panel._client.shown.turns and panel._client.shown.turns[0].final)
    panel.close()


def test_nothing_is_printed_or_displayed_by_threads(
    engine: Engine, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside widgets a thread changes only the two outputs of the panel's own cell, by their names."""
    engine()
    panel = Open(shell)
    shown = len(shell.outputs)
    panel.ask("What is the capital of France?")
    assert len(shell.outputs) == shown == 2
    assert capsys.readouterr() == ("", "")
    assert all(thread.name != "jupyter_localllm-widgets" for thread in threading.enumerate())
