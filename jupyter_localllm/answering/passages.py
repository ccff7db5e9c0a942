"""A reading of a question as a passage: what was computed, and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_localllm.sources.frame_snapshot import hash_of
from jupyter_localllm.types import Locator, Passage

if TYPE_CHECKING:
    from jupyter_localllm.compute.reading import Reading
    from jupyter_localllm.sources.table import Column

__all__ = ["passage_of", "statement_of"]

_LISTED = 12  # results that are written out


def passage_of(reading: Reading) -> Passage:
    """The passage that a reading gives: a cell worded with its key, or a computed result.

    Examples
    --------
    >>> passage_of(reading).text                                            # doctest: +SKIP
    "mean(price) where region == 'EU' = 12.4 (n = 980)"
    """
    operation, outcome, source = reading.candidate.operation, reading.outcome, reading.source
    table = source.table
    if operation.function == "get" and outcome.n == 1 and operation.target is not None:
        return source.cell(outcome.rows[0], table.columns[operation.target], _key(reading))
    said = _listed(reading)
    count = f" (n = {outcome.n:,})" if operation.function in _COUNTED else ""
    columns = [table.columns[place] for place in operation.columns()]
    return Passage(
        source.name,
        "computed",
        f"{reading.code} = {said}{count}",
        Locator(
            rows=outcome.rows or None,
            columns=tuple(column.label for column in columns),
            operation=reading.code,
            label=reading.code,
        ),
        hash_of(reading.code, *outcome.texts, *([f"{outcome.more} {outcome.empty}"] if _besides(reading) else [])),
        outcome.texts[0] if outcome.single else "",
        source.shown(outcome.rows, columns) if outcome.n <= table.rows // 2 or table.rows <= 8 else (),
    )


_COUNTED = ("sum", "mean", "median", "distinct", "min", "max", "range")


def statement_of(reading: Reading, passage: Passage) -> str:
    """The passage as a plain sentence, for an answer without the model's words."""
    if passage.kind == "cell":
        return f"{passage.text}."
    return f"{_capital(reading.words)}: {_listed(reading)}."


def _key(reading: Reading) -> Column | None:
    """The column by which the row was found, if the question named a whole value of it."""
    conditions = reading.candidate.operation.conditions
    equal = [condition for condition in conditions if condition.comparison == "==" and condition.row is None]
    return reading.source.table.columns[equal[0].column] if len(equal) == 1 else None


def _besides(reading: Reading) -> bool:
    return bool(reading.outcome.more or reading.outcome.empty)


def _listed(reading: Reading) -> str:
    outcome = reading.outcome
    more = len(outcome.texts) + outcome.more - _LISTED
    listed = ", ".join(outcome.texts[:_LISTED]) + (f" and {more:,} more" if more > 0 else "")
    if not outcome.empty or reading.candidate.operation.target is None:
        return listed
    target = reading.source.table.columns[reading.candidate.operation.target].label
    return f"{listed}, and {outcome.empty:,} without {target}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
