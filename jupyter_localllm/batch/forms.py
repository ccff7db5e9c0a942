"""The libraries of frames: how each takes its own objects apart, and how it makes columns of answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from jupyter_localllm.batch.data import VALUE
from jupyter_localllm.batch.kind import Kind
from jupyter_localllm.batch.shape import Column
from jupyter_localllm.errors import UsageError

__all__ = ["Form", "form_of"]

_DECIMAL = (38, 9)  # digits, and those behind the point: as NUMERIC in SQL


def form_of(native: Any) -> Form:
    """The library's way with a frame or series.

    Raises
    ------
    UsageError
        It has no rows before it is computed.
    """
    import narwhals as nw

    if nw.dependencies.is_pandas_like_dataframe(native) or nw.dependencies.is_pandas_like_series(native):
        return _PandasForm(native)
    if nw.dependencies.is_polars_dataframe(native) or nw.dependencies.is_polars_series(native):
        return _PolarsForm(native)
    package = type(native).__module__.partition(".")[0]
    if package == "pyarrow":
        return _ArrowForm(native)
    raise UsageError(
        f"a {type(native).__name__} of {package} has no rows before it is computed",
        "Compute it first: .collect() of polars, .compute() of dask, .df() of DuckDB.",
    )


class Form:
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

    def like(self, column: Column) -> Any:
        """A series of the answers."""
        raise NotImplementedError

    def frame(self, columns: Sequence[Column]) -> Any:
        """A frame of the answers."""
        raise NotImplementedError

    def beside(self, columns: Sequence[Column]) -> Any:
        """A frame with the answers as its last columns."""
        raise NotImplementedError


class _PandasForm(Form):
    """pandas, and modin and cudf, which speak as it does."""

    # Those of pandas that know a missing value; in pandas' own text type None would become NaN.
    _DTYPES = {"whole": "Int64", "number": "float64", "truth": "boolean", "moment": "datetime64[us]"}  # noqa: RUF012

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

    def like(self, column: Column) -> Any:
        """A series with the same index; of objects where pandas has no type of its own for it."""
        library = _library(self.native)
        dtype = self._DTYPES.get(column.kind.name)
        if column.kind.name == "category":
            dtype = library.CategoricalDtype(list(column.kind.levels))
        if dtype is not None:
            try:
                return library.Series(column.arranged(), index=self.native.index, name=column.name, dtype=dtype)
            except (ValueError, TypeError, OverflowError):
                pass  # a whole number of 80 digits, moments with time zones and without: as they are
        return library.Series(list(column.values), index=self.native.index, name=column.name, dtype=object)

    def frame(self, columns: Sequence[Column]) -> Any:
        """A frame with the same index."""
        made = {column.name: self.like(column) for column in columns}
        return _library(self.native).DataFrame(made, index=self.native.index)

    def beside(self, columns: Sequence[Column]) -> Any:
        """A copy; the person's own frame stays as it is."""
        frame = self.native.to_frame(_series_label(self.native.name)) if self.series else self.native
        return frame.assign(**{column.name: self.like(column) for column in columns})


class _PolarsForm(Form):
    def _is_series(self) -> bool:
        import narwhals as nw

        return bool(nw.dependencies.is_polars_series(self.native))

    @property
    def _polars(self) -> Any:
        return sys.modules["polars"]

    def labels(self) -> list[str]:
        return [_series_label(self.native.name)] if self.series else list(self.native.columns)

    def column(self, place: int) -> Any:
        return self.native if self.series else self.native.to_series(place)

    def like(self, column: Column) -> Any:
        """A series of the kind's type; of objects where one of the values does not go into it unchanged."""
        polars = self._polars
        if column.kind.name != "object":
            try:
                values = column.arranged()
                made = polars.Series(column.name, values, dtype=self._dtype(column.kind, column))
                # What is too fine or has a zone is cut in silence. (Not read back: moments, whose zone needs tzdata.)
                if column.kind.name == "moment" or made.to_list() == values:
                    return made
            except (polars.exceptions.PolarsError, TypeError, OverflowError, ValueError, RuntimeError):
                pass  # RuntimeError: polars' own of a decimal number that is too long
        return polars.Series(column.name, list(column.values), dtype=polars.Object)

    def _dtype(self, kind: Kind, column: Column | None = None) -> Any:
        """The type of a column, or within one: there, moments have no zone, and choices are texts."""
        polars = self._polars
        if kind.name == "category":
            return polars.Enum(list(kind.levels)) if column else polars.String
        if kind.name == "moment":
            return polars.Datetime("us", "UTC" if column and _zoned(column) else None)
        if kind.name == "list":
            return polars.List(self._dtype(kind.parts[0][1]))
        if kind.name == "record":
            return polars.Struct({name: self._dtype(part) for name, part in kind.parts})
        return {
            **{"text": polars.String, "whole": polars.Int64, "number": polars.Float64, "truth": polars.Boolean},
            **{"date": polars.Date, "time": polars.Time, "duration": polars.Duration("us"), "bytes": polars.Binary},
            **{"decimal": polars.Decimal(*_DECIMAL), "uuid": polars.String},
        }[kind.name]

    def frame(self, columns: Sequence[Column]) -> Any:
        return self._polars.DataFrame([self.like(column) for column in columns])

    def beside(self, columns: Sequence[Column]) -> Any:
        frame = self.native.alias(_series_label(self.native.name)).to_frame() if self.series else self.native
        return frame.with_columns(*[self.like(column) for column in columns])


class _ArrowForm(Form):
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

    def like(self, column: Column) -> Any:
        """As the data came: in one piece (array, record batch), or in chunks."""
        made = self._array(column)
        if isinstance(self.native, (self._arrow.Array, self._arrow.RecordBatch)):
            return made
        return self._arrow.chunked_array([made])

    def frame(self, columns: Sequence[Column]) -> Any:
        return self._arrow.table({column.name: self._array(column) for column in columns})

    def beside(self, columns: Sequence[Column]) -> Any:
        """A table."""
        if self.series:
            table = self._arrow.table({VALUE: self._chunked(self.native)})
        elif isinstance(self.native, self._arrow.RecordBatch):
            table = self._arrow.Table.from_batches([self.native])
        else:
            table = self.native
        for column in columns:
            table = table.append_column(column.name, self._arrow.chunked_array([self._array(column)]))
        return table

    def _array(self, column: Column) -> Any:
        """An array of the kind's type; of texts where one of the values does not go into it unchanged."""
        arrow, values = self._arrow, column.plain()
        if column.kind.name == "category":
            places = {level: place for place, level in enumerate(column.kind.levels)}
            indices = arrow.array([places.get(value) for value in values], arrow.int32())
            return arrow.DictionaryArray.from_arrays(indices, arrow.array(column.kind.levels, arrow.string()))
        if column.kind.name != "object":
            try:
                arranged = column.arranged()
                made = arrow.array(arranged, self._dtype(column.kind, column))
                if column.kind.name == "moment" or made.to_pylist() == arranged:
                    return made
            except (arrow.ArrowException, OverflowError, TypeError, ValueError):
                pass
        as_json = column.kind.name == "object" or column.kind.parts
        return arrow.array([_json(value) if as_json else _str(value) for value in values], arrow.string())

    def _dtype(self, kind: Kind, column: Column | None = None) -> Any:
        """As in polars."""
        arrow = self._arrow
        if kind.name == "moment":
            return arrow.timestamp("us", "UTC" if column and _zoned(column) else None)
        if kind.name == "list":
            return arrow.list_(self._dtype(kind.parts[0][1]))
        if kind.name == "record":
            return arrow.struct([(name, self._dtype(part)) for name, part in kind.parts])
        return {
            **{"text": arrow.string(), "whole": arrow.int64(), "number": arrow.float64(), "truth": arrow.bool_()},
            **{"date": arrow.date32(), "time": arrow.time64("us"), "duration": arrow.duration("us")},
            **{"decimal": arrow.decimal128(*_DECIMAL), "uuid": arrow.string(), "bytes": arrow.binary()},
            "category": arrow.string(),
        }[kind.name]

    def _chunked(self, array: Any) -> Any:
        return self._arrow.chunked_array([array]) if isinstance(array, self._arrow.Array) else array


def _zoned(column: Column) -> bool:
    """Whether moments have time zones.

    Raises
    ------
    ValueError
        Some have and some have not. Nobody said in which zone the others are, so they are no column of one type.
    """
    zoned = {getattr(value, "tzinfo", None) is not None for value in column.values if value is not None}
    if len(zoned) > 1:
        raise ValueError("moments with time zones and without")
    return True in zoned


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _str(value: Any) -> str | None:
    return None if value is None else str(value)


def _library(native: Any) -> Any:
    """Give the module whose Series goes with a frame; a frame of a subclass (geopandas) goes with pandas."""
    roots = {kind.__module__.partition(".")[0] for kind in type(native).__mro__}
    return sys.modules["cudf" if "cudf" in roots else "modin.pandas" if "modin" in roots else "pandas"]


def _series_label(name: Any) -> str:
    return VALUE if name is None or name == "" else _label(name)


def _label(name: Any) -> str:
    return " / ".join(map(str, name)) if isinstance(name, tuple) else str(name)
