"""Every request ends exactly once, whatever is raised where."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.chat.asking import Asking
from jupyter_localllm.chat.comm import CommClient
from jupyter_localllm.chat.from_kernel import Answered, Failed
from jupyter_localllm.chat.lanes import Lanes
from jupyter_localllm.chat.members import Members
from jupyter_localllm.chat.models import ModelWatch
from jupyter_localllm.chat.queue import Entry, Queue
from jupyter_localllm.chat.session import Session
from jupyter_localllm.engine.scripted import ScriptedEngine
from tests.chat.panel import HELLO, Gate, Panel, text_of

Make = Callable[..., Session]


class Panic(BaseException):
    """What pyo3 raises when Rust panics."""


def endings(panel: Panel, request: str) -> int:
    told = [m for m in panel.told if m.get("request") == request]
    return sum(m["type"] in ("reply", "failed", "refused") or m.get("final") is True for m in told)


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), SystemExit(3), Panic("rust")])
def test_a_lane_outlives_whatever_a_job_raises(trouble: BaseException) -> None:
    """The next job of the lane is done."""
    lanes, done = Lanes(), threading.Event()

    def job() -> None:
        raise trouble

    lanes.submit("a", job)
    lanes.submit("a", done.set)
    assert done.wait(10)


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), SystemExit(3), Panic("rust")])
def test_a_question_ends_whatever_its_objects_raise(
    make: Make, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch, trouble: BaseException
) -> None:
    """It fails once, the queue is empty, and the next question of the conversation is answered."""
    panel = Panel(make())

    def run(_asking: Asking) -> None:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(Asking, "run", run)
        request = panel.ask("Well?")
        failed = panel.ended(request)
    assert (failed["type"], failed["name"]) == ("failed", type(trouble).__name__)
    assert text_of(panel.ended(panel.ask("And now?"))) == "It is Paris."
    assert endings(panel, request) == 1
    assert Panel(panel.session).welcome.queue == ()


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), SystemExit(3), Panic("rust")])
def test_a_request_ends_whatever_its_work_raises(
    make: Make, monkeypatch: pytest.MonkeyPatch, trouble: BaseException
) -> None:
    """It fails once, and the next one of the lane is done."""
    panel = Panel(make())

    def models(_handle: Any) -> None:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr("jupyter_localllm.chat.requests.model_list", models)
        request = panel.request("models")
        assert panel.ended(request)["name"] == type(trouble).__name__
    assert isinstance(panel.value("models"), list)
    assert endings(panel, request) == 1
    assert Panel(panel.session).welcome.queue == ()


def test_a_question_that_cannot_be_stopped_ends(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stopping it fails, it fails, once."""
    gate = Gate()
    panel = Panel(make(gate))
    first = panel.ask("One?")
    assert gate.asked.wait(10)
    second = panel.ask("Two?")

    def drop(asking: Asking) -> None:
        asking._begin.acquire()
        raise Panic("no")

    monkeypatch.setattr(Asking, "drop", drop)
    panel.say({"type": "stop", "request": second})
    assert panel.ended(second)["name"] == "Panic"
    gate.go.set()
    panel.ended(first)
    panel.value("open", conversation="Chat")
    assert endings(panel, second) == 1


@pytest.mark.parametrize("kind", ["ask", "models"])
def test_without_a_thread_a_request_fails(make: Make, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """It is told once, nothing stays in the queue, and with threads again the lane works."""
    panel = Panel(make())

    def submit() -> str:
        return panel.ask("Well?") if kind == "ask" else panel.request("models")

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        request = submit()
    assert panel.ended(request)["name"] == "RuntimeError"
    assert endings(panel, request) == 1
    assert len(panel.session._queue) == 0
    assert panel.ended(submit())["type"] in ("reply", "answer")


def test_a_request_named_as_a_cell_does_not_hide_the_cell(make: Make) -> None:
    """No id that a panel sends is a cell's, and removing an entry leaves another one of its name."""
    gate = Gate()
    session = make(gate)
    panel = Panel(session)
    thread = threading.Thread(target=lambda: list(session.of_a_cell(runtime.current().own.stream("Hi"), None)))
    thread.start()
    assert gate.asked.wait(10)
    (cell,) = [one.request for one in session._queue.of(kind="cell")]
    assert panel.value("models", request="cell-1") is not None
    assert panel.ended(panel.request("models", request=cell))["code"] == "used_request"
    assert [one.request for one in session._queue.of(kind="cell")] == [cell]
    gate.go.set()
    thread.join()
    queue, one, two = Queue(lambda: None), Entry("r"), Entry("r")
    queue.add(one)
    queue.add(two)
    queue.remove(one)
    assert queue.get("r") is two


def test_who_joins_is_told_each_sequence_once(make: Make) -> None:
    """However the answer's parts and the welcome come together."""
    panel = Panel(make("word " * 150, delay_ms=4))
    request = panel.ask("Go on.")
    panel.wait("answer", request)
    late = [Panel(panel.session) for _ in range(12)]
    for one in late:
        one.ended(request)
        sequences = [m["sequence"] for m in one.answers(request)]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


def test_a_part_that_is_being_told_is_not_told_again(make: Make) -> None:
    """A panel that was welcomed while a part was on its way has it once."""
    session = make(Gate())
    first = Panel(session)
    request = first.ask("Well?")
    part = Answered(request, "Chat", 0, {}, {}, False)
    late = Panel(session, hello=False)
    with session._members.lock:  # who welcomes waits until the part is told
        late.say(HELLO)
        time.sleep(0.05)
        session._questions.tell(part)
    late.until(lambda m: m["type"] == "answer")
    late.until(lambda m: m["type"] == "state")
    assert [m["sequence"] for m in late.answers(request)] == [0]
    session._questions.tell(Failed(request, "Chat", "X", "x"))
    session._questions.tell(part)
    assert [m["type"] for m in late.told if m.get("request") == request] == ["asked", "answer", "failed"]


def test_a_busy_engine_does_not_hold_up_the_panels(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a welcome waits for what the engine says of itself, others are heard."""
    session = make()
    panel = Panel(session)
    panel.ended(panel.ask("Well?"))
    asked, go = threading.Event(), threading.Event()
    told = ModelWatch.told

    def slow(watch: ModelWatch, handle: Any) -> Any:
        asked.set()
        assert go.wait(30)
        return told(watch, handle)

    monkeypatch.setattr(ModelWatch, "told", slow)
    late = Panel(session, hello=False)
    late.say(HELLO)
    assert asked.wait(10)
    request = panel.request("models")
    assert panel.ended(request)["type"] == "reply"
    go.set()
    late.wait("welcome")


def test_a_comm_that_fails_leaves_no_thread() -> None:
    """Whoever raises is let go and closed."""
    import contextvars

    class Broken:
        def send(self, _message: Any) -> None:
            raise OSError("gone")

        def close(self) -> None:
            closed.put(True)

    closed: queue.SimpleQueue[bool] = queue.SimpleQueue()
    before = set(threading.enumerate())
    members, client = Members(), CommClient(Broken(), contextvars.Context())
    (thread,) = set(threading.enumerate()) - before
    members.add(client, subshells=False)
    member = members.heard(client)
    assert member is not None
    while len(members):
        members.tell(member, Failed("r", None, "X", "x"))
    assert closed.get(timeout=10)
    thread.join(10)
    assert not thread.is_alive()


def test_another_engine_at_the_same_address_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is gone lends its id to none."""
    watch, one, two = ModelWatch(), ScriptedEngine("one", n_ctx=512), ScriptedEngine("two", n_ctx=1024)
    for engine in (one, two):
        engine.load()
    monkeypatch.setattr("jupyter_localllm.chat.models.id", lambda _object: 1, raising=False)
    infos = [watch._info(engine) for engine in (one, two)]
    assert [info.n_ctx for info in infos if info is not None] == [512, 1024]


def test_the_list_is_told_while_names_come_and_go(make: Make) -> None:
    """Other lanes clear and delete meanwhile."""
    talks = make()._talks
    end = threading.Event()

    def change() -> None:
        while not end.is_set():
            for number in range(50):
                talks._empty[f"n{number}"] = None
            for number in range(50):
                talks._empty.pop(f"n{number}", None)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(2_000):
            talks.told()
    finally:
        end.set()
        thread.join()
