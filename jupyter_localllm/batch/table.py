"""Frames and series of pandas, polars and pyarrow, and of what behaves like pandas."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from jupyter_localllm.batch.data import ROW, VALUE, Data, Row, known_column, unused_name
from jupyter_localllm.errors import UsageError
from jupyter_localllm.sources.scalar import is_missing, short_float32

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["ANSWER", "Table", "open_table"]

ANSWER = "answer"
"""What the answers are called."""

_CHUNK = 1024  # rows whose cells become Python objects at a time


def open_table(data: Any, column: str | None) -> Table:
    """See a frame or series as rows; see `jupyter_localllm.batch.open_data`."""
    import narwhals as nw

    native = nw.to_native(data, pass_through=True)
    wrapped = native is not data
    if nw.dependencies.is_pandas_like_dataframe(native) or nw.dependencies.is_pandas_like_series(native):
        return Table(native, _PandasForm(native), column, wrapped)
    if nw.dependencies.is_polars_dataframe(native) or nw.dependencies.is_polars_series(native):
        return Table(native, _PolarsForm(native), column, wrapped)
    package = type(native).__module__.partition(".")[0]
    if package == "pyarrow":
        return Table(native, _ArrowForm(native), column, wrapped)
    raise UsageError(
        f"a {type(native).__name__} of {package} has no rows before it is computed",
        "Compute it first: .collect() of polars, .compute() of dask, .df() of DuckDB.",
    )


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

    def __init__(self, native: Any, form: _Form, column: str | None, wrapped: bool) -> None:
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

    def like(self, answers: list[str | None]) -> Any:
        """A series."""
        return self._dressed(self._form.like(answers, ANSWER))

    def beside(self, answers: list[str | None]) -> tuple[Any, str]:
        """A frame with one column more; a series becomes a frame of two."""
        name = unused_name(ANSWER, self._labels)
        return self._dressed(self._form.beside(answers, name)), name

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


# ---------------------------------------------------------------------------------------------------------------------
# The libraries


class _Form:
    """One library's way with its own objects."""

    def __init__(self, native: Any) -> None:
        self.native = native
        self.series = self._is_series()

    def _is_series(self) -> bool:
        raise NotImplementedError

    def labels(self) -> list[str]:
        """Names of the columns."""
        raise NotImplementedError

    def column(self, place: int) -> Any:
        """A column as the library's series."""
        raise NotImplementedError

    def index_label(self, position: int) -> Any:
        """The label of a row; None if the library knows only positions."""
        return None

    def like(self, answers: list[str | None], name: str) -> Any:
        """A series of the answers."""
        raise NotImplementedError

    def beside(self, answers: list[str | None], name: str) -> Any:
        """A frame with the answers as its last column."""
        raise NotImplementedError


class _PandasForm(_Form):
    """pandas, and modin and cudf, which speak as it does."""

    def _is_series(self) -> bool:
        import narwhals as nw

        return bool(nw.dependencies.is_pandas_like_series(self.native))

    def labels(self) -> list[str]:
        """Names as text; those of several levels joined."""
        return [_series_label(self.native.name)] if self.series else [_label(name) for name in self.native.columns]

    def column(self, place: int) -> Any:
        """By position, because a name may be anything."""
        return self.native if self.series else self.native.iloc[:, place]

    def index_label(self, position: int) -> Any:
        """The index's, unless it only counts."""
        index = self.native.index
        counts = type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1
        return None if counts else index[position]

    def like(self, answers: list[str | None], name: str) -> Any:
        """A series with the same index, of objects: in pandas' own text type None would become NaN."""
        return _library(self.native).Series(answers, index=self.native.index, name=name, dtype=object)

    def beside(self, answers: list[str | None], name: str) -> Any:
        """A copy; the person's own frame stays as it is."""
        frame = self.native.to_frame(_series_label(self.native.name)) if self.series else self.native
        return frame.assign(**{name: self.like(answers, name)})


class _PolarsForm(_Form):
    def _is_series(self) -> bool:
        import narwhals as nw

        return bool(nw.dependencies.is_polars_series(self.native))

    def labels(self) -> list[str]:
        return [_series_label(self.native.name)] if self.series else list(self.native.columns)

    def column(self, place: int) -> Any:
        return self.native if self.series else self.native.to_series(place)

    def like(self, answers: list[str | None], name: str) -> Any:
        polars: Any = sys.modules["polars"]
        return polars.Series(name, answers, dtype=polars.String)

    def beside(self, answers: list[str | None], name: str) -> Any:
        frame = self.native.alias(_series_label(self.native.name)).to_frame() if self.series else self.native
        return frame.with_columns(self.like(answers, name))


class _ArrowForm(_Form):
    """pyarrow's tables and record batches, chunked arrays and arrays."""

    def _is_series(self) -> bool:
        return isinstance(self.native, (self._arrow.Array, self._arrow.ChunkedArray))

    @property
    def _arrow(self) -> Any:
        return sys.modules["pyarrow"]

    def labels(self) -> list[str]:
        return [VALUE] if self.series else list(self.native.schema.names)

    def column(self, place: int) -> Any:
        return self._chunked(self.native if self.series else self.native.column(place))

    def like(self, answers: list[str | None], name: str) -> Any:
        """As the data came: in one piece (array, record batch), or in chunks."""
        text = self._arrow.string()
        if isinstance(self.native, (self._arrow.Array, self._arrow.RecordBatch)):
            return self._arrow.array(answers, text)
        return self._arrow.chunked_array([answers], text)

    def beside(self, answers: list[str | None], name: str) -> Any:
        """A table."""
        if self.series:
            table = self._arrow.table({VALUE: self._chunked(self.native)})
        elif isinstance(self.native, self._arrow.RecordBatch):
            table = self._arrow.Table.from_batches([self.native])
        else:
            table = self.native
        return table.append_column(name, self._arrow.chunked_array([answers], self._arrow.string()))

    def _chunked(self, array: Any) -> Any:
        return self._arrow.chunked_array([array]) if isinstance(array, self._arrow.Array) else array


def _library(native: Any) -> Any:
    """Give the module whose Series goes with a frame; a frame of a subclass (geopandas) goes with pandas."""
    roots = {kind.__module__.partition(".")[0] for kind in type(native).__mro__}
    return sys.modules["cudf" if "cudf" in roots else "modin.pandas" if "modin" in roots else "pandas"]


def _series_label(name: Any) -> str:
    return VALUE if name is None or name == "" else _label(name)


def _label(name: Any) -> str:
    return " / ".join(map(str, name)) if isinstance(name, tuple) else str(name)
