"""One question with sources, from the evidence to the checked answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jupyter_localllm.answering.again import checker_of
from jupyter_localllm.answering.background import watched
from jupyter_localllm.answering.draft import Draft, from_texts, plain, quoted, worded
from jupyter_localllm.answering.elsewhere import asked_elsewhere
from jupyter_localllm.answering.evidence import Evidence, Limits
from jupyter_localllm.answering.gathering import gather
from jupyter_localllm.answering.prompt import messages_of
from jupyter_localllm.answering.reader import choose_reading
from jupyter_localllm.cite.marks import Marks
from jupyter_localllm.cite.repair import Citing
from jupyter_localllm.compute.reading import Reading
from jupyter_localllm.errors import ContextOverflow, LocalLLMError, SourceError
from jupyter_localllm.pipeline import Model, Request, ask
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot, hash_of
from jupyter_localllm.types import (
    Answer,
    AskEvent,
    Cited,
    Done,
    Event,
    Message,
    Note,
    Result,
    Revised,
    Status,
    Timings,
    Token,
)

if TYPE_CHECKING:
    from jupyter_localllm.cache import AnswerCache
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["Asking", "answer", "request_of"]

_HASHED = 5_000_000  # cells of a table that are all hashed
_SENTENCE_TOKENS = 96  # of an answer that only words what was computed


@dataclass(frozen=True)
class Asking:
    """A question with sources, complete.

    Parameters
    ----------
    question : str
    snapshots : sequence of Snapshot
    request : callable
        Makes the request of some messages: sampling and limits are the caller's.
    limits : Limits
    system : str
        The person's own instructions.
    history : sequence of Message
        Earlier turns.
    write : bool
        Whether the model words the answer; otherwise it says what the sources say.
    quote : bool
        Whether quoted text must be the sources' own, letter by letter.
    reader : {"words", "model", "sql"}
        Who decides where words leave the reading uncertain: nobody, the model among the readings, or the model by a
        SELECT that it writes.
    latest : callable
        The variables as they are when an answer is checked again.
    """

    question: str
    snapshots: Sequence[Snapshot]
    request: Callable[[tuple[Message, ...]], Request]
    limits: Limits = field(default_factory=Limits)
    system: str = ""
    history: Sequence[Message] = ()
    write: bool = True
    quote: bool = False
    reader: str = "words"
    latest: Callable[[], Mapping[str, Any]] = dict


def answer(asking: Asking, model: Model, cache: AnswerCache) -> Generator[AskEvent, None, None]:
    """Answer from sources: the events of the model's answer, corrections, one `Cited`, one `Done`.

    Raises
    ------
    LocalLLMError
        Whatever stands in the way of an answer.
    """
    begun = time.perf_counter()
    yield Status("sources", _looking(asking.snapshots))
    evidence = yield from watched(lambda tell: _gathered(asking, tell), "sources")
    yield from asked_elsewhere(asking.limits)
    if asking.reader == "model" and evidence.possible:
        evidence = yield from choose_reading(asking.question, evidence, asking.request, model, cache)
    frames = [snapshot for snapshot in asking.snapshots if isinstance(snapshot, FrameSnapshot)]
    if asking.reader == "sql" and frames and not evidence.enough:
        from jupyter_localllm.answering.select import select_by_model

        evidence = yield from select_by_model(
            asking.question, frames, evidence, asking.request, model=model, cache=cache
        )
    draft = plain(evidence)
    if not draft.text and not asking.write:
        draft = from_texts("", (), evidence, asking.question)
    if draft.text:
        yield Token(draft.text)
    first_ms = (time.perf_counter() - begun) * 1000
    result: Result | None = None
    if asking.write and evidence.enough and not evidence.others:  # who says what is told as it is
        fitted, written = yield from _fitted(asking, evidence, draft, model, cache)
        if written is not None:
            better, result = written
            if result is None:  # cancelled from below
                return
            if better is not draft:  # what stands cites what it was made of, whatever the model had room for
                evidence, draft = fitted, better
    if result is None:
        took = (time.perf_counter() - begun) * 1000
        result = Result(draft.text, model=model.name, timings=Timings(ttft_ms=first_ms, latency_ms=took))
    elif draft.stated:  # whatever became of the model's words, they are not the answer
        result = replace(result, finish_reason="stop", timings=replace(result.timings, ttft_ms=first_ms))
    yield from _finished(asking, evidence, draft, result)


def _gathered(asking: Asking, tell: Callable[[str], None]) -> Evidence:
    try:
        return gather(asking.question, asking.snapshots, replace(asking.limits, progress=tell))
    except LocalLLMError:
        raise
    except Exception as error:  # whatever a foreign table does while it is computed with
        raise SourceError(
            f"The sources cannot be read: {type(error).__name__}: {error}",
            "Cite something simpler made of them, for example only the columns that matter.",
        ) from error


def request_of(asking: Asking, evidence: Evidence) -> Request:
    """What the model is asked."""
    messages = messages_of(
        asking.question,
        evidence.passages,
        system=asking.system,
        history=asking.history,
        most=asking.limits.tokens * 3,
    )
    quotes = tuple(passage.text for passage in evidence.passages) if asking.quote else ()
    request = asking.request(messages)
    most = request.max_tokens
    if evidence.statements and most is None:  # a sentence or two that word what is known already
        most = _SENTENCE_TOKENS
    return replace(request, constraint=Marks(len(evidence.passages), quotes), max_tokens=most)


def _looking(snapshots: Sequence[Snapshot]) -> str:
    return "looking in " + ", ".join(f"{snapshot.name} ({snapshot.size})" for snapshot in snapshots)


def _fitted(
    asking: Asking, evidence: Evidence, draft: Draft, model: Model, cache: AnswerCache
) -> Generator[AskEvent, None, tuple[Evidence, tuple[Draft, Result | None] | None]]:
    """The model's words over as many passages as its window takes; None if not even what is stated fits."""
    while True:
        events = ask(request_of(asking, evidence), model, cache)
        try:
            return evidence, (yield from _written(asking, evidence, draft, events))
        except ContextOverflow:
            fewer = evidence.fewer()
            if fewer is None and draft.stated:
                return evidence, None
            if fewer is None:
                raise
            evidence = fewer


def _written(
    asking: Asking, evidence: Evidence, draft: Draft, events: Generator[Event, None, None]
) -> Generator[AskEvent, None, tuple[Draft, Result | None]]:
    """The model's words, sentence by sentence as they are checked, in the place of the draft if they are better."""
    citing = Citing(evidence.passages, asking.question)
    result: Result | None = None
    shown = ""
    for event in events:
        if isinstance(event, Done):
            result = event.result
        elif isinstance(event, Token) and event.channel == "answer":
            done = citing.feed(event.text)
            if draft.stated:  # what was computed stands until something better is finished
                continue
            shown += done
            yield Revised(shown + citing.pending) if done else event
        else:
            yield event
    if result is None:
        return draft, None
    text, citations = citing.finish()
    if draft.stated:
        better = worded(text, citations, evidence)
    else:
        better = from_texts(text, citations, evidence, asking.question)
    if better is None:
        return draft, result
    yield Revised(better.text)
    return better, result


def _finished(asking: Asking, evidence: Evidence, draft: Draft, result: Result) -> Generator[AskEvent, None, None]:
    reading = evidence.reading or (evidence.possible[0] if evidence.possible else None)
    selected = evidence.selected
    sources = yield from watched(
        lambda tell: {snapshot.name: _sha256(snapshot, evidence) for snapshot in asking.snapshots}, "sources"
    )
    notes = (*_of_this(result, draft), *evidence.notes)
    result = replace(result, notes=notes, provenance=replace(result.provenance, sources=sources))
    done = Answer(
        draft.text,
        draft.citations,
        evidence.passages,
        result,
        value=selected.value if selected else reading.outcome.value if reading is not None else None,
        reading=selected.sql if selected else _read_as(reading, evidence),
        abstained=draft.abstained,
        checker=checker_of(asking.latest, evidence.readings, selected),
    )
    yield Cited(done)
    yield Done(result)


def _read_as(reading: Reading | None, evidence: Evidence) -> str:
    """How the question was read, and which of its words had no part in it."""
    if reading is None:
        return ""
    unused = f" (not read: {quoted(evidence.unmet)})" if evidence.reading is not None and evidence.unmet else ""
    return f"{reading.words}{unused}"


def _sha256(snapshot: Snapshot, evidence: Evidence) -> str:
    """Of the content; of a very large table only of the columns that were computed with, where it is known which."""
    if not isinstance(snapshot, FrameSnapshot) or snapshot.table.rows * len(snapshot.table.columns) <= _HASHED:
        return snapshot.sha256
    readings = (reading for reading in evidence.readings if reading.source is snapshot)
    used = sorted({place for reading in readings for place in reading.candidate.operation.columns()})
    if not used:
        return snapshot.sha256
    return hash_of(snapshot.size, *(snapshot.table.columns[place].sha256 for place in used))


def _of_this(result: Result, draft: Draft) -> tuple[Note, ...]:
    """The model's notes, without those on words of its that were not kept."""
    return tuple(note for note in result.notes if not (draft.stated and note.code in ("length", "loop")))
