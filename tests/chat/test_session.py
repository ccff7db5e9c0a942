"""The session with the scripted engine: what panels are told, and in which order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.chat.cells import changed
from jupyter_localllm.chat.session import Session
from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.show.bundle import ANSWER_MIME
from jupyter_localllm.types import Done, Result, Token
from tests.chat.panel import HELLO, Gate, Panel, notes_of, text_of
from tests.chat.samples import SAMPLES, about, expand

Make = Callable[..., Session]


def test_an_answer_streams_and_ends_once(make: Make) -> None:
    """Asked, answers that grow with rising numbers, and one that is final, with Markdown and provenance."""
    panel = Panel(make("one two three four five six", delay_ms=40))
    request = panel.ask("Count.")
    last = panel.ended(request)
    answers = panel.answers(request)
    assert panel.of(request)[0] == "asked"
    assert [answer["sequence"] for answer in answers] == list(range(len(answers)))
    assert len(answers) >= 2
    assert text_of(answers[0]) in "one two three four five six"
    assert [answer["final"] for answer in answers[:-1]] == [False] * (len(answers) - 1)
    assert text_of(last) == "one two three four five six"
    assert "text/markdown" in last["data"]
    assert last["metadata"]["jupyter_localllm"]["complete"] is True


def test_the_panel_and_cells_share_conversations(make: Make) -> None:
    """A turn of the panel is asked on top of a cell's of the same --chat NAME, and the other way round."""
    session = make()
    panel = Panel(session)
    llm = runtime.current().own
    llm.generate("In a cell?", chat="trip")
    panel.ended(panel.ask("In the panel?", "trip"))
    llm.generate("And again?", chat="trip")
    assert [m.content for m in llm.engine.jobs[-1].prompt.messages[1:]] == [
        *("In a cell?", "It is Paris.", "In the panel?", "It is Paris.", "And again?"),
    ]
    turns = panel.value("open", conversation="trip")["turns"]
    assert [turn["question"] for turn in turns] == ["In a cell?", "In the panel?", "And again?"]
    assert all("Paris" in turn["data"]["text/html"] for turn in turns)


def test_the_first_words_go_out_at_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the model begins with blank lines, as those do that think: the pace counts from words."""
    go = threading.Event()

    def stream(_handle: LocalLLM, _parts: Any, **_options: Any) -> Any:
        yield Token("\n\n")
        yield Token("Paris")
        assert go.wait(30)
        yield Done(Result("\n\nParis."))

    monkeypatch.setattr(LocalLLM, "stream", stream)
    panel = Panel(make())
    request = panel.ask("Capital?")
    first = panel.wait("answer", request)
    assert "Paris" in first["data"]["text/plain"]
    go.set()
    panel.ended(request)


def test_a_task_has_a_length_of_its_own_unless_the_person_set_one(make: Make) -> None:
    """An explanation is short; a note that it was cut off names `max_tokens`, and raising that gives more."""
    session = make(" ".join(["word"] * 2_000))
    panel = Panel(session)
    error = {"kind": "error", "source": "1 / 0", "traceback": "ZeroDivisionError", "variables": []}
    first = panel.ended(panel.ask("", task="explain", attachments=[error]))
    note = next(one for one in first["data"][ANSWER_MIME]["notes"] if one["code"] == "length")
    assert note["text"] == "the answer is cut off: stopped at 400 tokens: raise max_tokens for more"
    panel.value("configure", values={"max_tokens": 600})
    panel.ended(panel.ask("", task="explain", attachments=[error]))
    panel.ended(panel.ask("", task="explain", attachments=[error], options={"max_tokens": 500}))
    assert [job.max_tokens for job in runtime.current().own.engine.jobs] == [400, 600, 500]


def test_one_conversation_answers_in_turn_and_two_at_once(make: Make) -> None:
    """The second question of a conversation waits for the first, one of another conversation does not."""
    gate = Gate()
    panel = Panel(make(gate, owner=None))
    first = panel.ask("One?", "a")
    assert gate.asked.wait(10)
    second, other = panel.ask("Two?", "a"), panel.ask("Three?", "b")
    state = panel.until(lambda m: m["type"] == "state" and len(m["queue"]) == 3)
    waits = {one["request"]: one["waits_for"] for one in state["queue"]}
    assert waits == {first: None, second: first, other: None}
    gate.go.set()
    for request in (first, second, other):
        assert text_of(panel.ended(request)) == "Done."
    panel.until(lambda m: m["type"] == "state" and not m["queue"])


def test_a_stopped_answer_keeps_what_it_has(make: Make) -> None:
    """It ends as interrupted, soon; the turn stays, and the next question goes on from it."""
    panel = Panel(make("word " * 2000, delay_ms=5))
    request = panel.ask("Go on.")
    panel.wait("answer", request)
    panel.say({"type": "stop", "request": request})
    last = panel.ended(request)
    assert "interrupted" in notes_of(last)
    assert 0 < len(text_of(last).split()) < 2000
    (turn,) = panel.value("open", conversation="Chat")["turns"]
    assert turn["question"] == "Go on."
    assert "interrupted" in turn["data"]["text/html"]


def test_a_question_that_waits_is_stopped_at_once(make: Make) -> None:
    """It need not come to its turn for that, and leaves no trace."""
    gate = Gate()
    panel = Panel(make(gate))
    first = panel.ask("One?")
    assert gate.asked.wait(10)
    second = panel.ask("Two?")
    panel.say({"type": "stop", "request": second})
    assert "interrupted" in notes_of(panel.ended(second))
    gate.go.set()
    panel.ended(first)
    assert [turn["question"] for turn in panel.value("open", conversation="Chat")["turns"]] == ["One?"]
    assert len(runtime.current().own.engine.jobs) == 1


def test_an_error_is_told_with_its_hint(make: Make) -> None:
    """A request that cannot be answered ends in `failed`, and the next one is answered."""
    panel = Panel(make([ModelFileError("the file is broken", "Get it again."), "Fine."]))
    request = panel.ask("Well?")
    failed = panel.ended(request)
    assert (failed["type"], failed["name"], failed["hint"]) == ("failed", "ModelFileError", "Get it again.")
    state = panel.until(lambda m: m["type"] == "state" and not m["queue"])
    assert state["conversations"] == [] or state["conversations"][0]["turns"] == 0
    assert text_of(panel.ended(panel.ask("And now?"))) == "Fine."


def test_all_panels_see_the_same(make: Make) -> None:
    """A question of one panel and its answer are told to both; replies to who asked only."""
    session = make()
    one, two = Panel(session), Panel(session)
    request = one.ask("Well?")
    assert text_of(two.ended(request)) == "It is Paris."
    assert two.of(request)[0] == "asked"
    models = one.request("models")
    one.ended(models)
    assert two.of(models) == []


def test_a_late_panel_is_told_what_is_going_on(make: Make) -> None:
    """After welcome come the questions that are open, with the answers as far as they are."""
    session = make("word " * 400, delay_ms=5)
    one = Panel(session)
    request = one.ask("Go on.")
    one.wait("answer", request)
    two = Panel(session)
    assert [queued.request for queued in two.welcome.queue] == [request]
    two.wait("answer", request)
    assert [m["type"] for m in two.told[:3]] == ["welcome", "asked", "answer"]
    one.say({"type": "stop", "request": request})
    two.ended(request)


def test_a_panel_that_is_gone_is_dropped(make: Make) -> None:
    """A client that raises is told nothing more, and the others are."""
    session = make()
    gone, panel = Panel(session), Panel(session)
    gone.broken = True
    panel.ended(panel.ask("Well?"))
    gone.broken = False
    before = len(gone.told)
    panel.ended(panel.ask("Well?"))
    assert len(gone.told) == before


def test_the_longest_silent_clients_are_let_go(make: Make) -> None:
    """Reloaded pages do not add up."""
    session = make()
    panels = [Panel(session) for _ in range(18)]
    assert [panel.closed for panel in panels] == [True, True] + [False] * 16


def test_what_a_panel_configures_holds_for_cells(make: Make) -> None:
    """Settings are those of the kernel's own handle, and all panels see them."""
    session = make()
    panel, other = Panel(session), Panel(session)
    assert panel.value("configure", values={"temperature": 0.5, "max_tokens": 7}) is None
    assert (runtime.current().own.temperature, runtime.current().own.max_tokens) == (0.5, 7)
    other.until(lambda m: m["type"] == "state" and m["settings"]["max_tokens"] == 7)


def test_what_a_cell_configures_is_told(make: Make) -> None:
    """%config LocalLLM in a cell, and commands that change the model."""
    panel = Panel(make())
    runtime.current().own.temperature = 0.25
    panel.until(lambda m: m["type"] == "state" and m["settings"]["temperature"] == 0.25)
    runtime.current().own.load()
    changed()
    panel.until(lambda m: m["type"] == "state" and m["model"]["state"] == "loaded")


def test_using_a_model_that_cannot_be_loaded_changes_nothing(make: Make) -> None:
    """A model that is not there is an error, and the one before is used."""
    panel = Panel(make())
    runtime.current().own._engine = None  # a handle that finds its model by name
    before = runtime.current().own.model
    failed = panel.ended(panel.request("use", model="no-such-model"))
    assert failed["name"] == "ModelNotFound"
    assert runtime.current().own.model == before


def test_a_cell_stands_in_the_queue(make: Make) -> None:
    """While a cell is answered, panels see it."""
    gate = Gate()
    session = make(gate)
    panel = Panel(session)
    llm = runtime.current().own
    talk = llm.conversations.get("trip")
    thread = threading.Thread(target=lambda: list(session.of_a_cell(llm.stream("Hi", chat=talk), talk)))
    thread.start()
    state = panel.until(lambda m: m["type"] == "state" and m["queue"])
    assert [(one["kind"], one["conversation"]) for one in state["queue"]] == [("cell", "trip")]
    gate.go.set()
    thread.join()
    state = panel.until(lambda m: m["type"] == "state" and not m["queue"] and m["conversations"])
    assert state["conversations"] == [{"name": "trip", "turns": 1, "kept": False, "latest": True, "edits": 0}]


def test_state_is_told_ten_times_a_second_at_most(make: Make) -> None:
    """However much happens."""
    panel = Panel(make("word " * 40, delay_ms=5))
    begun = time.monotonic()
    for request in [panel.ask("Go", f"c{i}") for i in range(8)]:
        panel.ended(request)
    states = [m for m in panel.told if m["type"] == "state"]
    assert len(states) <= (time.monotonic() - begun) * 10 + 2


@pytest.mark.parametrize("sample", about(SAMPLES["refused"]))
def test_what_is_refused_changes_nothing(make: Make, sample: dict[str, Any]) -> None:
    """The code of the samples, and settings, conversations and queue as before."""
    session = make()
    panel = Panel(session)
    before = session._state()
    panel.say(expand(sample["message"]))
    refused = panel.wait("refused")
    assert (refused["code"], refused["request"]) == (sample["code"], sample["request"])
    assert session._state() == before
    panel.told.clear()
    assert panel.value("models", request=sample["request"] or "r1") is not None


@pytest.mark.parametrize("exchange", about(SAMPLES["exchanges"]))
def test_order(make: Make, exchange: dict[str, Any]) -> None:
    """The exchanges of the samples go as they say."""
    panel = Panel(make(), hello=False)
    for step in exchange["steps"]:
        seen = len(panel.told)
        panel.say(step["send"])
        if step["code"] is not None:
            said = [m for m in panel.told[seen:] if m["type"] != "state"]  # which comes whenever something changed
            assert [m["code"] for m in said] == [step["code"]]
        elif step["told"] is not None:
            panel.until(lambda m, wanted=step["told"], at=seen: m in panel.told[at:] and m["type"] == wanted)
        else:
            assert all(m["type"] == "state" for m in panel.told[seen:])


def test_too_many_requests_are_refused(make: Make) -> None:
    """The hundred-and-first that waits is refused, and can be sent again later."""
    gate = Gate()
    panel = Panel(make(gate))
    requests = [panel.ask("Hi") for _ in range(100)]
    assert gate.asked.wait(10)
    refused = panel.ended(panel.ask("Hi", request="late"))
    assert refused["code"] == "too_many"
    for request in requests[1:]:
        panel.say({"type": "stop", "request": request})
    gate.go.set()
    for request in requests:
        panel.ended(request)
    panel.told.clear()
    assert text_of(panel.ended(panel.ask("Hi", request="late"))) == "Done."


def test_a_closed_session_says_nothing(make: Make) -> None:
    """After reset all panels are closed, and messages are not taken."""
    session = make()
    panel = Panel(session)
    session.close()
    assert panel.closed
    before = len(panel.told)
    panel.say(HELLO)
    assert len(panel.told) == before
