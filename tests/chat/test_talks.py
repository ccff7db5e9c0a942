"""Conversations of panels: renamed, cleared, deleted, kept, exported, restored."""

from __future__ import annotations

import json
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.chat import kept
from jupyter_localllm.chat.kept import Kept
from jupyter_localllm.chat.session import Session
from jupyter_localllm.conversation import Conversation, Turn
from jupyter_localllm.show.bundle import ANSWER_MIME
from tests.chat.panel import Gate, Panel, text_of

Make = Callable[..., Session]


def folder() -> Path:
    return Path(runtime.current().own.cache_dir) / "conversations"


def files() -> list[Path]:
    return list(folder().glob("*.json"))


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
    (path,) = files()
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
    talk = Conversation.of(json.loads(files()[0].read_text()))
    talk.record("From elsewhere", "Yes.", None)
    files()[0].write_text(json.dumps(talk.document()))
    first.ended(first.ask("Two", "a"))
    first.value("keep", conversation="a", kept=True)
    kept = Conversation.of(json.loads(files()[0].read_text()))
    assert sorted(turn.question for turn in kept.turns) == ["From elsewhere", "One", "Two"]
    assert [turn.question for turn in own.conversations.get("a").turns] == ["One", "Two"]
    first.value("clear", conversation="a")
    assert Conversation.of(json.loads(files()[0].read_text())).turns == ()


def test_what_was_written_here_is_not_read_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long conversation is read when somebody else wrote it, and their turns stay where ours are added."""
    panel = Panel(make())
    panel.ended(panel.ask("One", "a"))
    panel.value("keep", conversation="a", kept=True)
    talk = Conversation.of(json.loads(files()[0].read_text()))
    talk.record("From elsewhere", "Yes.", None)
    files()[0].write_text(json.dumps(talk.document()))
    read: list[Path] = []

    def noted(path: Path) -> Conversation | None:
        read.append(path)
        return of_disk(path)

    of_disk = kept._read
    monkeypatch.setattr(kept, "_read", noted)
    for question in ("Two", "Three", "Four"):
        panel.ended(panel.ask(question, "a"))
        panel.session._talks.kept.look()
    assert len(read) == 1
    there = Conversation.of(json.loads(files()[0].read_text()))
    assert sorted(turn.question for turn in there.turns) == ["Four", "From elsewhere", "One", "Three", "Two"]
    files()[0].unlink()
    panel.ended(panel.ask("Five", "a"))
    assert files() == []


def test_what_is_kept_no_longer_is_deleted(make: Make) -> None:
    """The file is gone and the turns of this kernel stay; deleting takes both; renaming takes the file along."""
    panel = Panel(make())
    panel.ended(panel.ask("One", "a"))
    panel.value("keep", conversation="a", kept=True)
    panel.value("rename", conversation="a", to="b")
    assert len(files()) == 1
    panel.value("keep", conversation="b", kept=False)
    assert (files(), questions(panel, "b")) == ([], ["One"])
    panel.value("keep", conversation="b", kept=True)
    panel.value("delete", conversation="b")
    assert (files(), names(panel)) == ([], [])


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
    """What a notebook saved comes back in another kernel, with citations, beside what is there, and once."""
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
    (first,) = value["turns"]
    assert (value["conversation"], questions(panel, "a")) == ("a (notebook)", ["Here"])
    assert first["attachments"] == [{"kind": "variable", "name": "df"}]
    assert first["data"][ANSWER_MIME]["citations"][0]["source"] == "df"
    assert "2755309" in first["data"]["text/html"]
    again = panel.value("restore", document=document)
    assert (again["conversation"], len(again["turns"])) == ("a (notebook)", 1)


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


def test_a_document_changes_no_conversation_of_the_person(make: Make) -> None:
    """What is kept on disk, has turns, or is being answered stays as it is; what was free takes the name."""
    gate = Gate()
    gate.go.set()
    panel = Panel(make(gate))
    panel.ended(panel.ask("Mine?", "kept"))
    panel.value("keep", conversation="kept", kept=True)
    before = files()[0].read_bytes()
    panel.ended(panel.ask("Mine?", "turns"))
    gate.close()
    asked = panel.ask("Still?", "asked")
    assert gate.asked.wait(10)
    for name, expected in (
        ("kept", "kept (notebook)"), ("turns", "turns (notebook)"), ("asked", "asked (notebook)"), ("free", "free"),
    ):  # fmt: skip
        document = Conversation(name, turns=(Turn("Theirs?", "Theirs."),)).document()
        assert panel.value("restore", document=document)["conversation"] == expected
        assert panel.value("restore", document=document)["conversation"] == expected
    other = Conversation("kept", turns=(Turn("Another?", "Yes."),)).document()
    assert panel.value("restore", document=other)["conversation"] == "kept (notebook 2)"
    gate.go.set()
    panel.ended(asked)
    assert [questions(panel, name) for name in ("kept", "turns", "asked")] == [["Mine?"], ["Mine?"], ["Still?"]]
    assert [path.read_bytes() for path in files()] == [before]


def test_a_conversation_that_only_the_disk_has_is_not_changed(make: Make) -> None:
    """A new kernel that restores before anything was opened keeps the file as it is."""
    panel = Panel(make())
    panel.ended(panel.ask("Mine?", "a"))
    panel.value("keep", conversation="a", kept=True)
    before = files()[0].read_bytes()
    runtime.reset()
    panel = Panel(make())
    document = Conversation("a", turns=(Turn("Theirs?", "Theirs."),)).document()
    assert panel.value("restore", document=document)["conversation"] == "a (notebook)"
    assert [path.read_bytes() for path in files()] == [before]


def test_the_model_reads_of_a_document_what_people_see(make: Make) -> None:
    """Neither its system message nor the prompt that it hides behind a question reaches the model."""
    panel = Panel(make())
    turn = Turn("Hello?", "Hello.", asked="HIDDEN one")
    panel.value("restore", document=Conversation("a", "HIDDEN two", (turn,)).document())
    panel.ended(panel.ask("And now?", "a"))
    contents = [m.content for m in runtime.current().own.engine.jobs[-1].prompt.messages]
    assert contents[1:] == ["Hello?", "Hello.", "And now?"]
    assert "HIDDEN" not in contents[0]


def test_a_name_is_not_taken_from_a_question_that_runs(make: Make) -> None:
    """Renaming to a name whose first question is being answered is an error, and both conversations stay."""
    gate = Gate()
    gate.go.set()
    panel = Panel(make(gate))
    panel.ended(panel.ask("One?", "a"))
    gate.close()
    asked = panel.ask("Two?", "b")
    assert gate.asked.wait(10)
    failed = panel.ended(panel.request("rename", conversation="a", to="b"))
    assert (failed["type"], failed["name"]) == ("failed", "UsageError")
    gate.go.set()
    panel.ended(asked)
    assert [questions(panel, name) for name in ("a", "b")] == [["One?"], ["Two?"]]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"a":' * 100_000, b"TURN 1e999", b"TURN {}"])
def test_a_damaged_file_stops_nothing(make: Make, content: bytes) -> None:
    """Panels come up, list the others, and what cannot be read is not written over."""
    panel = Panel(make())
    for name in ("a", "b"):
        panel.ended(panel.ask("Hi", name))
        panel.value("keep", conversation=name, kept=True)
    path = next(path for path in files() if json.loads(path.read_text())["name"] == "b")
    if content.startswith(b"TURN"):
        turn = {"question": "q", "answer": "a", "stale": False, "place": {"cell": "c", "index": "INDEX"}}
        made = json.dumps({**Conversation("b").document(), "turns": [turn]})
        content = made.replace('"INDEX"', content[5:].decode()).encode()
    path.write_bytes(content)
    panel.ended(panel.ask("Again", "b"))
    failed = panel.ended(panel.request("keep", conversation="b", kept=True))
    assert (failed["type"], failed["name"], path.read_bytes()) == ("failed", "CacheError", content)
    runtime.reset()
    assert names(Panel(make())) == ["a"]


def test_a_file_of_a_later_format_is_not_written_over(make: Make) -> None:
    """A conversation of the same name cannot be kept, and says so."""
    panel = Panel(make())
    panel.ended(panel.ask("Hi", "a"))
    panel.value("keep", conversation="a", kept=True)
    later = json.dumps({**Conversation("a").document(), "format": "jupyter_localllm conversation 2"})
    files()[0].write_text(later)
    runtime.reset()
    panel = Panel(make())
    panel.ended(panel.ask("Hi", "a"))
    failed = panel.ended(panel.request("keep", conversation="a", kept=True))
    assert (failed["type"], "cannot be read" in failed["text"]) == ("failed", True)
    assert files()[0].read_text() == later


def kernels(tmp_path: Path) -> tuple[Kept, Kept]:
    """The same folder as two kernels have it, with one conversation."""
    earlier, made = Kept(lambda: tmp_path), (Kept(lambda: tmp_path), Kept(lambda: tmp_path))
    earlier.save(Conversation("a", turns=(Turn("0", "yes"),)), anew=True)
    for one in made:
        one.look()
    return made


def test_what_another_kernel_deleted_stays_deleted(tmp_path: Path) -> None:
    """An answer does not bring the file back; keeping it anew does."""
    first, second = kernels(tmp_path)
    talk = Conversation("a")
    second.fill(talk)
    first.forget("a")
    talk.record("1", "yes")
    second.save(talk)
    assert (list(tmp_path.glob("*/*.json")), second.names) == ([], {})
    second.save(talk, anew=True)
    assert (len(list(tmp_path.glob("*/*.json"))), second.names) == (1, {"a": 2})


def test_kernels_that_save_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each writes with what the others wrote."""
    pair = kernels(tmp_path)

    def answer(kept: Kept, mark: str) -> None:
        talk = Conversation("a")
        kept.fill(talk)
        for number in range(20):
            talk.record(f"{mark} {number}", "yes")
            kept.save(talk)

    threads = [threading.Thread(target=answer, args=(kept, mark)) for kept, mark in zip(pair, "xy", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    talk, fresh = Conversation("a"), Kept(lambda: tmp_path)
    fresh.look()
    fresh.fill(talk)
    assert sorted(turn.question for turn in talk.turns) == sorted(["0", *(f"{m} {n}" for m in "xy" for n in range(20))])


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
