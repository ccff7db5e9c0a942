"""Figures of a whole column, one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import narwhals as nw

    from jupyter_localllm.sources.table import Column

__all__ = ["by_group", "figure", "figures", "number_text"]

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
    filled = len(column.values)
    yield f"count({label})", f"Number of values of {label}", f"{filled}"
    yield f"missing({label})", f"Number of missing values of {label}", f"{rows - filled}"
    if not filled:
        return
    yield f"distinct({label})", f"Number of different values of {label}", f"{column.distinct}"
    if column.kind in ("number", "moment"):
        ordered = column.ordered.drop_nulls()
        if len(ordered):
            yield f"min({label})", f"Lowest {label}", _end(column, ordered.min())
            yield f"max({label})", f"Highest {label}", _end(column, ordered.max())
    if column.kind == "number":
        numbers = column.numbers.drop_nulls()
        if len(numbers):
            yield f"mean({label})", f"Mean of {label}", number_text(figure(numbers, "mean"))
            yield f"sum({label})", f"Sum of {label}", number_text(figure(numbers, "sum"))
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


def figure(numbers: nw.Series[Any], function: str) -> Any:
    """A sum, mean, median, least or most of numbers, as Python has it.

    Parameters
    ----------
    numbers : narwhals.Series
        At least one, none missing.
    function : {"sum", "mean", "median", "min", "max"}

    Returns
    -------
    int or float
        The sum of whole numbers is exact, however large.
    """
    if function == "sum" and numbers.dtype.is_integer() and _may_run_over(numbers):
        return sum(numbers.to_list())
    value = getattr(numbers, function)()
    return value.item() if hasattr(value, "item") else value


def _may_run_over(numbers: nw.Series[Any]) -> bool:
    """Whether the sum of whole numbers may be larger than libraries compute with."""
    return max(abs(int(numbers.min())), abs(int(numbers.max()))) * len(numbers) >= 2**63


def by_group(keys: nw.Series[Any], numbers: nw.Series[Any] | None, of: str) -> dict[Any, Any]:
    """A figure for each key; rows without a key or a number are left out.

    Parameters
    ----------
    keys : narwhals.Series
    numbers : narwhals.Series or None
        As long as `keys`; None to count rows.
    of : {"count", "sum", "mean", "median", "min", "max"}

    Returns
    -------
    dict
        In no certain order.
    """
    import narwhals as nw

    value = nw.lit(1).alias("value") if numbers is None else numbers.alias("value")
    frame = keys.alias("key").to_frame().with_columns(value).drop_nulls()
    if not len(frame):
        return {}
    column = frame["value"]
    if of == "sum" and column.dtype.is_integer() and _may_run_over(column):
        sums: dict[Any, int] = {}
        for key, number in zip(frame["key"].to_list(), column.to_list(), strict=True):
            sums[key] = sums.get(key, 0) + number
        return sums
    if of == "median" and frame.implementation.is_pyarrow():
        return _medians(frame)
    grouped = frame.group_by("key").agg(getattr(nw.col("value"), of)().alias("value"))
    found = zip(grouped["key"].to_list(), grouped["value"].to_list(), strict=True)
    return {key: value.item() if hasattr(value, "item") else value for key, value in found}


def _medians(frame: nw.DataFrame[Any]) -> dict[Any, Any]:
    """Exact medians, which pyarrow only estimates: the middle of each group of sorted values."""
    import narwhals as nw

    frame = frame.sort("key", "value")
    counted = frame.group_by("key").agg(nw.len().alias("n"))
    counts = dict(zip(counted["key"].to_list(), counted["n"].to_list(), strict=True))
    values = frame["value"].to_numpy()
    found, start = {}, 0
    for key in frame["key"].unique(maintain_order=True).to_list():
        low, high = start + (counts[key] - 1) // 2, start + counts[key] // 2
        found[key] = (float(values[low]) + float(values[high])) / 2
        start += counts[key]
    return found


def _end(column: Column, value: Any) -> str:
    """The least or the most: a number by itself, else the cell as people read it."""
    if column.native and column.kind == "number":
        return number_text(value.item() if hasattr(value, "item") else value)
    import numpy as np

    same = np.asarray((column.ordered == value).fill_null(False).to_numpy(), dtype=bool)
    return column.text(int(same.argmax()))


def _top(column: Column) -> str:
    """The values that come most often with their counts, equal ones in the order in which they come."""
    import narwhals as nw

    counted = column.values.alias("key").to_frame().group_by("key").agg(nw.len().alias("n"))
    counts = dict(zip(counted["key"].to_list(), counted["n"].to_list(), strict=True))
    different = column.values.unique(maintain_order=True)
    keys = different.to_list()
    places = sorted(range(len(keys)), key=lambda place: -counts[keys[place]])[:_TOP]
    texts = column.read(different[places])
    return ", ".join(f"{text} ({counts[keys[place]]})" for text, place in zip(texts, places, strict=True))
