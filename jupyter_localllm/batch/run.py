"""Asking for each row: what was asked before is not asked twice, and a row that fails is told by its place.

`run` knows rows, prompts and outcomes; how prompts are answered is a `Runner`. The one here asks in turn,
`jupyter_localllm.batch.together.Together` keeps several in flight. One that sends them elsewhere would take its place
without a change here: outcomes may come in any order.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar, Union

from jupyter_localllm.engine.asynchronous import stopped
from jupyter_localllm.errors import (
    CacheError,
    CacheMiss,
    ChatTemplateError,
    DependencyMissing,
    EngineClosed,
    LocalLLMError,
    ModelError,
    TemplateError,
    UsageError,
)
from jupyter_localllm.types import Done, Event, Part, Result, Status, Token

__all__ = ["Ask", "InTurn", "Outcome", "RowPrompt", "Runner", "Step", "is_of_the_run", "reworded", "run"]

Ask = Callable[[tuple[Part, ...]], Generator[Event, None, None]]
"""Answers one prompt; closing the generator cancels."""


@dataclass(frozen=True)
class RowPrompt:
    """What is to be asked for a row: the parts of its prompt, or the error that stood in the way of making one.

    ``skipped`` says that nothing is to be asked.
    """

    position: int
    parts: tuple[Part, ...] = ()
    error: LocalLLMError | None = None
    skipped: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a row: a result or an error; of one that was not asked, neither.

    ``repeated`` says that it was another row's prompt, too, and is that row's result.
    """

    position: int
    result: Result | None = None
    error: LocalLLMError | None = None
    repeated: bool = False


Step = Union[Status, Token, Outcome]


class Runner(Protocol):
    """A way to have prompts answered.

    Both generators may be closed at any step; what they wait for is cancelled then, and everything by `close`.
    """

    def submit(self, prompt: RowPrompt) -> Generator[Step, None, None]:
        """Take a prompt, and give what has come meanwhile, of this one or of earlier ones."""
        ...

    def finish(self) -> Generator[Step, None, None]:
        """Give what is still to come."""
        ...

    def close(self) -> None:
        """Cancel whatever is in flight; called once, whatever happened."""
        ...


class InTurn:
    """One prompt after the other.

    Parameters
    ----------
    ask : callable
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def submit(self, prompt: RowPrompt) -> Generator[Step, None, None]:
        """Ask, and wait for the answer."""
        try:
            with contextlib.closing(self._ask(prompt.parts)) as events:
                for event in events:
                    if isinstance(event, Done):
                        yield Outcome(prompt.position, event.result)
                        return
                    yield event
        except LocalLLMError as error:
            yield Outcome(prompt.position, error=error)
            return
        raise stopped()

    def finish(self) -> Generator[Step, None, None]:
        """Nothing is left."""
        yield from ()

    def close(self) -> None:
        """Nothing is in flight but what `submit` waits for."""


def run(prompts: Iterable[RowPrompt], runner: Runner) -> Generator[Step, None, None]:
    """Have all prompts answered, equal ones once; the runner is closed in the end, and when this generator is.

    Yields
    ------
    Step
        One `Outcome` for each prompt, in the runner's order, and what the model does meanwhile.
    """
    done: dict[bytes, Outcome] = {}
    waiting: dict[bytes, list[int]] = {}
    keys: dict[int, bytes] = {}

    def spread(steps: Iterator[Step]) -> Iterator[Step]:
        """Give an outcome to all rows that wait for it."""
        for step in steps:
            yield step
            if isinstance(step, Outcome):
                key = keys.pop(step.position)
                done[key] = _kept(step)
                for position in waiting.pop(key):
                    yield replace(done[key], position=position)

    with contextlib.closing(runner):
        for prompt in prompts:
            if prompt.error is not None or prompt.skipped:
                yield Outcome(prompt.position, error=prompt.error)
                continue
            key = _digest(prompt.parts)
            if key in done:
                yield replace(done[key], position=prompt.position)
            elif key in waiting:
                waiting[key].append(prompt.position)
            else:
                waiting[key], keys[prompt.position] = [], key
                yield from spread(runner.submit(prompt))
        yield from spread(runner.finish())


def is_of_the_run(error: LocalLLMError) -> bool:
    """Whether every other row would fail alike: no model, no room for it, a schema that cannot be held."""
    if isinstance(error, CacheError):
        return not isinstance(error, CacheMiss)
    if isinstance(error, UsageError):  # an option, a schema that cannot be held; a template may fail on one row
        return not isinstance(error, TemplateError)
    return isinstance(error, (ModelError, EngineClosed, DependencyMissing, ChatTemplateError))


E = TypeVar("E", bound=LocalLLMError)


def reworded(error: E, message: str, hint: str) -> E:
    """The same error with other words; what else it carries stays."""
    again = copy.copy(error)
    again.message, again.hint, again.args = message, hint, (message,)
    return again


def _digest(parts: tuple[Part, ...]) -> bytes:
    return hashlib.sha256("".join(part.text for part in parts).encode("utf-8", "surrogatepass")).digest()


def _kept(outcome: Outcome) -> Outcome:
    """Keep of a result what another row needs, so that 100,000 of them stay small."""
    result = outcome.result
    if result is not None:
        result = Result(
            result.text, finish_reason=result.finish_reason, model=result.model, notes=result.notes, value=result.value
        )
    return replace(outcome, result=result, repeated=True)
