"""Tables as SQL sees them: which names and types their columns have, and the cells."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import narwhals as nw

    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
    from jupyter_localllm.sources.table import Column

__all__ = ["SqlColumn", "SqlKind", "SqlTable", "quoted_name", "quoted_text", "sql_tables"]

SqlKind = Literal["number", "date", "moment", "truth", "text"]

_NUMBERS = frozenset({"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"})


@dataclass(frozen=True)
class SqlColumn:
    """A column under the name that it has in SQL.

    Parameters
    ----------
    name : str
        On one line; names of a table differ in more than upper and lower case.
    column : Column
    """

    name: str
    column: Column

    @functools.cached_property
    def kind(self) -> SqlKind:
        """What its cells are to SQL."""
        dtype = self.column.series.dtype
        if dtype.is_numeric() or self.column.kind == "number":
            return "number"
        name = str(dtype).partition("(")[0]
        named: dict[str, SqlKind] = {"Date": "date", "Datetime": "moment", "Boolean": "truth"}
        return named.get(name, "text")

    @functools.cached_property
    def cells(self) -> nw.Series[Any]:
        """The cells: numbers read out of texts, moments by the clock of their zone, the rest as people read it."""
        import narwhals as nw

        series = self.column.series
        if self.kind == "number":
            numbers = self.column.numbers
            plain = str(numbers.dtype) in _NUMBERS or str(numbers.dtype).startswith("Decimal")
            return numbers if plain else numbers.cast(nw.Float64())
        if self.kind == "moment":
            zone = getattr(series.dtype, "time_zone", None)
            return series.dt.replace_time_zone(None) if zone is not None else series
        if self.kind in ("date", "truth"):
            return series
        if self.column.kind == "moment":
            return self.column.moments
        texts = [text or None for text in self.column.texts]
        return nw.new_series(self.name, texts, nw.String(), backend=series.implementation)


@dataclass(frozen=True)
class SqlTable:
    """A table under the name that it has in SQL.

    Parameters
    ----------
    name : str
    source : FrameSnapshot
    columns : tuple of SqlColumn
    """

    name: str
    source: FrameSnapshot
    columns: tuple[SqlColumn, ...]

    @functools.cached_property
    def totals(self) -> tuple[int, ...]:
        """Positions of rows of totals, which would count twice; they are no part of what SQL sees."""
        import numpy as np

        if not self.source.table.rows:
            return ()
        return tuple(int(row) for row in np.flatnonzero(self.source.table.totals))

    def native(self) -> Any:
        """The table in a form that DuckDB reads, in the library that it came from."""
        import narwhals as nw

        cells = {column.name: column.cells for column in self.columns}
        first = next(iter(cells.values()))
        if first.implementation.is_pandas_like():
            pandas = first.implementation.to_native_namespace()
            # arrays and not series: those would be put in the order of their indexes
            frame = nw.from_native(pandas.DataFrame({name: nw.to_native(one).array for name, one in cells.items()}))
        else:
            frame = nw.from_dict(dict(cells))
        if self.totals:
            frame = frame.filter((~self.source.table.totals).tolist())
        native = nw.to_native(frame)
        return native if first.implementation.is_pandas_like() else _Stream(native)


class _Stream:
    """A frame by Arrow's C stream alone (https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html).

    DuckDB asks for pyarrow where it knows the class of a frame, and not where it only sees this method.
    """

    def __init__(self, native: Any) -> None:
        self._native = native

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._native.__arrow_c_stream__(requested_schema)


def sql_tables(snapshots: Sequence[FrameSnapshot]) -> tuple[SqlTable, ...]:
    """The tables that SQL can name: those with columns.

    Parameters
    ----------
    snapshots : sequence of FrameSnapshot
        Columns whose names look secret are no part of them.
    """
    some = [snapshot for snapshot in snapshots if snapshot.table.columns]
    names = _names(snapshot.name for snapshot in some)
    return tuple(SqlTable(name, source, _columns(source)) for name, source in zip(names, some, strict=True))


def _columns(source: FrameSnapshot) -> tuple[SqlColumn, ...]:
    columns = source.table.columns
    names = _names(column.label for column in columns)
    return tuple(SqlColumn(name, column) for name, column in zip(names, columns, strict=True))


def _names(labels: Iterable[str]) -> list[str]:
    """Names on one line that differ in more than upper and lower case, which SQL does not tell apart."""
    taken: set[str] = set()
    names = []
    for label in labels:
        plain = "".join(c if c.isprintable() else " " for c in label.encode("utf-8", "replace").decode())
        name = base = " ".join(plain.split()) or "column"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{base} ({number})"
        taken.add(name.casefold())
        names.append(name)
    return names


def quoted_name(name: str) -> str:
    """A name as SQL writes it.

    Examples
    --------
    >>> quoted_name('5" pipe')
    '"5"" pipe"'
    """
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """A text as SQL writes it.

    Examples
    --------
    >>> quoted_text("Land's End")
    "'Land''s End'"
    """
    return "'" + text.replace("'", "''") + "'"
