"""Conversations of panels: renamed, cleared, deleted, kept, exported, restored."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.chat.session import Session
from jupyter_localllm.conversation import Conversation, Turn
from jupyter_localllm.show.bundle import ANSWER_MIME
from tests.chat.panel import Panel, text_of

Make = Callable[..., Session]


def folder() -> Path:
    return Path(runtime.current().own.cache_dir) / "conversations"


def names(panel: Panel) -> list[str]:
    return [listed.name for listed in Panel(panel.session).welcome.conversations]


def questions(panel: Panel, conversation: str) -> list[str]:
    return [turn["question"] for turn in panel.value("open", conversation=conversation)["turns"]]


def test_rename_moves_the_turns(make: Make) -> None:
    """The new name has the turns, for cells too; a name that is taken is refused by an error."""
    panel = Panel(make())
    for name in ("a", "b"):
        panel.ended(panel.ask("Hi", name))
    assert panel.ended(panel.request("rename", conversation="a", to="b"))["type"] == "failed"
    assert panel.value("rename", conversation="a", to="c") is None
    assert (names(panel), questions(panel, "c")) == (["b", "c"], ["Hi"])
    assert panel.ended(panel.request("open", conversation="a"))["name"] == "UsageError"


def test_clear_leaves_the_name_and_delete_does_not(make: Make) -> None:
    """Cleared, it is an empty conversation; deleted, it is none."""
    panel = Panel(make())
    panel.ended(panel.ask("Hi", "a"))
    panel.value("clear", conversation="a")
    assert (names(panel), questions(panel, "a")) == (["a"], [])
    panel.ended(panel.ask("Again", "a"))
    assert len(runtime.current().own.engine.jobs[-1].prompt.messages) == 2
    panel.value("delete", conversation="a")
    assert names(panel) == []


def test_clear_stops_what_runs_first(make: Make) -> None:
    """An answer that was being written does not come back."""
    panel = Panel(make("word " * 2000, delay_ms=5))
    running, waiting = panel.ask("One"), panel.ask("Two")
    panel.wait("answer", running)
    panel.value("clear", conversation="Chat")
    for request in (running, waiting):
        assert panel.ended(request)["metadata"]["jupyter_localllm"]["complete"] is False
    assert questions(panel, "Chat") == []


def test_kept_conversations_outlive_the_kernel(make: Make) -> None:
    """Turns with their outputs are on disk, private, and a new kernel lists and opens them."""
    panel = Panel(make())
    panel.ended(panel.ask("One", "a"))
    panel.value("keep", conversation="a", kept=True)
    panel.ended(panel.ask("Two", "a"))
    panel.ended(panel.ask("Not kept", "b"))
    panel.value("keep", conversation="a", kept=True)  # comes after the writing of what was answered before
    assert questions(panel, "a") == ["One", "Two"]
    (path,) = folder().iterdir()
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder().stat().st_mode) == 0o700
    runtime.reset()
    panel = Panel(make())
    assert [(one.name, one.turns, one.kept) for one in panel.welcome.conversations] == [("a", 2, True)]
    opened = panel.value("open", conversation="a")
    assert [turn["question"] for turn in opened["turns"]] == ["One", "Two"]
    assert opened["turns"][0]["data"]["text/plain"] == "It is Paris."


def test_a_question_goes_on_from_what_was_kept(make: Make) -> None:
    """Without having been opened first."""
    panel = Panel(make())
    panel.ended(panel.ask("One", "a"))
    panel.value("keep", conversation="a", kept=True)
    runtime.reset()
    panel = Panel(make())
    panel.ended(panel.ask("Two", "a"))
    contents = [m.content for m in runtime.current().own.engine.jobs[-1].prompt.messages[1:]]
    assert contents == ["One", "It is Paris.", "Two"]


def test_two_kernels_keep_the_same_conversation(make: Make) -> None:
    """Neither loses the other's turns; what one cleared does not come back from itself."""
    first = Panel(make())
    first.ended(first.ask("One", "a"))
    first.value("keep", conversation="a", kept=True)
    own = runtime.current().own
    talk = Conversation.of(json.loads(next(folder().iterdir()).read_text()))
    talk.record("From elsewhere", "Yes.", None)
    next(folder().iterdir()).write_text(json.dumps(talk.document()))
    first.ended(first.ask("Two", "a"))
    first.value("keep", conversation="a", kept=True)
    kept = Conversation.of(json.loads(next(folder().iterdir()).read_text()))
    assert sorted(turn.question for turn in kept.turns) == ["From elsewhere", "One", "Two"]
    assert [turn.question for turn in own.conversations.get("a").turns] == ["One", "Two"]
    first.value("clear", conversation="a")
    assert Conversation.of(json.loads(next(folder().iterdir()).read_text())).turns == ()


def test_what_is_kept_no_longer_is_deleted(make: Make) -> None:
    """The file is gone and the turns of this kernel stay; deleting takes both; renaming takes the file along."""
    panel = Panel(make())
    panel.ended(panel.ask("One", "a"))
    panel.value("keep", conversation="a", kept=True)
    panel.value("rename", conversation="a", to="b")
    assert len(list(folder().iterdir())) == 1
    panel.value("keep", conversation="b", kept=False)
    assert (list(folder().iterdir()), questions(panel, "b")) == ([], ["One"])
    panel.value("keep", conversation="b", kept=True)
    panel.value("delete", conversation="b")
    assert (list(folder().iterdir()), names(panel)) == ([], [])


def test_broken_files_are_passed_over(make: Make) -> None:
    """Whatever lies in the folder, the panel comes up."""
    session = make()
    folder().mkdir(parents=True)
    (folder() / "x.json").write_text("{")
    (folder() / "y.json").write_text(json.dumps({"format": "other"}))
    (folder() / "z.json").write_text(json.dumps(Conversation("not its name").document()))
    (folder() / "d.json").mkdir()
    assert Panel(session).welcome.conversations == ()


def test_export_to_markdown(make: Make) -> None:
    """Questions are quoted, and nothing of the model's text runs where it is shown."""
    panel = Panel(make("<img src=x onerror=alert(1)> Paris"))
    panel.ended(panel.ask("What is\nit?", "Über"))
    text = panel.value("export", conversation="Über", format="markdown")["text"]
    assert "# Über" in text
    assert "> What is\n> it?" in text
    assert "<img" not in text
    assert "Paris" in text


def test_export_and_restore(make: Make, variables: dict[str, Any]) -> None:
    """What a notebook saved comes back in another kernel, with citations; turns that are there stay, once."""
    pd = pytest.importorskip("pandas")
    variables["df"] = pd.DataFrame({"City": ["Oslo", "Rome"], "Population": [717710, 2755309]})
    panel = Panel(make())
    panel.ended(panel.ask("What is the Population of Rome?", "a", attachments=[{"kind": "variable", "name": "df"}]))
    document = json.loads(json.dumps(panel.value("export", conversation="a", format="json")["document"]))
    assert "text/html" not in json.dumps(document)
    runtime.reset()
    panel = Panel(make())
    panel.ended(panel.ask("Here", "a"))
    value = panel.value("restore", document=document)
    first, second = value["turns"]
    assert (value["conversation"], second["question"]) == ("a", "Here")
    assert first["attachments"] == [{"kind": "variable", "name": "df"}]
    assert first["data"][ANSWER_MIME]["citations"][0]["source"] == "df"
    assert "2755309" in first["data"]["text/html"]
    assert len(panel.value("restore", document=document)["turns"]) == 2


def test_a_document_is_not_trusted(make: Make) -> None:
    """HTML of a document is not shown; what is no conversation is an error."""
    turn = Turn("q", "a", saved=({"text/html": "<script>1</script>", "text/plain": "a"}, {}), request="<x>")
    document = Conversation("evil", turns=(turn,)).document(outputs=True)
    panel = Panel(make())
    (told,) = panel.value("restore", document=document)["turns"]
    assert "<script>" not in json.dumps(told)
    assert told["request"] == "turn-1"
    for wrong in ({}, {"format": "other"}, {**document, "turns": [1]}, {**document, "name": " "}):
        failed = panel.ended(panel.request("restore", document=wrong))
        assert (failed["type"], failed["name"]) == ("failed", "UsageError")


def test_open_stays_below_the_limit(make: Make) -> None:
    """Of many turns the latest are told, and how many are not."""
    panel = Panel(make())
    talk = runtime.current().own.conversations.get("long")
    for i in range(300):
        talk.record(f"q{i}", "word " * 2_000, None)
    value = panel.value("open", conversation="long")
    assert value["turns"][-1]["question"] == "q299"
    assert 0 < value["omitted"] == 300 - len(value["turns"])
    assert len(json.dumps(value)) < 1_000_000


def test_what_came_with_a_question_comes_back(make: Make) -> None:
    """A cell that was attached is in the prompt of later questions, and not in the question that people see."""
    panel = Panel(make())
    cell = {"kind": "cell", "id": "c", "source": "x = 41 + 1", "outputs": ""}
    panel.ended(panel.ask("What is x?", "a", attachments=[cell]))
    panel.ended(panel.ask("Sure?", "a"))
    assert "x = 41 + 1" in runtime.current().own.engine.jobs[-1].prompt.messages[1].content
    assert panel.value("open", conversation="a")["turns"][0]["question"] == "What is x?"
    assert panel.value("open", conversation="a")["turns"][0]["attachments"] == [cell]


def test_an_unknown_conversation_is_an_error_with_a_near_name(make: Make) -> None:
    """For all that is done with conversations, and nothing is listed after it."""
    panel = Panel(make())
    panel.ended(panel.ask("Hi", "holiday"))
    for type, values in (
        ("open", {}), ("export", {"format": "markdown"}), ("clear", {}), ("delete", {}), ("keep", {"kept": True}),
        ("rename", {"to": "x"}),
    ):  # fmt: skip
        failed = panel.ended(panel.request(type, conversation="hollday", **values))
        assert (failed["type"], "holiday" in failed["hint"]) == ("failed", True)
    assert names(panel) == ["holiday"]


def test_text_of_an_answer_is_that_of_its_turn(make: Make) -> None:
    """What was streamed last is what is opened later."""
    panel = Panel(make("one two"))
    last = panel.ended(panel.ask("Hi", "a"))
    (turn,) = panel.value("open", conversation="a")["turns"]
    assert turn["data"] == last["data"]
    assert text_of(last) == "one two"
