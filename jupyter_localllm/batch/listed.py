"""Lists and iterators, of records or of plain values."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from jupyter_localllm.batch.data import ROW, VALUE, Data, Row, known_column
from jupyter_localllm.errors import UsageError

__all__ = ["Listed", "Streamed"]


class _Items(Data):
    """What lists and iterators share."""

    def __init__(self, column: str | None) -> None:
        self._column = column

    def title(self, name: str) -> str:
        """The column's name, if one was asked for."""
        return self._column or name if name == VALUE else name


class Listed(_Items):
    """A collection that can be gone through again.

    Parameters
    ----------
    items : collection
    column : str or None
        The key of its records that ``{{ value }}`` stands for.
    """

    def __init__(self, items: Collection[Any], column: str | None = None) -> None:
        super().__init__(column)
        self._items = items
        # Of all records, not of the first only: a key that this row lacks must not be found among other variables. But
        # a collection that makes its items when they are asked for (a dataset on a disk) is not read twice for it.
        known = list(items if isinstance(items, (list, tuple)) else itertools.islice(items, 1))
        keys = dict.fromkeys(key for item in known if isinstance(item, Mapping) for key in _keys(item))
        plain = any(not isinstance(item, Mapping) for item in known)
        if column is not None and len(items):
            _check_column(column, tuple(keys))
        self._names = (*keys, *((ROW,) if keys else ()), *((VALUE,) if plain or column is not None else ()))
        self.total = len(items)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all items together."""
        return self._names

    def rows(self, names: Collection[str] | None = None) -> Iterator[Row]:
        """Each item with all its names; they cost nothing."""
        return (Row(position, named(item, self._column)) for position, item in enumerate(self._items))


class Streamed(_Items):
    """Items that come one after the other, and are not kept.

    Parameters
    ----------
    items : iterable
    column : str or None
    """

    def __init__(self, items: Iterable[Any], column: str | None = None) -> None:
        super().__init__(column)
        self.single_use = isinstance(items, Iterator)
        self._items = iter(items)
        self._peeked: list[Any] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the first item, the only one that is known."""
        first = self.first()
        return tuple(first.values) if first is not None else ()

    def first(self) -> Row | None:
        """The first item, which `rows` will give again."""
        if not self._peeked:
            self._peeked = list(itertools.islice(self._items, 1))
            if self._peeked and self._column is not None:
                item = self._peeked[0]
                _check_column(self._column, _keys(item) if isinstance(item, Mapping) else ())
        return Row(0, named(self._peeked[0], self._column)) if self._peeked else None

    def rows(self, names: Collection[str] | None = None) -> Iterator[Row]:
        """Each item as it comes."""
        held, self._peeked = self._peeked, []
        for position, item in enumerate(itertools.chain(held, self._items)):
            yield Row(position, named(item, self._column))


def named(item: Any, column: str | None) -> dict[str, Any]:
    """Give an item's names.

    A record has its keys, and ``row`` for itself; anything else is ``value``. With a column, ``value`` is that one, if
    the record has it.

    Examples
    --------
    >>> named("Good.", None)
    {'value': 'Good.'}
    >>> named({"text": "Good."}, "text")
    {'row': {'text': 'Good.'}, 'text': 'Good.', 'value': 'Good.'}
    """
    if not isinstance(item, Mapping):
        # Under a column, a value that is no record is not quietly taken for that column.
        return {VALUE: item} if column is None else {}
    names = {ROW: item, **{key: item[key] for key in _keys(item)}}
    if column is not None:
        names.pop(VALUE, None)
        if column in item:
            names[VALUE] = item[column]
    return names


def _keys(record: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple(key for key in record if isinstance(key, str))


def _check_column(column: str, keys: tuple[str, ...]) -> None:
    if not keys:
        hint = "In the template, such a value is {{ value }}."
        raise UsageError(f"there is no column {column}: the rows are plain values", hint)
    known_column(column, keys)
