"""From a question and its sources to the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jupyter_localllm.answering.evidence import COVERED, POSSIBLE, Evidence, Limits
from jupyter_localllm.answering.excerpt import as_asked
from jupyter_localllm.answering.lead import led_by, unexplained
from jupyter_localllm.answering.overview import asks_for_all, overview
from jupyter_localllm.answering.passages import passage_of, statement_of
from jupyter_localllm.answering.prompt import estimated_tokens
from jupyter_localllm.compute.question import Question
from jupyter_localllm.compute.reading import CERTAIN, Reading, read
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from jupyter_localllm.sources.held import Held
from jupyter_localllm.sources.select import Choice, choose
from jupyter_localllm.sources.snapshot import Snapshot
from jupyter_localllm.sources.suspicious import instruction_notes
from jupyter_localllm.types import Note, Passage

__all__ = ["gather"]

_OFFERED = 3


def gather(question: str, snapshots: Sequence[Snapshot], limits: Limits) -> Evidence:
    """Look for what answers a question.

    Tables are computed over, all other sources are searched. A computation that is read with certainty leads; texts
    that speak of the question stand beside it.

    Parameters
    ----------
    question : str
    snapshots : sequence of Snapshot
    limits : Limits

    Returns
    -------
    Evidence

    Raises
    ------
    SourceError
        A source cannot be read.
    """
    frames = [snapshot for snapshot in snapshots if isinstance(snapshot, FrameSnapshot)]
    texts = [snapshot for snapshot in snapshots if not isinstance(snapshot, FrameSnapshot)]
    for frame in frames:
        frame.keep_in(limits.kept.columns, limits.progress)
    notes = [note for snapshot in snapshots for note in _told(snapshot)]
    readings = read(question, frames, limits.progress)
    choice = _choose(texts, question, limits) if texts else None
    covered = choice.coverage.best if choice is not None else 0.0
    found = choice.passages if choice is not None and covered >= COVERED else ()
    notes += choice.notes if choice is not None else ()
    notes += [note for text in texts for note in instruction_notes(text.name, _from(text.name, found))]
    best = readings[0] if readings else None
    if best is not None and best.certainty >= CERTAIN:
        led = led_by(best, Evidence(tuple(found), None, (), covered, (), choice, tuple(notes)), question, readings[1:])
        if not found or best.certainty >= covered or led.agreeing or led.others:
            return led
    if found:
        return Evidence(tuple(found), None, (), covered, (), choice, tuple(notes))
    if frames and asks_for_all(Question.of(question), frames, best):
        return overview(frames, choice, tuple(notes), limits)
    possible: tuple[Reading, ...] = ()
    if best is not None and best.certainty >= POSSIBLE:
        possible = tuple(reading for reading in readings if reading.certainty >= POSSIBLE)[:_OFFERED]
    if not possible and choice is not None and (nearest := choice.coverage.nearest) is not None:
        unmet = as_asked(choice.coverage.unmet, question)
        return Evidence((nearest,), None, (), covered, (), choice, tuple(notes), unmet=unmet)
    passages = tuple(map(passage_of, possible))
    statements = tuple(map(statement_of, possible, passages))
    unmet = unexplained(question, possible)
    return Evidence(passages, None, possible, covered, statements, choice, tuple(notes), unmet=unmet)


def _told(snapshot: Snapshot) -> tuple[Note, ...]:
    """What a snapshot tells; of a text without reading all of it for instructions, which is done for what is chosen."""
    return snapshot.first_notes if isinstance(snapshot, Held) else snapshot.notes


def _from(name: str, passages: Sequence[Passage]) -> Iterator[Passage]:
    return (passage for passage in passages if passage.source == name)


def _choose(texts: Sequence[Snapshot], question: str, limits: Limits) -> Choice:
    def progress(done: int, total: int | None) -> None:
        if limits.progress is not None:
            of = f" of {total:,}" if total else ""
            limits.progress(f"{done:,}{of} passages indexed")

    return choose(
        texts,
        question,
        limits.tokens,
        estimated_tokens,
        embed=limits.embed,
        kept=limits.kept,
        most=limits.passages,
        progress=progress,
    )
