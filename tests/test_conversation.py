"""Running a cell again replaces its turn; conversations are kept only if one says so."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.conversation import Conversation, Conversations, Place, Turn
from jupyter_localllm.errors import UsageError
from jupyter_localllm.show.bundle import ANSWER_MIME, METADATA_KEY
from jupyter_localllm.types import Answer, Citation, Locator, Note, Passage, Result

A, B, C = Place("a"), Place("b"), Place("c")


def three() -> Conversation:
    talk = Conversation("trip")
    for place in (A, B, C):
        assert talk.record(f"q-{place.cell}", f"a-{place.cell}", place) == ()
    return talk


def test_a_rerun_replaces_and_marks_the_later_ones() -> None:
    """The same cell's turn is replaced where it stands, and the turns after it are stale."""
    talk = three()
    assert talk.record("q-b2", "a-b2", B) == (3,)
    assert [(t.question, t.stale) for t in talk.turns] == [("q-a", False), ("q-b2", False), ("q-c", True)]


def test_a_rerun_sees_only_what_came_before() -> None:
    """A question is asked on top of the turns before its own."""
    talk = three()
    assert [m.content for m in talk.messages(B)] == ["q-a", "a-a"]
    assert [m.turn for m in talk.messages(None)] == [1, 1, 2, 2, 3, 3]


def test_the_same_answer_again_makes_nothing_stale() -> None:
    """A rerun that changes nothing leaves the later turns as they are."""
    assert three().record("q-b", "a-b", B) == ()


def test_rerunning_the_stale_turn_mends_it() -> None:
    """Once asked again, a turn is not stale."""
    talk = three()
    talk.record("other", "answer", A)
    talk.record("q-b", "a-b", B)
    assert [t.stale for t in talk.turns] == [False, False, True]


def test_without_a_place_turns_are_appended() -> None:
    """Front ends that send no cell id append."""
    talk = three()
    talk.record("q", "a", None)
    talk.record("q", "a", None)
    assert len(talk.turns) == 5


def test_two_questions_of_one_cell_are_two_turns() -> None:
    """A cell with a loop has a turn for each round."""
    talk = Conversation("")
    for i in range(3):
        talk.record(f"q{i}", "a", Place("a", i))
    talk.record("again", "a", Place("a", 1))
    assert [t.question for t in talk.turns] == ["q0", "again", "q2"]


def test_save_and_load(tmp_path: Path) -> None:
    """What was saved is loaded, in full."""
    talk = three()
    talk.system = "Be brief."
    talk.record("other", "ä", A)
    talk.save(tmp_path / "talk.json")
    assert Conversation.load(tmp_path / "talk.json") == talk


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "something else"}', '{"format": 1, "turns": 3}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    """A file that is no conversation is a clear error."""
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UsageError, match="not a saved conversation"):
        Conversation.load(tmp_path / "x.json")


def test_latest_follows_use() -> None:
    """`--continue` goes on with what was used last."""
    talks = Conversations()
    named, unnamed = talks.get("a"), Conversation("")
    assert list(talks) == []
    for talk in (named, unnamed, named):
        talks.put(talk)
        assert talks.latest is talk
    assert list(talks) == []  # nothing was answered in it yet
    named.record("q", "a")
    assert list(talks) == ["a"]
    assert talks.get("a") is named
    talks.drop(named)
    assert list(talks) == []
    assert talks.latest.turns == ()


def test_a_cell_that_goes_on_keeps_its_conversation() -> None:
    """Running a `--continue` cell again replaces its turn where it was, even when another thread began since."""
    talks = Conversations()

    def ask(place: Place, *, go_on: bool = False) -> Conversation:
        talk = talks.unnamed(place, go_on=go_on)
        talk.record(f"q-{place.cell}", "answer", place)
        talks.put(talk, place)
        return talk

    first = ask(A)
    assert ask(B, go_on=True) is first
    other = ask(C)
    assert other is not first
    assert ask(B, go_on=True) is first
    assert [t.question for t in first.turns] == ["q-a", "q-b"]
    assert ask(A) is first  # the cell that began it replaces its first turn
    assert len(first.turns) == 2
    assert ask(Place("d"), go_on=True) is first


def test_threads_share_a_new_conversation() -> None:
    """Whoever asks for a new name at the same time gets the same conversation."""
    talks = Conversations()
    assert talks.get("x") is talks.get("x")
    assert list(talks) == []


@pytest.mark.parametrize("path", [".", "no/such/folder/x.json", "a\0b"])
def test_a_file_that_cannot_be_written_is_told(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saving to a bad place is a clear error."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="cannot be written"):
        three().save(path)


def test_a_turn_of_the_panel_is_saved_with_what_came_with_it(tmp_path: Path) -> None:
    """Attachments, the prompt as the model read it and the output come back; a version-1 reader reads it."""
    talk = Conversation("trip")
    turn = Turn(
        "Why?",
        "Because.",
        request="r1",
        asked="Why?\n\nx = 1",
        attachments=({"kind": "variable", "name": "df"},),
        task="fix",
        made=Result("Because."),
    )
    talk.take(turn)
    talk.record("And?", "So.", None)
    document = json.loads(json.dumps(talk.document(outputs=True)))
    again = Conversation.of(document)
    assert again.turns[0].output()[0]["text/plain"] == "Because."
    assert replace(again.turns[0], saved=None) == turn
    assert [m.content for m in again.messages(None)] == ["Why?\n\nx = 1", "Because.", "And?", "So."]
    assert {"question", "answer", "place", "stale"} <= set(document["turns"][0])
    assert document["format"] == "jupyter_localllm conversation 1"


def test_files_of_version_1_are_read(tmp_path: Path) -> None:
    """What the first version saved is a conversation."""
    path = tmp_path / "talk.json"
    turn = {"question": "q", "answer": "a", "place": {"cell": "c", "index": 0}, "stale": True}
    document = {"format": "jupyter_localllm conversation 1", "name": "n", "system": None, "turns": [turn]}
    path.write_text(json.dumps(document))
    assert Conversation.load(path).turns == (Turn("q", "a", Place("c", 0), True),)


def test_a_name_is_taken_once() -> None:
    """Renaming moves the conversation, and does not overwrite another."""
    talks = Conversations()
    for name in ("a", "b"):
        talks.get(name).record("q", name, None)
    with pytest.raises(UsageError, match="already"):
        talks.rename(talks.get("a"), "b")
    talks.rename(talks.get("a"), "c")
    assert sorted(talks) == ["b", "c"]
    assert talks.get("c").turns[0].answer == "a"


EVIL = "<script>1</script>"


def saved_with(**more: Any) -> dict[str, Any]:
    turn = {"question": "q", "answer": "a", "place": None, "stale": False, **more}
    return {"format": "jupyter_localllm conversation 1", "name": "n", "system": None, "turns": [turn]}


def test_a_loaded_file_brings_no_outputs(tmp_path: Path) -> None:
    """`save` writes none: an output in a file is somebody's HTML, and is passed over."""
    output = {"data": {"text/html": EVIL, "text/markdown": EVIL, "text/plain": EVIL, "image/svg+xml": EVIL}}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(saved_with(output={**output, "metadata": {"x": EVIL}})))
    (turn,) = Conversation.load(path).turns
    assert turn.saved is None
    assert EVIL not in json.dumps(turn.output())


@pytest.mark.parametrize(
    "told",
    [
        None,
        5,
        {"text": "a"},
        {"text": "another", "citations": []},
        {"text": "a", "finish_reason": "stop", "reasoning": EVIL, "model": EVIL, "usage": {"completion_tokens": 1},
         "notes": [{"code": "x", "text": EVIL}], "citations": []},
        {"text": "a", "finish_reason": "stop", "reasoning": "", "model": "", "usage": {"completion_tokens": 1},
         "notes": [], "citations": [{"start": 10**9, "end": 0}], "passages": [], "reading": "", "abstained": 1},
    ],
)  # fmt: skip
def test_what_a_page_shows_is_never_taken_from_a_document(told: Any) -> None:
    """Whatever HTML, Markdown or JSON stand in it: the output is made anew, of the answer's text and our JSON."""
    data = {"text/html": EVIL, "text/markdown": EVIL, "image/svg+xml": EVIL, ANSWER_MIME: told}
    (turn,) = Conversation.of(saved_with(output={"data": data, "metadata": {METADATA_KEY: 5}})).turns
    made, metadata = turn.output()
    assert set(made) <= {"text/html", "text/markdown", "text/plain", ANSWER_MIME}
    assert EVIL not in made["text/html"]
    assert EVIL not in made["text/markdown"]
    assert made[ANSWER_MIME]["text"] == "a"
    assert isinstance(metadata[METADATA_KEY], dict)


def test_a_cited_answer_that_was_kept_shows_its_marks() -> None:
    """Its HTML is the one that it had: it is made of the citations that are saved as JSON."""
    passage = Passage(
        "df", "cell", "1887", Locator((3,), ("Year",), label="row 3"), "00", "1887", (("Year",), ("1887",))
    )
    cited = Citation(1, "df", passage.locator, "1887", 0, 11, "supported", "as it stands")
    result = Result("In 1887 [1].", model="tiny", notes=(Note("x", "a <note>"),))
    turn = Turn("When?", "In 1887 [1].", made=Answer("In 1887 [1].", (cited,), (passage,), result))
    talk = Conversation("t", turns=(turn,))
    again = Conversation.of(json.loads(json.dumps(talk.document(outputs=True)))).turns[0]
    assert again.output() == turn.output()
    cut = Turn("q", "a", made=Result("a", finish_reason="interrupted"))
    again = Conversation.of(Conversation("t", turns=(cut,)).document(outputs=True)).turns[0]
    assert "interrupted" in again.output()[0]["text/html"]


@pytest.mark.parametrize(
    "attachments",
    [
        5,
        "df",
        {"kind": "variable"},
        [{"kind": "variable"}],
        [{"kind": "variable", "name": "`x`"}],
        [{"kind": "variable", "name": 1}],
        [{"kind": ["variable"]}],
        [{"kind": "cell", "id": "c", "source": 1, "outputs": ""}],
        [{"kind": "error", "source": "", "traceback": "", "variables": [1]}],
        ["x"],
    ],
)
def test_attachments_of_a_document_are_checked(attachments: Any) -> None:
    """What is none is left out, as is what a request or a task cannot be; the rest is read."""
    (turn,) = Conversation.of(saved_with(attachments=attachments, request="<x>", task=["fix"])).turns
    assert (turn.attachments, turn.request, turn.task) == ((), "", "chat")
    good = {"kind": "error", "source": "x", "traceback": "t", "variables": ["x"]}
    (turn,) = Conversation.of(saved_with(attachments=[{**good, "more": 1}, {"kind": "variable"}])).turns
    assert turn.attachments == (good,)


def test_an_error_keeps_the_names_that_are_some() -> None:
    """As from a panel, which finds words in code: a keyword among them costs neither the error nor its fix."""
    error = {"kind": "error", "source": "x", "traceback": "t", "variables": ["a", "for", "b", "a", "a b", "x.y"]}
    long = {"kind": "cell", "id": "c" * 201, "source": "", "outputs": ""}
    (turn,) = Conversation.of(saved_with(attachments=[error, long], task="fix")).turns
    assert turn.attachments == ({**error, "variables": ["a", "b"]},)


def test_edits_count_what_became_other() -> None:
    """Whoever shows the turns looks again after a rerun, a clearing or a deletion, and not after a new turn."""
    talk = three()
    before = talk.edits
    talk.record("q-d", "a-d", Place("d"))
    assert talk.edits == before
    talk.record("q-b", "a-b2", B)
    assert talk.edits == before + 1
    talk.turns = ()
    assert (talk.edits, talk.edits) == (before + 2, before + 2)


def test_what_is_saved_renders_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long conversation is saved after each answer: of its outputs only what is not made anew."""
    talk = three()

    def renders(*_args: Any) -> None:
        raise AssertionError("rendered")

    monkeypatch.setattr("jupyter_localllm.show.bundle.bundle", renders)
    outputs = [turn["output"] for turn in talk.document(outputs=True)["turns"]]
    assert [set(output["data"]) for output in outputs] == [{ANSWER_MIME}] * 3


def test_a_file_cannot_keep_the_renderer_busy() -> None:
    """What is longer than answers are, or cites more, is shown as the text it is."""
    nested = ">" * 2_000 + "a\n" + "b\n" * 20_000
    told = {"text": nested, "finish_reason": "stop"}
    for turn in (Turn("q", nested, saved=({ANSWER_MIME: told}, {})), Turn("q", nested)):
        data, _ = turn.output()
        assert "<blockquote>" not in data["text/html"]
        assert data["text/plain"].strip() == nested.strip()


def test_a_saved_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up while a conversation is saved leaves what was saved before, and nothing beside it."""
    three().save(tmp_path / "talk.json")
    (tmp_path / "talk.json").chmod(0o600)
    before = (tmp_path / "talk.json").read_bytes()

    def full(path: Path, content: bytes) -> None:
        with open(path, "wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(UsageError, match="No space left"):
            Conversation("other").save(tmp_path / "talk.json")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("talk.json", before)]
    Conversation("other").save(tmp_path / "talk.json")
    assert Conversation.load(tmp_path / "talk.json").name == "other"
    if os.name == "posix":
        assert (tmp_path / "talk.json").stat().st_mode & 0o777 == 0o600
