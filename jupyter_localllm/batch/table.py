"""Frames and series of pandas, polars and pyarrow, and of what behaves like pandas."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from jupyter_localllm.batch.data import ROW, VALUE, Data, Row, known_column, unused_name
from jupyter_localllm.batch.forms import Form, form_of
from jupyter_localllm.batch.shape import ANSWER, TEXT, Column, Shape
from jupyter_localllm.errors import UsageError
from jupyter_localllm.sources.scalar import is_missing, short_float32

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["ANSWER", "Table", "open_table"]

_CHUNK = 1024  # rows whose cells become Python objects at a time


def open_table(data: Any, column: str | None) -> Table:
    """See a frame or series as rows; see `jupyter_localllm.batch.open_data`."""
    import narwhals as nw

    native = nw.to_native(data, pass_through=True)
    return Table(native, form_of(native), column, native is not data)


class Table(Data):
    """A frame, or a series as a table of one column.

    Parameters
    ----------
    native : object
        The library's own.
    form : object
        How the library takes it apart and puts it together.
    column : str or None
        What ``{{ value }}`` stands for.
    wrapped : bool
        Whether it came, and goes back, in narwhals' clothes.
    """

    def __init__(self, native: Any, form: Form, column: str | None, wrapped: bool) -> None:
        self._form = form
        self._wrapped = wrapped
        self._labels = form.labels()
        self._check(self._labels, column)
        self._value = self._labels[0] if form.series else column
        self._size = self.total = len(native)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, ``row``, and ``value`` where a column was asked for; of a series, ``value``."""
        if self._form.series:
            return (VALUE,)
        return tuple(dict.fromkeys((*self._labels, ROW, *((VALUE,) if self._value is not None else ()))))

    def first(self) -> Row | None:
        """The first row with all columns."""
        return next(self._rows(min(1, self._size), None), None)

    def rows(self, names: Collection[str] | None = None) -> Iterator[Row]:
        """Each row with the columns of these names."""
        return self._rows(self._size, names)

    def label(self, position: int) -> Any:
        """The index's, if it says more than the position."""
        return self._form.index_label(position)

    def title(self, name: str) -> str:
        """The column's own name."""
        return self._value if name == VALUE and self._value is not None else name

    def like(self, answers: list[Any], shape: Shape = TEXT) -> Any:
        """A series; under a schema with several fields a frame."""
        columns = shape.columns(answers)
        made = self._form.like(columns[0]) if shape.single else self._form.frame(columns)
        return self._dressed(made)

    def beside(self, answers: list[Any], shape: Shape = TEXT) -> tuple[Any, tuple[str, ...]]:
        """A frame with the answers as its last columns; a series becomes a frame."""
        taken = list(self._labels)
        columns = []
        for column in shape.columns(answers):
            name = unused_name(column.name, taken)
            taken.append(name)
            columns.append(Column(name, column.kind, column.values))
        return self._dressed(self._form.beside(columns)), tuple(column.name for column in columns)

    def _check(self, labels: list[str], column: str | None) -> None:
        if column is not None and self._form.series and column != labels[0]:
            raise UsageError(
                f"there is no column {column}: this is a single column", "The template's name for it is {{ value }}."
            )
        if column is not None:
            known_column(column, labels)
        doubled = next((label for label in labels if labels.count(label) > 1), None)
        if doubled is not None:
            raise UsageError(
                f"two columns are called {doubled}, so a template cannot tell them apart",
                "Rename one of them, or select the columns you need.",
            )

    def _rows(self, size: int, names: Collection[str] | None) -> Iterator[Row]:
        wanted = self._wanted(names)
        columns = [self._form.column(self._labels.index(label)) for label in wanted]
        whole = (names is None or ROW in names) and ROW not in self._labels
        for start in range(0, size, _CHUNK):
            stop = min(start + _CHUNK, size)
            cells = [_values(column, start, stop) for column in columns]
            for offset in range(stop - start):
                record = {label: values[offset] for label, values in zip(wanted, cells, strict=True)}
                yield Row(start + offset, self._named(record, whole))

    def _wanted(self, names: Collection[str] | None) -> list[str]:
        if names is None or ROW in names:
            return self._labels
        return [name for name in self._labels if name in names or (VALUE in names and name == self._value)]

    def _named(self, record: dict[str, Any], whole: bool) -> dict[str, Any]:
        if self._form.series:
            return {VALUE: next(iter(record.values()))} if record else {}
        names = {ROW: record, **record} if whole else dict(record)
        if self._value is not None and self._value in record:
            names[VALUE] = record[self._value]
        return names

    def _dressed(self, native: Any) -> Any:
        if not self._wrapped:
            return native
        import narwhals as nw

        return nw.from_native(native, allow_series=True)


def _values(column: Any, start: int, stop: int) -> list[Any]:
    """Python objects of some cells."""
    import narwhals as nw

    series: nw.Series[Any] = nw.from_native(column, series_only=True)[start:stop]
    values = series.to_list()
    if str(series.dtype) in ("Float32", "Float16"):
        # 0.1 of 32 bits is 0.10000000149011612 of 64, which nobody wrote.
        return [value if is_missing(value) else float(short_float32(value)) for value in values]
    return list(values)
