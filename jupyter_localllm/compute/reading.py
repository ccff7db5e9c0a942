"""How a question is read: the best computation over all tables, what came out, and how certain the reading is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jupyter_localllm.compute.candidates import Candidate, candidates
from jupyter_localllm.compute.certainty import certainty_of, odd
from jupyter_localllm.compute.links import link_columns
from jupyter_localllm.compute.question import Question, bits
from jupyter_localllm.compute.run import Outcome, run
from jupyter_localllm.sources.tokens import stems

if TYPE_CHECKING:
    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot

__all__ = ["CERTAIN", "Reading", "read"]

CERTAIN = 0.55
"""A reading less certain than this is not taken for the answer."""

_TRIED = 32  # candidates that are run
_EACH = 4  # of each table at least
_KEPT = 5


@dataclass(frozen=True)
class Reading:
    """A question read as a computation.

    Parameters
    ----------
    source : FrameSnapshot
        The table.
    candidate : Candidate
    outcome : Outcome
    certainty : float
        0 to 1; see `read`.
    score : float
        What speaks for it, its result considered.
    named : bool
        Whether the question names the table.
    """

    source: FrameSnapshot
    candidate: Candidate
    outcome: Outcome
    certainty: float = 0.0
    score: float = 0.0
    named: bool = False

    @property
    def words(self) -> str:
        """How the question was read."""
        return self.candidate.operation.words(self.source.table)

    def meant_as(self, other: Reading) -> bool:
        """Whether another table was asked the same; what it says may differ, how the question is meant does not."""
        return self.source is not other.source and self.named == other.named and self.words == other.words

    @property
    def code(self) -> str:
        """The operation as people write it down."""
        return self.candidate.operation.code(self.source.table)


def read(question: str, sources: Sequence[FrameSnapshot], tell: Callable[[str], None] | None = None) -> list[Reading]:
    """Read a question over some tables.

    Parameters
    ----------
    question : str
    sources : sequence of FrameSnapshot
    tell : callable, optional
        Called with what is being done; what it raises ends the reading.

    Returns
    -------
    list of Reading
        The best one first, each with another result. Empty if nothing in the question points at a table.
    """
    asked = Question.of(question)
    tell = tell or _silent
    readings: list[Reading] = []
    empty: list[Candidate] = []
    for source, candidate, named in _tried(asked, sources, tell):
        tell(f"computing over {source.name}")
        outcome = run(candidate.operation, source.table, source.values)
        if outcome is None:
            empty.append(candidate)
        else:
            reading = Reading(source, candidate, outcome, named=named)
            readings.append(replace(reading, score=candidate.score - odd(asked, reading)))
    readings.sort(key=lambda reading: -reading.score)  # equal ones stay in their order
    different: dict[tuple[str, tuple[str, ...]], Reading] = {}
    for reading in readings:
        different.setdefault((reading.source.name, reading.outcome.texts), reading)
    every = list(different.values())
    best = every[:_KEPT] + [rival for rival in every[_KEPT:] if every[0].meant_as(rival)]
    rated = [replace(each, certainty=certainty_of(asked, each, best)) for each in best]
    return [_less_than_missing(reading, empty) for reading in rated]


def _tried(
    asked: Question, sources: Sequence[FrameSnapshot], tell: Callable[[str], None]
) -> Iterator[tuple[FrameSnapshot, Candidate, bool]]:
    """The candidates that are run, the best ones first, and a few of every table; whether the question names it."""
    found: list[tuple[Candidate, FrameSnapshot, bool, bool]] = []
    for source in sources:
        tell(f"reading the question over {source.name} ({source.size})")
        if not source.table.rows:
            continue
        name = _name_of(asked, source)
        over = asked.over(column.label for column in source.table.columns)
        for place, one in enumerate(candidates(over, source.table, source.values)[:_TRIED]):
            explained = replace(one, mask=one.mask | name, score=one.score + asked.weight(name & ~one.mask))
            found.append((explained, source, bool(name), place < _EACH))
    found.sort(key=lambda one: -one[0].score)
    for place, (candidate, source, named, first) in enumerate(found):
        if place < _TRIED or first:
            yield source, candidate, named


def _name_of(asked: Question, source: FrameSnapshot) -> int:
    """The words of the question that are the table's name, all of it, and no column's."""
    wanted = stems(source.name)
    columns = 0
    for link in link_columns(asked, source.table):
        columns |= link.mask
    places = [p for p, word in enumerate(asked.stems) if word in wanted and not columns >> p & 1]
    whole = wanted <= {asked.stems[place] for place in places}
    return bits((place, place + 1) for place in places) if wanted and whole else 0


def _less_than_missing(reading: Reading, empty: Sequence[Candidate]) -> Reading:
    """A reading that stands behind one whose cell is empty is not certain: the empty one was meant, perhaps."""
    conditions = reading.candidate.operation.conditions
    missing = any(
        other.operation.conditions == conditions and conditions and other.score > reading.score for other in empty
    )
    return replace(reading, certainty=reading.certainty * 0.5) if missing else reading


def _silent(words: str) -> None:
    """Nobody watches."""
