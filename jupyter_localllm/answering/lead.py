"""A reading that leads an answer: its result, what other tables and texts say of the same, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_localllm.answering.evidence import Evidence
from jupyter_localllm.answering.excerpt import as_asked
from jupyter_localllm.answering.others import Claim, Other, also, otherwise, same_values
from jupyter_localllm.answering.passages import passage_of, statement_of
from jupyter_localllm.compute.question import Question
from jupyter_localllm.compute.reading import Reading
from jupyter_localllm.types import Note, Passage

__all__ = ["led_by", "unexplained"]

_ROWS = 8  # that stand whole behind the cells that answer


def led_by(reading: Reading, evidence: Evidence, question: str, readings: Sequence[Reading] = ()) -> Evidence:
    """The same evidence with a reading that leads it; passages of less certain readings are dropped.

    Tables and texts that say the same are cited with it; what they say otherwise stands behind it.

    Parameters
    ----------
    reading : Reading
    evidence : Evidence
    question : str
    readings : sequence of Reading
        Of other tables; those that ask them the same count.
    """
    lead = passage_of(reading)
    statement = statement_of(reading, lead)
    texts = () if evidence.possible else evidence.passages
    claim = Claim(statement, reading.outcome.texts, lead.source)
    rivals = _rivals(reading, readings)
    others, same = _of_tables(reading, rivals)
    agreeing = also(claim, question, texts)
    if evidence.choice is not None and texts:
        others += otherwise(claim, question, evidence.choice.asked, texts, agreeing)
    against = tuple(other.passage for other in others)
    rest = (*same, *(text for text in texts if text not in against))
    return replace(
        evidence,
        passages=(lead, *against, *rest, *_whole_rows(reading)),
        reading=reading,
        possible=(),
        statements=(statement, *(other.statement for other in others)),
        notes=(*evidence.notes, *_left_out(reading), *_differing(lead.source, others)),
        agreeing=(*same, *agreeing),
        others=others,
        rivals=rivals,
        unmet=unexplained(question, [reading]),
    )


def unexplained(question: str, readings: Sequence[Reading]) -> tuple[str, ...]:
    """The words of a question that say something and that none of some readings explains."""
    explained = 0
    for reading in readings:
        explained |= reading.candidate.mask
    return as_asked(Question.of(question).unexplained(explained), question) if readings else ()


def _rivals(reading: Reading, readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The best reading of each other table that is asked the same."""
    found: dict[str, Reading] = {}
    for other in readings:
        if reading.meant_as(other):
            found.setdefault(other.source.name, other)
    return tuple(found.values())


def _of_tables(reading: Reading, rivals: Sequence[Reading]) -> tuple[tuple[Other, ...], tuple[Passage, ...]]:
    """What other tables say that are asked the same: something else, or the same."""
    others: list[Other] = []
    same: list[Passage] = []
    for rival in rivals:
        passage = passage_of(rival)
        if same_values(reading.outcome.texts, rival.outcome.texts):
            same.append(passage)
        else:
            others.append(Other(passage, statement_of(rival, passage), rival.outcome.texts))
    return tuple(others), tuple(same)


def _differing(source: str, others: Sequence[Other]) -> tuple[Note, ...]:
    said = (f"{other.passage.source} gives another value than {source}: both are told" for other in others)
    return tuple(Note("differing", text) for text in said)


def _whole_rows(reading: Reading) -> tuple[Passage, ...]:
    """The rows themselves, where cells of a few of them answer."""
    few = reading.candidate.operation.function == "get" and 1 < reading.outcome.n <= _ROWS
    return (reading.source.block(reading.outcome.rows),) if few else ()


def _left_out(reading: Reading) -> tuple[Note, ...]:
    """Rows of totals that a computation did not count."""
    import numpy as np

    table = reading.source.table
    if reading.candidate.operation.function == "get" or not table.totals.any():
        return ()
    rows = [f"{row + 1} ({table.row_label(int(row))})" for row in np.flatnonzero(table.totals)]
    return (Note("totals", f"{reading.source.name}: rows of totals were not counted: {', '.join(rows[:5])}"),)
