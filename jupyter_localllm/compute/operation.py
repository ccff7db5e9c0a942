"""A computation over a table as a value: what it is called, what it reads, and what comes out.

The functions are few, and each has one meaning. Everything is run by the table's own library through narwhals; no code
that a model wrote is ever run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from jupyter_localllm.sources.table import Column, Table

__all__ = ["Comparison", "Condition", "Function", "Operation"]

Comparison = Literal["==", "has", ">", ">=", "<", "<=", "in"]

Function = Literal[
    "get",
    "count",
    "distinct",
    "sum",
    "mean",
    "median",
    "min",
    "max",
    "with min",
    "with max",
    "most",
    "least",
    "after",
    "before",
    "difference",
    "range",
    "by",
]

_AGGREGATES = ("count", "distinct", "sum", "mean", "median", "min", "max")
_WORDS = {"==": "is", "has": "contains", ">": ">", ">=": ">=", "<": "<", "<=": "<=", "in": "is in"}


@dataclass(frozen=True)
class Condition:
    """Which rows count.

    Parameters
    ----------
    column : int
        Position of the column.
    comparison : {"==", "has", ">", ">=", "<", "<=", "in"}
        ``"has"``: the cell holds the words of `value`; ``"in"``: the cell is a moment within `value`, as a day of a
        year.
    value : str
        What is compared with, as the question or the table has it.
    row : Condition or None
        Compare with the cell of the row that this condition finds, and not with `value`: "more than Berlin has".
    """

    column: int
    comparison: Comparison
    value: str
    row: Condition | None = None

    def code(self, table: Table) -> str:
        """As in ``"region == 'EU'"``."""
        name = table.columns[self.column].label
        if self.row is not None:
            return f"{name} {self.comparison} {name} where {self.row.code(table)}"
        value = self.value if self.comparison in (">", ">=", "<", "<=") else repr(self.value)
        return f"{name} {self.comparison} {value}"

    def words(self, table: Table) -> str:
        """As in ``"region is EU"``."""
        name = table.columns[self.column].label
        if self.row is not None:
            return f"{name} {self.comparison} that of {self.row.value}"
        return f"{name} {_WORDS[self.comparison]} {self.value}"


@dataclass(frozen=True)
class Operation:
    """What is computed.

    Parameters
    ----------
    function : str
        ``"get"``: the target's cells. ``"count"``, ``"distinct"``, ``"sum"``, ``"mean"``, ``"median"``, ``"min"``,
        ``"max"`` of the column. ``"with min"``, ``"with max"``: the target's cell in the rows where the column is least
        or most; without a column the first or last row. ``"most"``, ``"least"``: the target's most or least frequent
        value, or with a column the one whose `of` of the column is most or least. ``"after"``, ``"before"``: the
        target's cell in the next or previous row. ``"difference"``: between the column's values of two rows.
        ``"range"``: most minus least. ``"by"``: `of` the column for each value of the target.
    column, target : int or None
        Positions of columns.
    conditions : tuple of Condition
        All must hold; of ``"difference"`` and comparisons between rows, each finds one row (see `either`).
    of : str
        For ``"by"``, ``"most"`` and ``"least"``: what is computed of each group.
    either : bool
        Whether a row counts if one of the conditions holds.
    """

    function: Function
    column: int | None = None
    target: int | None = None
    conditions: tuple[Condition, ...] = ()
    of: str = ""
    either: bool = False

    def code(self, table: Table) -> str:
        """The operation as people write it down, ``"mean(price) where region == 'EU'"``."""
        word = " or " if self.either else " and "
        where = word.join(condition.code(table) for condition in self.conditions)
        return f"{self._head(table)} where {where}" if where else self._head(table)

    def words(self, table: Table) -> str:
        """How the question was read, ``"mean of price where region is EU"``."""
        word = " or " if self.either else " and "
        where = word.join(condition.words(table) for condition in self.conditions)
        return f"{self._said(table)} where {where}" if where else self._said(table)

    def moved(self, places: Mapping[int, int]) -> Operation:
        """The same operation where the columns have other positions.

        Parameters
        ----------
        places : Mapping of int to int
            From the old position of each column that takes part to the new one.
        """

        def condition(old: Condition) -> Condition:
            row = condition(old.row) if old.row is not None else None
            return replace(old, column=places[old.column], row=row)

        return replace(
            self,
            column=None if self.column is None else places[self.column],
            target=None if self.target is None else places[self.target],
            conditions=tuple(map(condition, self.conditions)),
        )

    def columns(self) -> tuple[int, ...]:
        """Positions of all columns that take part, each once."""
        used = [self.target, self.column, *(condition.column for condition in self.conditions)]
        used += [condition.row.column for condition in self.conditions if condition.row is not None]
        return tuple(dict.fromkeys(place for place in used if place is not None))

    def _names(self, table: Table) -> tuple[str, str]:
        def name(place: int | None) -> str:
            return "" if place is None else _column(table, place).label

        return name(self.column), name(self.target)

    def _head(self, table: Table) -> str:
        column, target = self._names(table)
        if self.function == "get":
            return target
        if self.function in _AGGREGATES:
            return f"{self.function}({column or 'rows'})"
        if self.function in ("with min", "with max"):
            return f"{target} {self.function}({column or 'row'})"
        if self.function in ("most", "least"):
            return (
                f"{target} with {'max' if self.function == 'most' else 'min'}({self.of or 'count'}({column or 'rows'}))"
            )
        if self.function == "by":
            return f"{self.of}({column or 'rows'}) by {target}"
        return f"{self.function}({target or column})"

    def _said(self, table: Table) -> str:
        column, target = self._names(table)
        function = self.function
        said = {
            "get": target,
            "count": "number of rows",
            "distinct": f"number of different {column}",
            "with min": f"{target} with the lowest {column}" if column else f"{target} in the first row",
            "with max": f"{target} with the highest {column}" if column else f"{target} in the last row",
            "most": f"{target} with the highest {self.of} of {column}" if column else f"most frequent {target}",
            "least": f"{target} with the lowest {self.of} of {column}" if column else f"least frequent {target}",
            "by": f"{self.of} of {column or 'rows'} for each {target}",
            "after": f"{target} in the row after the one",
            "before": f"{target} in the row before the one",
        }
        return said.get(function, f"{function} of {column}")


def _column(table: Table, place: int) -> Column:
    return table.columns[place]


def plain(value: Any) -> Any:
    """A value as plain Python has it, of numpy's and narwhals' scalars."""
    return value.item() if hasattr(value, "item") else value
