"""Answers under a schema: whole, validated and read, or an error; asked again where the model got it wrong."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_localllm.errors import AnswerCut, ContextOverflow, SchemaMismatch
from jupyter_localllm.pipeline.request import Model, Request
from jupyter_localllm.pipeline.road import ask_once, recall_once
from jupyter_localllm.types import Done, Event, Message, Note, Result, Status

if TYPE_CHECKING:
    from jupyter_localllm.cache import AnswerCache, Grouped

__all__ = ["MOST_RETRIES", "ask", "recall"]

MOST_RETRIES = 2
"""How often a model is told what is wrong with its answer, and asked again."""


def ask(request: Request, model: Model, cache: AnswerCache | Grouped) -> Generator[Event, None, None]:
    """Answer from the cache or by the model; the events end with one `Done`.

    Under a schema (``request.form``) the result has its ``value``. An answer that does not fit, as those of engines
    that hold it to nothing and those that a validator refuses, is told to the model with what is wrong, twice at most.
    Each attempt is a request with a cache key of its own, so a replay goes the same way.

    Raises
    ------
    AnswerCut
        The answer ended before it was whole.
    SchemaMismatch
        The last attempt does not fit either.
    CacheMiss
        Mode ``require`` and no entry: says what changed since the nearest one.
    LocalLLMError
        Whatever stands in the way of an answer.
    """
    yield from _whole(request, lambda attempt: ask_once(attempt, model, cache))


def recall(request: Request, model: Model, cache: AnswerCache | Grouped) -> Result | None:
    """What `ask` would give without the model, where the request lets the cache be used; for who asks it elsewhere.

    Returns
    -------
    Result or None
        None if an answer, or the correction of one, is not in the cache.

    Raises
    ------
    AnswerCut, SchemaMismatch
        As `ask` would.
    CacheMiss
        Mode ``require`` and no entry.
    """

    def found(attempt: Request) -> Generator[Event, None, None]:
        entry = recall_once(attempt, model, cache)
        if entry is not None:
            yield from entry.replay()

    return next((event.result for event in _whole(request, found) if isinstance(event, Done)), None)


def _whole(request: Request, once: Callable[[Request], Iterator[Event]]) -> Generator[Event, None, None]:
    """The events of all attempts; `once` gives those of one."""
    if request.form is None:
        yield from once(request)
        return
    wrong: list[SchemaMismatch] = []
    while True:
        try:
            result = yield from _result(once(_corrected(request, wrong)))
        except ContextOverflow:
            if wrong:  # what was asked for is why there is no answer, not the room for saying so
                raise wrong[-1] from None
            raise
        if result is None:
            return
        try:
            value = _value(request, result)
        except AnswerCut:
            raise
        except SchemaMismatch as error:
            if len(wrong) == MOST_RETRIES:
                raise
            wrong.append(error)
            yield Status("retry", f"the answer did not fit: asked again, {len(wrong)} of {MOST_RETRIES}")
            continue
        yield Done(replace(result, value=value, notes=(*result.notes, *_notes(wrong))))
        return


def _result(events: Iterator[Event]) -> Generator[Event, None, Result | None]:
    """The events but the last, and its result; None if it was cancelled."""
    for event in events:
        if isinstance(event, Done):
            return event.result
        yield event
    return None


def _value(request: Request, result: Result) -> object:
    assert request.form is not None
    if result.finish_reason == "stop":
        return request.form.value(result.text)
    why = next((note.text for note in result.notes if note.code == "length"), "the answer was interrupted")
    raise AnswerCut.of_text(request.form.name, result.text, why)


def _corrected(request: Request, wrong: list[SchemaMismatch]) -> Request:
    """The request, with the last wrong answer and what is wrong with it as a turn of its own."""
    if not wrong:
        return request
    told = "\n".join(f"- {problem}" for problem in wrong[-1].problems[:8])
    turn = (
        Message.of("assistant", wrong[-1].text or "(nothing)"),
        Message.of(
            "user", f"That is not what was asked for:\n{told}\nGive the whole answer again, with this put right."
        ),
    )
    return replace(request, messages=(*request.messages, *turn))


def _notes(wrong: list[SchemaMismatch]) -> tuple[Note, ...]:
    if not wrong:
        return ()
    times = "once" if len(wrong) == 1 else "twice"
    return (Note("retried", f"asked again {times}: the answer did not fit ({wrong[-1].problems[0]:.200})"),)
