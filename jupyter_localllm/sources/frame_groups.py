"""Figures of the groups of a table: how many rows, the mean and the sum of numbers, for each of a few values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_localllm.sources.statistics import by_group, number_text

if TYPE_CHECKING:
    from jupyter_localllm.sources.table import Column, Table

__all__ = ["GroupFigure", "group_figures"]

_GROUPS = 12  # different values of a column that makes groups
_KEYS = 3
_NUMBERS = 4
_SAID = {"count": "Number of rows", "mean": "Mean of", "sum": "Sum of"}


@dataclass(frozen=True)
class GroupFigure:
    """One figure for each group; nothing is computed before it is asked for.

    Parameters
    ----------
    key : Column
        Its values are the groups.
    number : Column or None
        None to count rows.
    of : {"count", "mean", "sum"}
    """

    key: Column
    number: Column | None
    of: str

    @property
    def operation(self) -> str:
        """As in ``"mean(price) by region"``."""
        return f"{self.of}({self.number.label if self.number is not None else 'rows'}) by {self.key.label}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that take part."""
        return (*((self.number.label,) if self.number is not None else ()), self.key.label)

    @property
    def said(self) -> str:
        """As in ``"Mean of price by region"``."""
        return f"{_SAID[self.of]}{f' {self.number.label}' if self.number is not None else ''} by {self.key.label}"

    def results(self, table: Table) -> tuple[tuple[str, str], ...]:
        """Each group and its figure, in the order in which the groups come first; rows of totals are left out."""
        number = self.number.content if self.number is not None else ""
        return self.key.kept(f"{self.of} {number} {_totals(table)}", lambda: self._results(table))

    def told(self, table: Table, results: Sequence[tuple[str, str]]) -> str:
        """Its `results` in words, as in ``"EU: 12.4; US: 11 (3 rows have no region)"``."""
        text = "; ".join(f"{_quoted(group)}: {value}" for group, value in results)
        count = self.key.kept(f"keyless {_totals(table)}", lambda: self._keyless(table))
        return text + (f" ({count:,} row{' has' if count == 1 else 's have'} no {self.key.label})" if count else "")

    def _keyless(self, table: Table) -> int:
        import numpy as np

        missing = np.asarray(self.key.grouping.is_null().to_numpy(), dtype=bool)
        return int((missing & ~table.totals).sum())

    def _results(self, table: Table) -> tuple[tuple[str, str], ...]:
        import narwhals as nw
        import numpy as np

        keys, numbers = self.key.grouping, self.number.numbers if self.number is not None else None
        if table.totals.any():
            rows = np.flatnonzero(~table.totals)
            keys, numbers = keys[rows], numbers[rows] if numbers is not None else None
        found = by_group(keys, numbers, self.of)
        order = [key for key in keys.unique(maintain_order=True).to_list() if key in found]
        texts = self.key.read(nw.new_series("key", order, keys.dtype, backend=keys.implementation))
        return tuple((text, number_text(found[key])) for text, key in zip(texts, order, strict=True))


def _totals(table: Table) -> tuple[int, ...]:
    return tuple(int(row) for row in table.totals.nonzero()[0])


def _quoted(group: str) -> str:
    """In quotes where it could read as several groups."""
    return json.dumps(group, ensure_ascii=False) if ";" in group or ":" in group or '"' in group else group


def group_figures(table: Table) -> Iterator[GroupFigure]:
    """The figures of a table's groups: of the first columns with few values, over the first columns of numbers.

    Numbers of the rows, as 1, 2, 3 in any order, and years are not added up.
    """
    keys = [column for column in table.columns if _makes_groups(column, table.rows)][:_KEYS]
    numbers = [column for column in table.columns if _adds_up(column, table.rows)][:_NUMBERS] if keys else []
    for key in keys:
        yield GroupFigure(key, None, "count")
    for of in ("mean", "sum"):
        for key in keys:
            yield from (GroupFigure(key, number, of) for number in numbers if number is not key)


def _makes_groups(column: Column, rows: int) -> bool:
    return not column.native and column.kind in ("text", "truth") and 2 <= column.distinct <= min(_GROUPS, rows // 2)


def _adds_up(column: Column, rows: int) -> bool:
    if column.kind != "number" or column.clock or column.years or not rows:
        return False
    if not column.series.dtype.is_integer():
        return True
    low, high = column.series.min(), column.series.max()
    if low is None or high is None:
        return False
    return int(high) - int(low) + 1 != rows or column.distinct < rows  # else they are numbers of the rows
