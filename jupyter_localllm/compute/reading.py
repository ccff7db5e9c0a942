"""How a question is read: the best computation over all tables, what came out, and how certain the reading is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_localllm.compute.candidates import Candidate, candidates
from jupyter_localllm.compute.question import Question
from jupyter_localllm.compute.run import Outcome, run

if TYPE_CHECKING:
    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot

__all__ = ["CERTAIN", "Reading", "read"]

CERTAIN = 0.6
"""A reading less certain than this is not taken for the answer."""

_TRIED = 24  # candidates that are run
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
    """

    source: FrameSnapshot
    candidate: Candidate
    outcome: Outcome
    certainty: float = 0.0

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
    for candidate, source in found[: _TRIED * 2]:
        outcome = run(candidate.operation, source.table, source.values)
        if outcome is None or any(outcome.texts == known.outcome.texts for known in readings):
            continue
        readings.append(Reading(source, candidate, outcome))
        if len(readings) >= _KEPT:
            break
    return [_with_certainty(asked, reading, readings) for reading in readings]


def _with_certainty(question: Question, reading: Reading, all_of_them: Sequence[Reading]) -> Reading:
    """How certain a reading is: less for each word that it leaves unexplained, each guess, and a close second.

    The factors are judgement, not fitted; what they are worth is measured in ``benchmarks/cited.py``.
    """
    candidate = reading.candidate
    others = [other.candidate.score for other in all_of_them if other is not reading]
    margin = candidate.score - max(others, default=candidate.score - 1.0)
    certainty = 0.6**candidate.guessed
    for place in question.unexplained_places(candidate.mask):
        if question.words[place][0].isdigit():
            certainty *= 0.4  # a number in a question always says something
        elif question.beside(place, candidate.mask):
            certainty *= 0.65  # perhaps a part of a name that was found in part
        else:
            certainty *= 0.8
    certainty *= 1.0 if margin >= 0.2 else 0.85 if margin >= 0.05 else 0.6
    return Reading(reading.source, candidate, reading.outcome, certainty if margin >= 0 else 0.0)
