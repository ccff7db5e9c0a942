"""Figures of a whole column, one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_localllm.sources.table import Column

__all__ = ["figures", "number_text"]

_TOP = 5


def figures(column: Column, rows: int) -> Iterator[tuple[str, str, str]]:
    """What can be computed of a column.

    Parameters
    ----------
    column : Column
    rows : int
        Rows of the table.

    Returns
    -------
    iterator of (str, str, str)
        The operation, the figure in words, its value.
    """
    label = column.label
    filled = len(column.values) if column.kind == "number" and column.native else sum(1 for t in column.texts if t)
    yield f"count({label})", f"Number of values of {label}", f"{filled}"
    yield f"missing({label})", f"Number of missing values of {label}", f"{rows - filled}"
    if not filled:
        return
    yield f"distinct({label})", f"Number of different values of {label}", f"{column.distinct}"
    if column.kind in ("number", "moment"):
        ordered = column.ordered.drop_nulls()
        if len(ordered):
            yield f"min({label})", f"Lowest {label}", _cell(ordered.min())
            yield f"max({label})", f"Highest {label}", _cell(ordered.max())
    if column.kind == "number":
        numbers = column.numbers.drop_nulls()
        if len(numbers):
            yield f"mean({label})", f"Mean of {label}", _cell(numbers.mean())
            yield f"sum({label})", f"Sum of {label}", _cell(numbers.sum())
    elif column.distinct < rows:
        yield f"top({label})", f"Most frequent values of {label}", _top(column)


def number_text(value: Any) -> str:
    """Write a computed number in the fewest digits that are right, at most six decimals below a billion.

    Examples
    --------
    >>> number_text(12.0), number_text(2 / 3), number_text(1234567.891), number_text(7)
    ('12', '0.666667', '1234567.891', '7')
    """
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 2**53:
        return str(int(value))
    if 1e-4 <= abs(value) < 1e9:
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return repr(value)


def _cell(value: Any) -> str:
    return number_text(value.item() if hasattr(value, "item") else value)


def _top(column: Column) -> str:
    from collections import Counter

    counted = Counter(text for text in column.texts if text).most_common(_TOP)
    return ", ".join(f"{text} ({count})" for text, count in counted)
