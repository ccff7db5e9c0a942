"""Several rows at a time: they overlap, they leave together, and nobody can tell from the answers."""

from __future__ import annotations

import _thread
import contextlib
import contextvars
import itertools
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pandas as pd
import pytest

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import Progress, RowError, map_rows
from jupyter_localllm.batch.run import Outcome, RowPrompt, run
from jupyter_localllm.batch.together import Together
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import ContextOverflow, EngineError, ModelNotFound
from jupyter_localllm.types import Done, Event, Job, Part, Result, Status, Token, Usage
from tests.contracts import wait_for


def text_of(parts: tuple[Part, ...]) -> str:
    return "".join(part.text for part in parts)


def done(text: str) -> Done:
    return Done(Result(text, usage=Usage(completion_tokens=1)))


class Model:
    """Answers that wait at a gate until they are let through, or let go."""

    def __init__(self, *, open_gate: bool = False) -> None:
        self.gate = threading.Event()
        self.asked: list[str] = []
        self.open: set[str] = set()
        self.most = 0
        self._lock = threading.Lock()
        if open_gate:
            self.gate.set()

    def __call__(self, parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        text = text_of(parts)
        with self._lock:
            self.asked.append(text)
            self.open.add(text)
            self.most = max(self.most, len(self.open))
        try:
            yield from self.answer(text)
        finally:
            with self._lock:
                self.open.discard(text)

    def answer(self, text: str) -> Generator[Event, None, None]:
        released = cancel_scope.get()
        assert released is not None
        while not self.gate.wait(0.01):
            if released.is_set():
                return
        yield Token("re: ")
        yield done(f"re: {text}")


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "jupyter_localllm-row"]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """However a test ends, no row goes on."""
    yield
    wait_for(lambda: not workers())


def in_another_thread(task: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(task()))
    thread.start()
    return thread, found


def test_rows_overlap_up_to_the_width() -> None:
    """As many rows as allowed wait for the model at the same time, and no more, whatever their number."""
    model = Model()
    rows = [str(n) for n in range(20)]
    thread, found = in_another_thread(lambda: map_rows("{{ value }}", rows, model, width=3))
    wait_for(lambda: len(model.open) == 3)
    time.sleep(0.1)
    assert len(model.asked) == len(workers()) == 3
    model.gate.set()
    thread.join(30)
    assert found == [[f"re: {row}" for row in rows]]
    assert model.most == 3


@pytest.mark.parametrize("width", [1, 2, 7, 50])
def test_answers_stand_in_the_order_of_the_rows(width: int) -> None:
    """Whichever is ready first, each answer stands at its row, with repeated prompts and failed rows among them."""

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        text = text_of(parts)
        time.sleep(random.Random(text).random() / 100)
        if int(text) % 11 == 5:
            raise ContextOverflow(f"too long: {text}")
        yield done(text)

    values = [random.Random(n).randrange(60) for n in range(100)]
    data = pd.Series(values, index=[f"r{n}" for n in range(100)])
    answers = map_rows("{{ value }}", data, ask, width=width, on_error="record")
    assert answers.tolist() == [None if value % 11 == 5 else str(value) for value in values]
    assert list(answers.index) == list(data.index)
    failed = [n for n, value in enumerate(values) if value % 11 == 5]
    assert [error["row"] for error in answers.attrs["errors"]] == failed


def test_rows_are_taken_as_they_are_asked() -> None:
    """An endless iterator is not read ahead of the rows in flight, so 100,000 rows need no more memory than ten."""
    taken: list[int] = []
    finished = 0

    def rows() -> Iterator[RowPrompt]:
        for n in itertools.count():
            taken.append(n)
            yield RowPrompt(n, (Part("n", str(n)),))

    with contextlib.closing(run(rows(), Together(Model(open_gate=True), 4))) as steps:
        for step in steps:
            finished += isinstance(step, Outcome)
            assert len(taken) <= finished + 5
            if finished == 200:
                break


def test_threads_are_used_again() -> None:
    """No row starts a thread if one is free: at most as many as rows in flight."""
    used: set[int] = set()

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        used.add(threading.get_ident())
        assert threading.current_thread().daemon
        yield done("")

    map_rows("{{ value }}", list(range(200)), ask, width=4)
    assert 1 <= len(used) <= 4


def test_one_row_needs_one_thread() -> None:
    """The width is a bound, not a number of threads to start."""
    model = Model()
    thread, _ = in_another_thread(lambda: map_rows("{{ value }}", ["a"], model, width=32))
    wait_for(lambda: bool(model.open))
    assert len(workers()) == 1
    model.gate.set()
    thread.join(30)


def test_an_interrupt_leaves_nothing_running() -> None:
    """Ctrl-C while all rows wait for the model: it is obeyed, all rows are let go, their generators are closed."""
    model = Model()

    def interrupt() -> None:
        wait_for(lambda: len(model.open) == 4)
        _thread.interrupt_main()

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        map_rows("{{ value }}", list(range(50)), model, width=4)
    assert not workers()
    assert not model.open
    assert len(model.asked) == 4


def test_an_interrupt_among_the_tokens_closes_the_generators() -> None:
    """Answers that never wait are left at their next event."""
    closed: list[str] = []

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        try:
            while True:
                time.sleep(0.005)
                yield Token("more ")
        finally:
            closed.append(text_of(parts))

    threading.Timer(0.3, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        map_rows("{{ value }}", ["a", "b", "c"], ask, width=3)
    assert sorted(closed) == ["a", "b", "c"]


def test_an_interrupt_where_rows_are_made_lets_rows_in_flight_go() -> None:
    """The data's own code may be interrupted, or fail, while rows are answered."""
    model = Model()

    def rows() -> Iterator[int]:
        yield from (1, 2)
        wait_for(lambda: len(model.open) == 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        map_rows("{{ value }}", rows(), model, width=4)
    assert not model.open


def test_the_first_error_stops_the_others_and_names_its_row() -> None:
    """Whichever row fails first ends the map, not the first one of the data; rows in flight are let go."""

    class Failing(Model):
        def answer(self, text: str) -> Generator[Event, None, None]:
            if text == "bad":
                wait_for(lambda: len(self.open) == 3)
                raise ContextOverflow("the prompt has 70 tokens")
            yield from super().answer(text)

    model = Failing()
    data = pd.Series(["a", "b", "bad", "c", "d"], index=list("vwxyz"))
    with pytest.raises(ContextOverflow, match=r"row 2 \(label 'x'\): the prompt has 70 tokens") as caught:
        map_rows("{{ value }}", data, model, width=3)
    assert "a rerun goes on from there" in caught.value.hint
    assert not model.open
    assert sorted(model.asked) == ["a", "b", "bad"]


def test_errors_go_to_the_function_in_the_persons_thread() -> None:
    """A function that takes errors, and one that takes the progress, need not be safe between threads."""
    threads: set[int] = set()
    failed: list[RowError] = []

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        raise ContextOverflow("too long")
        yield

    def on_error(error: RowError) -> None:
        threads.add(threading.get_ident())
        failed.append(error)

    def progress(_: Progress) -> None:
        threads.add(threading.get_ident())

    assert map_rows("{{ value }}", [1, 2, 3], ask, width=3, on_error=on_error, progress=progress) == [None] * 3
    assert sorted(error.position for error in failed) == [0, 1, 2]
    assert threads == {threading.get_ident()}


def test_an_error_of_all_rows_is_raised_once() -> None:
    """Every row in flight fails alike; one error is told, whatever is recorded."""

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        raise ModelNotFound("no such model")
        yield

    with pytest.raises(ModelNotFound, match=r"^no such model$"):
        map_rows("{{ value }}", list(range(20)), ask, width=8, on_error="record")


def test_a_faulty_progress_function_stops_the_rows() -> None:
    """An error of the person's own function ends the map as any other."""
    still: set[str] = set()

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        still.add(text_of(parts))
        try:
            while True:
                time.sleep(0.005)
                yield Token("on ")
        finally:
            still.discard(text_of(parts))

    def progress(_: Progress) -> None:
        if still:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        map_rows("{{ value }}", [1, 2, 3], ask, width=2, progress=progress)
    assert not still


def test_context_variables_come_along() -> None:
    """What the caller's context says holds in every row: where output goes, for one."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    token = variable.set("mine")

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        yield done(variable.get("lost"))

    assert map_rows("{{ value }}", [1, 2, 3], ask, width=3) == ["mine"] * 3
    variable.reset(token)


def test_whoever_lets_the_map_go_lets_the_rows_go() -> None:
    """A map in a thread that cannot be interrupted (asyncio's) ends when its own scope is released."""
    model, released, errors = Model(), threading.Event(), []

    def mapped() -> None:
        cancel_scope.set(released)
        try:
            map_rows("{{ value }}", [1, 2, 3, 4], model, width=2)
        except EngineError as error:
            errors.append(error.message)

    thread, _ = in_another_thread(lambda: contextvars.copy_context().run(mapped))
    wait_for(lambda: len(model.open) == 2)
    released.set()
    thread.join(30)
    assert errors == ["the generation was stopped before it was done"]
    assert not model.open


def test_a_row_that_cannot_leave_does_not_hold_the_person() -> None:
    """What does not listen (a long native call) is left behind, after a moment."""
    hold = threading.Event()

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        hold.wait(30)
        yield done("")

    with pytest.raises(KeyboardInterrupt):
        map_rows("{{ value }}", iter_then_interrupt(), ask, width=2)
    assert len(workers()) == 1
    hold.set()


@pytest.mark.parametrize("may", [0, 2])
def test_fewer_threads_than_rows_at_a_time(may: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that may be started do all the work; where that is none, the person hears why."""
    left, start = [may], threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if thread.name == "jupyter_localllm-row":
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("can't start new thread")
        start(thread)

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        yield done("a")

    monkeypatch.setattr(threading.Thread, "start", limited)
    prompts = [RowPrompt(n, (Part("n", str(n)),)) for n in range(20)]
    steps = run(prompts, Together(ask, 5))
    if may:
        assert sum(isinstance(step, Outcome) for step in steps) == 20
    else:
        with pytest.raises(EngineError, match="no thread could be started"):
            list(steps)


def iter_then_interrupt() -> Iterator[int]:
    yield 1
    raise KeyboardInterrupt


def test_the_person_is_not_woken_for_each_token() -> None:
    """Tokens only show that it goes on, statuses all come, and the outcome is not held up by either."""

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        yield Status("loading", "loading smollm2")
        for _ in range(2_000):
            yield Token("a")
        yield done("a" * 2_000)

    prompts = [RowPrompt(n, (Part("n", str(n)),)) for n in range(10)]
    steps = list(run(prompts, Together(ask, 5)))
    assert sum(isinstance(step, Status) for step in steps) == 10
    assert sum(isinstance(step, Outcome) for step in steps) == 10
    assert sum(isinstance(step, Token) for step in steps) < 200


def test_tokens_keep_the_progress_moving() -> None:
    """While long rows are answered the person sees that it goes on: the stage is over, the time passes."""
    told: list[Progress] = []
    stop = threading.Event()

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        yield Status("loading", "loading smollm2")
        while not stop.wait(0.01):
            yield Token("a")
        yield done("")

    def progress(now: Progress) -> None:
        told.append(now)
        if len([p for p in told if p.elapsed_s > 0 and not p.stage]) >= 4:
            stop.set()

    map_rows("{{ value }}", [1, 2], ask, width=2, progress=progress)
    assert told[-1].finished
    assert [p.done for p in told[:4]] == [0, 0, 0, 0]


def test_finished_rows_are_in_the_cache(make: Callable[..., LocalLLM], wide: Callable[[int], None]) -> None:
    """After an interrupt a rerun asks only what was not answered; one row at a time or several makes no difference."""
    asked: list[str] = []

    def script(job: Job) -> str:
        asked.append(job.prompt.messages[-1].content)
        if asked[-1] == "slow" and asked.count("slow") == 1:
            threading.Timer(0.3, _thread.interrupt_main).start()
            return "word " * 4000
        return "re: " + asked[-1]

    llm, rows = make(script, delay_ms=5), ["a", "b", "slow", "c", "d"]
    wide(2)  # so one of the first two is finished before the slow one begins
    with pytest.raises(KeyboardInterrupt):
        llm.map("{{ value }}", rows)
    finished = asked[: asked.index("slow")]
    assert finished
    assert llm.map("{{ value }}", rows) == [f"re: {row}" for row in rows]
    assert [asked.count(row) for row in finished] == [1] * len(finished)
    assert asked.count("slow") == 2
    wide(1)
    count = len(asked)
    assert llm.map("{{ value }}", rows) == [f"re: {row}" for row in rows]
    assert len(asked) == count
