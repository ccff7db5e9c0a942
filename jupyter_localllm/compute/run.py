"""Running an operation on a table."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_localllm.compute.operation import Condition, Operation, plain
from jupyter_localllm.sources.statistics import by_group, figure, number_text
from jupyter_localllm.sources.tokens import stem, tokens
from jupyter_localllm.sources.typed import exact

if TYPE_CHECKING:
    import narwhals as nw
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.sources.table import Column, Table
    from jupyter_localllm.sources.values import Values

    Rows = NDArray[np.bool_]

__all__ = ["Outcome", "mask_of", "rows_of", "run"]

_SAME = 1e-12
_MOST_ROWS = 1_000  # rows that an outcome names; of more, only how many they are


@dataclass(frozen=True)
class Outcome:
    """What came out.

    Parameters
    ----------
    texts : tuple of str
        The result as people read it; several where several cells answer.
    value : object
        The result as Python has it: a number, a text, a list of texts, or a dict for ``"by"``.
    rows : tuple of int
        Positions of the rows that it rests on, at most 1,000 of them.
    n : int
        How many rows they are.
    more : int
        How many different texts there are besides `texts`, where the rows are too many to read them all.
    empty : int
        Of rows that share the most or the least, those whose own cell is missing, and so is not among `texts`.
    """

    texts: tuple[str, ...]
    value: Any
    rows: tuple[int, ...]
    n: int
    more: int = 0
    empty: int = 0

    @property
    def single(self) -> bool:
        """Whether one text is all that came out."""
        return len(self.texts) == 1 and not self.more and not self.empty


def run(operation: Operation, table: Table, values: Values) -> Outcome | None:
    """Compute.

    Parameters
    ----------
    operation : Operation
    table : Table
    values : Values
        Of the same table.

    Returns
    -------
    Outcome or None
        None if nothing comes out: no row, or no number in the rows.
    """
    import numpy as np

    if operation.function == "difference":
        return _difference(operation, table, values)
    found = np.flatnonzero(rows_of(operation, table, values))
    if not len(found) and operation.function != "count":
        return None
    how = _HOW.get(operation.function, _aggregate)
    return how(operation, table, found)


def rows_of(operation: Operation, table: Table, values: Values) -> Rows:
    """Which rows an operation reads, rows of totals left out unless a condition names one; shape (rows,)."""
    import numpy as np

    masks = [mask_of(condition, table, values) for condition in operation.conditions]
    if not masks:
        rows = np.ones(table.rows, dtype=bool)
    else:
        rows = functools.reduce(np.logical_or if operation.either else np.logical_and, masks)
    without = rows & ~table.totals
    return without if without.any() or not rows.any() else rows


def mask_of(condition: Condition, table: Table, values: Values) -> Rows:
    """Which rows a condition lets through; shape (rows,)."""
    import numpy as np

    column = table.columns[condition.column]
    if condition.row is not None:
        other = np.flatnonzero(mask_of(condition.row, table, values))
        wanted = plain(column.ordered[int(other[0])]) if len(other) else None
        return _bools(_compare(column.ordered, condition.comparison, wanted), table.rows)
    if condition.comparison in ("==", "has"):
        return _equal(condition, column, values)
    if condition.comparison == "in":
        return _bools(column.moments.str.starts_with(condition.value), table.rows)
    if column.kind == "moment":
        # "after 2005" begins when 2005 is over: compared to the precision of what is given
        moments = column.moments.str.slice(0, len(condition.value))
        return _bools(_compare(moments, condition.comparison, condition.value), table.rows)
    return _bools(_compare(column.numbers, condition.comparison, exact(condition.value)), table.rows)


def _equal(condition: Condition, column: Column, values: Values) -> Rows:
    if column.native:
        if column.series.dtype.is_numeric():
            return _bools(column.equal_to(exact(condition.value)), len(column.series))
        return _bools(column.moments == condition.value, len(column.series))
    if condition.comparison == "==" or column in values.large:
        return values.rows(column, [condition.value])
    words = tuple(stem(token) for token in tokens(condition.value))
    return values.rows(column, next((found for at, found in values.with_words(words) if at is column), []))


def _compare(series: nw.Series[Any], comparison: str, wanted: Any) -> nw.Series[Any]:
    if wanted is None:
        return series.is_null() & ~series.is_null()
    found: nw.Series[Any] = _COMPARED[comparison](series, wanted)
    return found


def _bools(found: nw.Series[Any], rows: int) -> Rows:
    import numpy as np

    return np.asarray(found.fill_null(False).to_numpy(), dtype=bool)[:rows]


def _listed(found: NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(int(row) for row in found[:_MOST_ROWS])


def _counted(operation: Operation, table: Table, found: NDArray[np.intp]) -> Outcome | None:
    return Outcome((f"{len(found)}",), len(found), _listed(found), len(found))


def _got(operation: Operation, table: Table, found: NDArray[np.intp]) -> Outcome | None:
    return _cells(table, operation.target, found)


def _beside(operation: Operation, table: Table, found: NDArray[np.intp]) -> Outcome | None:
    place = found[-1] + 1 if operation.function == "after" else found[0] - 1
    return _cells(table, operation.target, _one(int(place), table.rows))


def _one(place: int, rows: int) -> NDArray[np.intp]:
    import numpy as np

    return np.array([place] if 0 <= place < rows else [], dtype=np.intp)


def _cells(table: Table, target: int | None, found: NDArray[np.intp]) -> Outcome | None:
    if target is None or not len(found):
        return None
    column = table.columns[target]
    some = _listed(found)
    first: dict[str, int] = {}
    for row, text in zip(some, column.read_rows(some), strict=True):
        first.setdefault(text, row)
    first.pop("", None)
    if not first:
        return None
    more = 0
    if len(found) > len(some):
        more = int(_taken(column.grouping, found).drop_nulls().n_unique()) - len(first)
    texts = tuple(first)
    value = plain(column.series[first[texts[0]]]) if len(texts) == 1 and not more else list(texts)
    return Outcome(texts, value, some, len(found), max(0, more))


def _taken(series: nw.Series[Any], found: NDArray[np.intp]) -> nw.Series[Any]:
    return series if len(found) == len(series) else series[found]


def _aggregate(operation: Operation, table: Table, found: NDArray[np.intp]) -> Outcome | None:
    assert operation.column is not None
    column = table.columns[operation.column]
    if operation.function == "distinct":
        count = int(_taken(column.grouping, found).drop_nulls().n_unique())
        return Outcome((f"{count}",), count, _listed(found), len(found))
    series = _taken(column.ordered if operation.function in ("min", "max") else column.numbers, found).drop_nulls()
    if not len(series):
        return None
    if operation.function == "range":
        value = figure(series, "max") - figure(series, "min")
        return Outcome((number_text(value),), value, _listed(found), len(series))
    value = figure(series, operation.function)
    if operation.function in ("min", "max"):
        best = _where(column, found, value)
        first = int(best[0])
        return Outcome((column.text(first),), plain(column.series[first]), _listed(best), len(series))
    return Outcome((number_text(value),), value, _listed(found), len(series))


def _where(column: Column, found: NDArray[np.intp], value: Any) -> NDArray[np.intp]:
    """The rows among `found` whose value is this, all of them."""
    return found[_flags(_taken(column.ordered, found) == value)]


def _extreme(operation: Operation, table: Table, found: NDArray[np.intp]) -> Outcome | None:
    if operation.column is None:
        return _cells(table, operation.target, found[:1] if operation.function == "with min" else found[-1:])
    column = table.columns[operation.column]
    series = _taken(column.ordered, found).drop_nulls()
    if not len(series) or operation.target is None:
        return None
    rows = _where(column, found, figure(series, "min" if operation.function == "with min" else "max"))
    outcome = _cells(table, operation.target, rows)
    empty = int(_taken(table.columns[operation.target].grouping, rows).is_null().sum())
    if outcome is None or not empty:
        return outcome
    return replace(outcome, value=list(outcome.texts), empty=empty)  # none of several is the only one


def _groups(operation: Operation, table: Table, found: NDArray[np.intp]) -> Outcome | None:
    import narwhals as nw

    assert operation.target is not None
    target = table.columns[operation.target]
    keys = _taken(target.grouping, found)
    numbers = _taken(table.columns[operation.column].numbers, found) if operation.column is not None else None
    values = by_group(keys, numbers, operation.of or "count")
    order = [key for key in keys.unique(maintain_order=True).to_list() if key in values]
    if not order:
        return None
    texts = target.read(nw.new_series("key", order, keys.dtype, backend=keys.implementation))
    results = {text: values[key] for text, key in zip(texts, order, strict=True)}
    if operation.function == "by":
        told = tuple(f"{text}: {number_text(value)}" for text, value in results.items())
        return Outcome(told, results, _listed(found), len(found))
    best = (max if operation.function == "most" else min)(results.values())
    tied = [key for key in order if math.isclose(values[key], best, rel_tol=_SAME)]  # sums differ in their last digits
    rows = found[_flags(keys.is_in(tied))]
    named = tuple(text for text, value in results.items() if math.isclose(value, best, rel_tol=_SAME))
    return Outcome(named, named[0] if len(named) == 1 else list(named), _listed(rows), len(rows))


def _flags(found: nw.Series[Any]) -> Rows:
    import numpy as np

    return np.asarray(found.fill_null(False).to_numpy(), dtype=bool)


def _difference(operation: Operation, table: Table, values: Values) -> Outcome | None:
    """Between two rows, or between the most and the least of all rows."""
    import numpy as np

    assert operation.column is not None
    column = table.columns[operation.column]
    ends, rows = [], []
    for condition in operation.conditions:
        found = np.flatnonzero(mask_of(condition, table, values))
        series = _taken(column.numbers, found).drop_nulls()
        if not len(series):
            return None
        ends.append(figure(series, "sum"))
        rows += [int(row) for row in found]
    if len(ends) != 2:
        return None
    value = abs(ends[0] - ends[1])
    return Outcome((number_text(value),), value, tuple(rows[:_MOST_ROWS]), len(rows))


_COMPARED = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_HOW: dict[str, Callable[[Operation, Table, NDArray[np.intp]], Outcome | None]] = {
    "get": _got,
    "count": _counted,
    "after": _beside,
    "before": _beside,
    "most": _groups,
    "least": _groups,
    "by": _groups,
    "with min": _extreme,
    "with max": _extreme,
}
