"""One question with sources, from the evidence to the checked answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jupyter_localllm.answering.again import checker_of
from jupyter_localllm.answering.background import watched
from jupyter_localllm.answering.evidence import Evidence, Limits, gather
from jupyter_localllm.answering.excerpt import excerpt, speaks_of
from jupyter_localllm.answering.prompt import NOT_FOUND, messages_of
from jupyter_localllm.answering.reader import choose_reading
from jupyter_localllm.cite.marks import Marks
from jupyter_localllm.cite.repair import Citing
from jupyter_localllm.compute.reading import Reading
from jupyter_localllm.errors import LocalLLMError, SourceError
from jupyter_localllm.pipeline import Model, Request, ask
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot, hash_of
from jupyter_localllm.types import (
    Answer,
    AskEvent,
    Citation,
    Cited,
    Done,
    Event,
    Message,
    Note,
    Passage,
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

_LIKE_A_MARK = re.compile(r"\[(?=\s*[\d?])")  # a footnote in a cell must not pass for a mark of ours
_REPEATED = 3  # claims of an answer that goes in circles
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
    if asking.reader == "model" and evidence.possible:
        evidence = yield from choose_reading(asking.question, evidence, asking.request, model, cache)
    frames = [snapshot for snapshot in asking.snapshots if isinstance(snapshot, FrameSnapshot)]
    if asking.reader == "sql" and frames and not evidence.enough:
        from jupyter_localllm.answering.select import select_by_model

        evidence = yield from select_by_model(
            asking.question, frames, evidence, asking.request, model=model, cache=cache
        )
    draft = _plain(evidence)
    if not draft.text and not asking.write:
        draft = _kept("", (), evidence)
    if draft.text:
        yield Token(draft.text)
    first_ms = (time.perf_counter() - begun) * 1000
    result: Result | None = None
    if asking.write and evidence.enough:
        request = request_of(asking, evidence)
        stream = _written(asking, evidence, draft, ask(request, model, cache))
        draft, result = yield from stream
        if result is None:  # cancelled from below
            return
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


@dataclass(frozen=True)
class _Draft:
    """An answer before it is finished; `stated` if it was there before the model wrote."""

    text: str
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    stated: bool = False


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


def _plain(evidence: Evidence) -> _Draft:
    """What can be said without the model: what was computed, or that the question is not answered."""
    if evidence.enough and evidence.statements:
        return _listed(evidence, "")
    if evidence.enough:
        return _Draft("")
    if not evidence.possible:
        return _Draft(NOT_FOUND, abstained=True, stated=True)
    return replace(_listed(evidence, "How this is meant is not certain. It may be read as:\n"), abstained=True)


def _listed(evidence: Evidence, text: str) -> _Draft:
    """The statements, each with its mark: one as a sentence, several as a list."""
    told: list[Citation] = []
    several = bool(text) or len(evidence.statements) > 1
    for number, (statement, passage) in enumerate(zip(evidence.statements, evidence.passages, strict=False), 1):
        text += ("\n" if text else "") + ("- " if several else "")
        line, citations = _stated(statement, number, passage, len(text))
        text += line
        told += citations
    return _Draft(text, tuple(told), stated=True)


def _stated(statement: str, number: int, passage: Passage, start: int = 0) -> tuple[str, tuple[Citation, ...]]:
    statement = _LIKE_A_MARK.sub("[\u2060", statement).rstrip(".")
    text = f"{statement} [{number}]."
    citation = Citation(
        number,
        passage.source,
        passage.locator,
        passage.text,
        start,
        start + len(statement),
        "supported",
        "what the source says",
    )
    return text, (citation,)


def _written(
    asking: Asking, evidence: Evidence, draft: _Draft, events: Generator[Event, None, None]
) -> Generator[AskEvent, None, tuple[_Draft, Result | None]]:
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
    better = _worded(text, citations, evidence) if draft.stated else _kept(text, citations, evidence)
    if better is None:
        return draft, result
    yield Revised(better.text)
    return better, result


def _worded(text: str, citations: tuple[Citation, ...], evidence: Evidence) -> _Draft | None:
    """The model's wording of what was computed: every claim carried by a source, and every result in it."""
    carried = {citation.status for citation in citations} == {"supported"}
    whole = all(result in text for result in evidence.results)
    return _Draft(text.strip(), _moved(citations, text)) if carried and whole else None


def _kept(text: str, citations: tuple[Citation, ...], evidence: Evidence) -> _Draft:
    """The model's answer from texts, if anything in it is carried; else the passage that speaks of the question."""
    assert evidence.choice is not None
    asked = evidence.choice.asked
    supported = [text[one.start : one.end] for one in citations if one.status == "supported"]
    in_circles = len(supported) > _REPEATED and len(set(supported)) <= len(supported) // 2
    if not in_circles and any(speaks_of(claim, asked) for claim in supported):
        return _Draft(text.strip(), _moved(citations, text))
    best = next((one.passage for one in evidence.choice.ranked if one.passage in evidence.passages), None)
    if best is None:
        return _Draft(NOT_FOUND, abstained=True)
    said, told = _stated(excerpt(best.text, asked), evidence.passages.index(best) + 1, best)
    return _Draft(said, told)


def _moved(citations: tuple[Citation, ...], text: str) -> tuple[Citation, ...]:
    """Spans after the blanks before the text are gone."""
    by = len(text) - len(text.lstrip())
    return tuple(replace(c, start=c.start - by, end=c.end - by) for c in citations) if by else citations


def _finished(asking: Asking, evidence: Evidence, draft: _Draft, result: Result) -> Generator[AskEvent, None, None]:
    reading = evidence.reading or (evidence.possible[0] if evidence.possible else None)
    selected = evidence.selected
    sources = yield from watched(
        lambda tell: {snapshot.name: _sha256(snapshot, reading) for snapshot in asking.snapshots}, "sources"
    )
    notes = (*_of_this(result, draft), *evidence.notes)
    result = replace(result, notes=notes, provenance=replace(result.provenance, sources=sources))
    readings = (evidence.reading,) if evidence.reading is not None else evidence.possible
    done = Answer(
        draft.text,
        draft.citations,
        evidence.passages,
        result,
        value=selected.value if selected else reading.outcome.value if reading is not None else None,
        reading=selected.sql if selected else reading.words if reading is not None else "",
        abstained=draft.abstained,
        checker=checker_of(asking.latest, tuple(readings), selected),
    )
    yield Cited(done)
    yield Done(result)


def _sha256(snapshot: Snapshot, reading: Reading | None) -> str:
    """Of the content; of a very large table only of the columns that the answer rests on, which is as sure."""
    if not isinstance(snapshot, FrameSnapshot) or snapshot.table.rows * len(snapshot.table.columns) <= _HASHED:
        return snapshot.sha256
    used = reading.candidate.operation.columns() if reading is not None and reading.source is snapshot else ()
    return hash_of(snapshot.size, *(snapshot.table.columns[place].sha256 for place in used))


def _of_this(result: Result, draft: _Draft) -> tuple[Note, ...]:
    """The model's notes, without those on words of its that were not kept."""
    return tuple(note for note in result.notes if not (draft.stated and note.code in ("length", "loop")))
