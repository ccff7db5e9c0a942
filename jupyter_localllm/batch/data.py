"""What a map goes through: rows, each with names for the template, and answers given back in the shape of the data.

One file for each kind of data (`table`, `listed`), one line for each in `open_data`.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from jupyter_localllm.batch.shape import TEXT, Shape
from jupyter_localllm.errors import UsageError, close_match
from jupyter_localllm.sources.frame import FrameKind

__all__ = ["ROW", "VALUE", "Data", "Row", "known_column", "open_data", "unused_name"]

VALUE = "value"
"""Name of a row's one value: of a series, of a list of plain values, or of the column that was asked for."""

ROW = "row"
"""Name of a whole record, for names that a template cannot spell: ``{{ row["unit price"] }}``."""


@dataclass(frozen=True)
class Row:
    """One row, as a template sees it.

    Parameters
    ----------
    position : int
        0-based.
    values : Mapping
        Names and what they stand for.
    """

    position: int
    values: Mapping[str, Any]


class Data(ABC):
    """Rows in order, and the way back from answers to something like them.

    Attributes
    ----------
    total : int or None
        Number of rows; None if it is not known before they have all come.
    single_use : bool
        Whether going through the rows uses them up.
    """

    total: int | None = None
    single_use: bool = False

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names that rows bring."""

    @abstractmethod
    def rows(self, names: Collection[str] | None = None) -> Iterator[Row]:
        """All rows, with at least these of their names, or with all."""

    def first(self) -> Row | None:
        """The first row with all its names, without using it up; None if there is no row."""
        return next(self.rows(), None)

    def label(self, position: int) -> Any:
        """What a person calls this row, beside its position; None if nothing."""
        return None

    @abstractmethod
    def title(self, name: str) -> str:
        """Heading for the values of a name."""

    def like(self, answers: list[Any], shape: Shape = TEXT) -> Any:
        """The answers as data of the same kind, with the same index; None where there is no answer."""
        return answers

    def beside(self, answers: list[Any], shape: Shape = TEXT) -> tuple[Any, tuple[str, ...]]:
        """The data with the answers beside them, and the names of the new columns (none if there are no columns)."""
        return answers, ()


def open_data(data: Any, column: str | None = None) -> Data:
    """See a variable as rows.

    Parameters
    ----------
    data : object
        A frame or series of pandas, polars or pyarrow (or of what behaves like pandas), a list, a tuple or another
        ordered collection, or an iterator, of records (mappings) or of plain values.
    column : str, optional
        Of a table or of records: the column that ``{{ value }}`` stands for.

    Raises
    ------
    UsageError
        It is no such thing, or has no such column.

    Examples
    --------
    >>> [row.values["text"] for row in open_data([{"text": "Good."}, {"text": "Bad."}]).rows()]
    ['Good.', 'Bad.']
    """
    from jupyter_localllm.batch.listed import Listed, Streamed
    from jupyter_localllm.batch.table import open_table

    if isinstance(data, Data):
        return data
    if FrameKind().matches(data):
        return open_table(data, column)
    _refuse(data)
    if hasattr(type(data), "__len__") and not isinstance(data, Iterator):
        return Listed(data, column)
    return Streamed(data, column)


def known_column(column: str, names: Iterable[str]) -> None:
    """Check the name of a column.

    Raises
    ------
    UsageError
        It is not one of `names`.
    """
    names = list(names)
    if column not in names:
        shown = ", ".join(names[:12]) + (f" and {len(names) - 12:,} more" if len(names) > 12 else "")
        hint = f"{close_match(column, names)} The columns are: {shown or 'none'}.".strip()
        raise UsageError(f"there is no column {column}", hint)


def unused_name(name: str, taken: Collection[str]) -> str:
    """Give the name itself, or the first of ``name_2``, ``name_3`` … that is free."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _refuse(data: Any) -> None:
    """Refuse what has no rows, or none in a certain order."""
    what = type(data).__name__
    if isinstance(data, (str, bytes, bytearray, memoryview)):
        raise UsageError(f"a {what} is one value, not rows", "Give a list of them; of a text, text.splitlines().")
    if isinstance(data, Mapping):
        raise UsageError(
            f"a {what} is not rows: it may hold columns, or values by a key",
            "Make a frame of columns (pandas.DataFrame(d)), or take list(d.values()) or list(d.items()).",
        )
    if isinstance(data, Set) and not hasattr(data, "__reversed__"):  # a dict's views keep an order
        raise UsageError(f"a {what} has no order, so answers could not be told apart", "Take sorted(…) of it.")
    if inspect.isawaitable(data) or isinstance(data, AsyncIterable):
        raise UsageError(f"a {what} must be awaited first", "Collect its values in a list, and give that.")
    if isinstance(data, type) or not isinstance(data, Iterable) or getattr(data, "ndim", 1) == 0:
        raise UsageError(
            f"there are no rows in a value of type {what}",
            "Rows come from a frame or series of pandas, polars or pyarrow, a list, or an iterator.",
        )
