"""How a question is read: the best computation over all tables, what came out, and how certain the reading is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jupyter_localllm.compute.candidates import Candidate, candidates
from jupyter_localllm.compute.question import Question
from jupyter_localllm.compute.run import Outcome, run

if TYPE_CHECKING:
    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot

__all__ = ["CERTAIN", "Reading", "read"]

CERTAIN = 0.6
"""A reading less certain than this is not taken for the answer."""

_TRIED = 32  # candidates that are run
_TRIVIAL = 0.5  # the number of rows of somebody who has one: a number of his is meant
_NO_PERSON = 0.4  # "who" answered with a number or a date
_TIE = 0.15  # several rows where the first or the most is asked for
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
    """

    source: FrameSnapshot
    candidate: Candidate
    outcome: Outcome
    certainty: float = 0.0
    score: float = 0.0

    @property
    def words(self) -> str:
        """How the question was read."""
        return self.candidate.operation.words(self.source.table)

    @property
    def code(self) -> str:
        """The operation as people write it down."""
        return self.candidate.operation.code(self.source.table)


def read(question: str, sources: Sequence[FrameSnapshot]) -> list[Reading]:
    """Read a question over some tables.

    Parameters
    ----------
    question : str
    sources : sequence of FrameSnapshot

    Returns
    -------
    list of Reading
        The best one first, each with another result. Empty if nothing in the question points at a table.
    """
    asked = Question.of(question)
    found = [
        (candidate, source)
        for source in sources
        if source.table.rows
        for candidate in candidates(asked, source.table, source.values)[: _TRIED * 2]
    ]
    found.sort(key=lambda pair: -pair[0].score)
    readings: list[Reading] = []
    for candidate, source in found[:_TRIED]:
        outcome = run(candidate.operation, source.table, source.values)
        if outcome is not None:
            reading = Reading(source, candidate, outcome)
            readings.append(replace(reading, score=candidate.score - _odd(asked, reading)))
    readings.sort(key=lambda reading: -reading.score)  # equal ones stay in their order
    different: dict[tuple[str, tuple[str, ...]], Reading] = {}
    for reading in readings:
        different.setdefault((reading.source.name, reading.outcome.texts), reading)
    best = list(different.values())[:_KEPT]
    return [_with_certainty(asked, reading, best) for reading in best]


def _odd(question: Question, reading: Reading) -> float:
    """What speaks against a reading once its result is known."""
    operation, outcome, table = reading.candidate.operation, reading.outcome, reading.source.table
    odd = 0.0
    if operation.function == "count" and outcome.n == 1 and operation.conditions:
        named = [c.column for c in operation.conditions if c.comparison == "=="]
        odd += _TRIVIAL if any(table.columns[place].distinct > 0.9 * table.rows for place in named) else 0.0
    if operation.target is not None and table.columns[operation.target].kind != "text":
        odd += _NO_PERSON if question.named("person") else 0.0
    if len(outcome.texts) > 1 and operation.function in ("with min", "with max"):
        odd += _TIE
    return odd


def _with_certainty(question: Question, reading: Reading, all_of_them: Sequence[Reading]) -> Reading:
    """How certain a reading is: less for each word that it leaves unexplained, each guess, and a close second.

    The factors are judgement, not fitted; what they are worth is measured in ``benchmarks/cited.py``.
    """
    candidate = reading.candidate
    others = [other.score for other in all_of_them if other is not reading]
    margin = reading.score - max(others, default=reading.score - 1.0)
    certainty = 0.6**candidate.guessed
    certainty *= 0.5 if question.named("not") else 1.0  # no operation here leaves out what is named
    for place in question.unexplained_places(candidate.mask):
        if question.words[place][0].isdigit():
            certainty *= 0.4  # a number in a question always says something
        elif question.beside(place, candidate.mask):
            certainty *= 0.65  # perhaps a part of a name that was found in part
        else:
            certainty *= 0.8
    certainty *= 1.0 if margin >= 0.2 else 0.85 if margin >= 0.05 else 0.6
    return replace(reading, certainty=certainty if margin >= 0 else 0.0)
