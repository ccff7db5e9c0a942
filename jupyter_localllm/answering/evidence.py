"""What an answer may rest on: the reading of the question, the passages that fit, and whether they answer it at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jupyter_localllm.answering.others import Claim, Other, also, otherwise
from jupyter_localllm.answering.passages import passage_of, statement_of
from jupyter_localllm.answering.prompt import estimated_tokens
from jupyter_localllm.compute.question import Question
from jupyter_localllm.compute.reading import CERTAIN, Reading, read
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from jupyter_localllm.sources.held import Held
from jupyter_localllm.sources.select import Choice, Embed, Kept, Vectors, choose
from jupyter_localllm.sources.suspicious import instruction_notes
from jupyter_localllm.types import Note, Passage

if TYPE_CHECKING:
    from jupyter_localllm.answering.select import Selected
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["COVERED", "Evidence", "Limits", "gather", "led_by"]

COVERED = 0.5
"""Share of a question's information that one text passage must hold to be taken for an answer."""

_POSSIBLE = 0.1  # a reading less certain than this is not even offered
_OFFERED = 3
_FIGURES = 12  # of a table, when it is asked about as a whole
_NAMED = 20  # columns that are named


@dataclass(frozen=True)
class Limits:
    """How much goes into a prompt, and what helps to choose it.

    Parameters
    ----------
    tokens : int
        For all passages together.
    passages : int
        How many at most, besides what was computed.
    embed : callable or Vectors or None
        Of an embedding model, if one is configured.
    kept : Kept
        Indexes of earlier questions.
    progress : callable or None
        Called with what is being done, in a few words.
    """

    tokens: int = 1_500
    passages: int = 8
    embed: Embed | Vectors | None = None
    kept: Kept = field(default_factory=Kept)
    progress: Callable[[str], None] | None = None


@dataclass(frozen=True)
class Evidence:
    """What was found for a question.

    Parameters
    ----------
    passages : tuple of Passage
        Numbered from 1 in this order.
    reading : Reading or None
        How the question was read, if it was read as a computation and this is certain enough.
    possible : tuple of Reading
        Less certain readings, the best first, where none is certain and no text answers.
    covered : float
        Share of the question's information that the best text passage holds, 0 to 1.
    statements : tuple of str
        For each of the first passages its content in plain words, for an answer that the model words badly.
    choice : Choice or None
        What was chosen of the texts, and what was cut.
    notes : tuple of Note
    selected : Selected or None
        A SELECT that answers, see `jupyter_localllm.answering.select`.
    agreeing : tuple of Passage
        Of `passages`, those that say the same as the first one.
    others : tuple of Other
        What other sources say instead; each is among the statements.
    """

    passages: tuple[Passage, ...] = ()
    reading: Reading | None = None
    possible: tuple[Reading, ...] = ()
    covered: float = 0.0
    statements: tuple[str, ...] = ()
    choice: Choice | None = None
    notes: tuple[Note, ...] = ()
    selected: Selected | None = None
    agreeing: tuple[Passage, ...] = ()
    others: tuple[Other, ...] = ()

    @property
    def results(self) -> tuple[str, ...]:
        """What came out of what leads, and what stands against it, as texts that an answer must hold."""
        if self.reading is not None:
            return (*self.reading.outcome.texts, *(figure for other in self.others for figure in other.figures))
        return self.selected.texts if self.selected is not None else ()

    def fewer(self) -> Evidence | None:
        """With about half of the text passages, the best ones; None if there is none to spare."""
        told = self.passages[: len(self.statements)]
        spare = self.passages[len(self.statements) :]
        if self.choice is None or len(spare) <= (0 if told else 1):
            return None
        ranked = [one.passage for one in self.choice.ranked if one.passage in spare]
        best = ranked[: len(spare) // 2]
        note = Note("cut", f"{len(spare) - len(best)} of {len(spare)} passages left out: the model's window is full")
        return replace(
            self,
            passages=(*told, *(passage for passage in spare if passage in best)),
            notes=(*(one for one in self.notes if one.code != "cut"), note),
            agreeing=tuple(passage for passage in self.agreeing if passage in best),
        )

    @property
    def enough(self) -> bool:
        """Whether there is something that an answer can rest on."""
        return self.reading is not None or self.selected is not None or self.covered >= COVERED


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
    notes = [note for snapshot in snapshots for note in _told(snapshot)]
    readings = read(question, frames, limits.progress)
    choice = _choose(texts, question, limits) if texts else None
    covered = choice.coverage.best if choice is not None else 0.0
    found = choice.passages if choice is not None and covered >= COVERED else ()
    notes += choice.notes if choice is not None else ()
    notes += [note for text in texts for note in instruction_notes(text.name, _from(text.name, found))]
    best = readings[0] if readings else None
    if best is not None and best.certainty >= CERTAIN:
        led = led_by(best, Evidence(tuple(found), None, (), covered, (), choice, tuple(notes)), question)
        if not found or best.certainty >= covered or led.agreeing or led.others:
            return led
    if found:
        return Evidence(tuple(found), None, (), covered, (), choice, tuple(notes))
    if frames and "overview" in Question.of(question).operations:
        return _overview(frames, choice, tuple(notes))
    possible = tuple(reading for reading in readings if reading.certainty >= _POSSIBLE or reading is best)[:_OFFERED]
    if best is None or best.certainty < _POSSIBLE:
        possible = ()
    passages = tuple(map(passage_of, possible))
    statements = tuple(map(statement_of, possible, passages))
    return Evidence(passages, None, possible, covered, statements, choice, tuple(notes))


def _overview(frames: Sequence[FrameSnapshot], choice: Choice | None, notes: tuple[Note, ...]) -> Evidence:
    """The cards of the tables, and figures of their columns, for a question about them as a whole."""
    cards = [frame.card() for frame in frames if frame.table.columns]
    figures = [figure for frame in frames for figure in frame.figures(_FIGURES)]
    said = tuple(f"{frame.name} has {frame.size}: {_names(frame)}" for frame in frames if frame.table.columns)
    return Evidence((*cards, *figures), None, (), 1.0 if cards else 0.0, said, choice, notes)


def _names(frame: FrameSnapshot) -> str:
    names = [column.label for column in frame.table.columns]
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def led_by(reading: Reading, evidence: Evidence, question: str) -> Evidence:
    """The same evidence with a reading that leads it; passages of less certain readings are dropped.

    Texts that say the same are cited with it; what they say otherwise stands behind it.
    """
    lead = passage_of(reading)
    statement = statement_of(reading, lead)
    texts = () if evidence.possible else evidence.passages
    claim = Claim(statement, reading.outcome.texts, lead.source)
    others = otherwise(claim, question, evidence.choice.asked, texts) if evidence.choice is not None and texts else ()
    against = tuple(other.passage for other in others)
    rest = tuple(text for text in texts if text not in against)
    return replace(
        evidence,
        passages=(lead, *against, *rest),
        reading=reading,
        possible=(),
        statements=(statement, *(other.statement for other in others)),
        notes=(*evidence.notes, *_left_out(reading), *_differing(lead.source, others)),
        agreeing=also(claim, question, rest),
        others=others,
    )


def _differing(source: str, others: Sequence[Other]) -> tuple[Note, ...]:
    said = (f"{other.passage.source} gives another value than {source}: both are told" for other in others)
    return tuple(Note("differing", text) for text in said)


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


def _left_out(reading: Reading) -> tuple[Note, ...]:
    """Rows of totals that a computation did not count."""
    import numpy as np

    table = reading.source.table
    if reading.candidate.operation.function == "get" or not table.totals.any():
        return ()
    rows = [f"{row + 1} ({table.row_label(int(row))})" for row in np.flatnonzero(table.totals)]
    return (Note("totals", f"{reading.source.name}: rows of totals were not counted: {', '.join(rows[:5])}"),)
