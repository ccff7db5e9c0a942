"""Asking for rows: equal prompts once, outcomes in any order, errors by row."""

from __future__ import annotations

import contextlib
import functools
import queue
from collections.abc import Callable, Generator, Iterator

import pytest

from jupyter_localllm.batch.run import Ask, InTurn, Outcome, RowPrompt, Runner, Step, is_of_the_run, run
from jupyter_localllm.batch.together import Together
from jupyter_localllm.errors import (
    CacheError,
    CacheMiss,
    ContextOverflow,
    EngineClosed,
    EngineError,
    LocalLLMError,
    ModelNotFound,
    SourceError,
    TemplateError,
)
from jupyter_localllm.types import Done, Event, Part, Result, Token


def prompt(position: int, text: str) -> RowPrompt:
    return RowPrompt(position, (Part("text", text),))


def outcomes(steps: Iterator[Step]) -> dict[int, str]:
    found = {}
    for step in steps:
        if isinstance(step, Outcome):
            assert step.position not in found
            found[step.position] = step.result.text if step.result else str(step.error)
    return found


class Backwards:
    """A runner that holds everything back and answers the last prompt first, as a parallel one might."""

    def __init__(self) -> None:
        self.held: list[RowPrompt] = []
        self.closed = 0

    def submit(self, prompt: RowPrompt) -> Generator[Step, None, None]:
        self.held.append(prompt)
        yield from ()

    def finish(self) -> Generator[Step, None, None]:
        for held in reversed(self.held):
            yield Outcome(held.position, Result(held.parts[0].text.upper()))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(params=[InTurn, functools.partial(Together, width=1), functools.partial(Together, width=3)])
def runner(request: pytest.FixtureRequest) -> Callable[[Ask], Runner]:
    """All ways to have rows answered."""
    made: Callable[[Ask], Runner] = request.param
    return made


def test_equal_prompts_are_asked_once(runner: Callable[[Ask], Runner]) -> None:
    """The second row with a prompt gets the first one's answer, and is marked so."""
    asked: list[str] = []

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        asked.append("".join(part.text for part in parts))
        yield Done(Result(asked[-1].upper()))

    rows = [prompt(0, "a"), prompt(1, "b"), RowPrompt(2, (Part("{{ x }}", "a"),)), prompt(3, "a")]
    steps = list(run(rows, runner(ask)))
    assert sorted(asked) == ["a", "b"]
    assert outcomes(iter(steps)) == {0: "A", 1: "B", 2: "A", 3: "A"}
    repeated = {step.position: step.repeated for step in steps if isinstance(step, Outcome)}
    assert repeated == {0: False, 1: False, 2: True, 3: True}


def test_outcomes_may_come_in_any_order() -> None:
    """A runner that finishes rows in another order needs no change, equal prompts in flight included."""
    runner = Backwards()
    found = outcomes(run([prompt(0, "a"), prompt(1, "b"), prompt(2, "a"), prompt(3, "b")], runner))
    assert [held.position for held in runner.held] == [0, 1]
    assert found == {0: "A", 1: "B", 2: "A", 3: "B"}


def test_an_error_belongs_to_its_row(runner: Callable[[Ask], Runner]) -> None:
    """A row that fails, in the template or in the model, leaves the others alone; so does each equal one."""

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        if parts[0].text == "long":
            raise ContextOverflow("too long")
        yield Done(Result("fine"))

    rows = [RowPrompt(0, error=TemplateError("no text")), prompt(1, "long"), prompt(2, "a"), prompt(3, "long")]
    assert outcomes(run(rows, runner(ask))) == {0: "no text", 1: "too long", 2: "fine", 3: "too long"}


def test_closing_cancels_what_is_in_flight(runner: Callable[[Ask], Runner]) -> None:
    """Leaving in the middle of an answer closes its stream at once."""
    closed: list[bool] = []

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        try:
            while True:
                yield Token("more ")
        finally:
            closed.append(True)

    with contextlib.closing(run([prompt(0, "a")], runner(ask))) as steps:
        assert isinstance(next(steps), Token)
    assert closed == [True]


def test_a_stream_that_just_ends_is_an_error(runner: Callable[[Ask], Runner]) -> None:
    """A generation that was stopped from elsewhere is not an empty answer."""

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        yield Token("half")

    with pytest.raises(EngineError, match="stopped before it was done"):
        list(run([prompt(0, "a")], runner(ask)))


def test_an_error_that_is_none_of_ours_goes_through(runner: Callable[[Ask], Runner]) -> None:
    """A fault of the program is not an answer to a row, whatever its type."""

    def ask(parts: tuple[Part, ...]) -> Generator[Event, None, None]:
        yield Token("half")
        raise queue.Empty("a fault")

    with pytest.raises(queue.Empty, match="a fault"):
        list(run([prompt(0, "a"), prompt(1, "b")], runner(ask)))


def test_the_runner_is_closed_whatever_happens() -> None:
    """At the end, when somebody leaves, and when the rows cannot be made."""

    def broken() -> Iterator[RowPrompt]:
        yield prompt(0, "a")
        raise ZeroDivisionError

    runner = Backwards()
    list(run([prompt(0, "a")], runner))
    assert runner.closed == 1
    with pytest.raises(ZeroDivisionError):
        list(run(broken(), runner))
    assert runner.closed == 2
    with contextlib.closing(run([prompt(0, "a"), RowPrompt(1, error=TemplateError("no"))], runner)) as steps:
        next(steps)
        assert runner.closed == 2
    assert runner.closed == 3


@pytest.mark.parametrize(
    ("error", "everywhere"),
    [
        (ModelNotFound("no"), True),
        (EngineClosed("no"), True),
        (CacheError("no"), True),
        (CacheMiss("no"), False),
        (ContextOverflow("no"), False),
        (TemplateError("no"), False),
        (SourceError("no"), False),
    ],
)
def test_errors_of_all_rows_and_of_one(error: LocalLLMError, everywhere: bool) -> None:
    """What no row could do anything about is not noted once for each of 100,000 rows."""
    assert is_of_the_run(error) is everywhere
