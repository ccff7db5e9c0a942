"""Tables: frames and series of pandas, polars, pyarrow, and of everything else that narwhals reads.

A table is written as Markdown, all of its rows, under one line that says its size. Markdown tables are the best
compromise of tokens and accuracy for models of this size.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import LocalLLMError, SourceError
from jupyter_localllm.sources.base import MAX_CELLS, UNNAMED, Rendered, check_cells
from jupyter_localllm.sources.cells import cell_texts, column_texts, escaped
from jupyter_localllm.sources.collecting import collected
from jupyter_localllm.sources.frame_held import held, level_of, positional, still, told_apart, without_secrets
from jupyter_localllm.sources.secrets import looks_secret
from jupyter_localllm.types import Note

if TYPE_CHECKING:
    import narwhals as nw

    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot

__all__ = ["FrameKind"]

# Packages whose classes may be tables. narwhals is imported only for values of these, or that speak its protocol.
_PACKAGES = frozenset(
    {
        "pandas",
        "polars",
        "pyarrow",
        "narwhals",
        "modin",
        "cudf",
        "dask",
        "duckdb",
        "ibis",
        "pyspark",
        "sqlframe",
        "daft",
    }
)
_PROTOCOL = ("__narwhals_dataframe__", "__narwhals_lazyframe__", "__narwhals_series__")
_SAMPLE = 50  # rows from which the size of a table that is too large is estimated


@dataclass(frozen=True)
class _Table:
    """A table before it is written.

    ``index`` and ``columns`` hold a label and the values of each; ``axis`` is what pandas calls the columns together.
    """

    rows: int
    columns: list[tuple[str, nw.Series[Any]]]
    index: list[tuple[str, Any]] = field(default_factory=list)
    axis: str = ""
    pandas: bool = False
    series: bool = False

    @property
    def size(self) -> str:
        if self.series:
            return _plural(self.rows, "value")
        size = f"{_plural(self.rows, 'row')} x {_plural(len(self.columns), 'column')}"
        return f"{size}, the columns by {self.axis}" if self.axis else size

    def head(self, rows: int) -> _Table:
        columns = [(label, series.head(rows)) for label, series in self.columns]
        index = [(label, level[:rows]) for label, level in self.index]
        return _Table(min(rows, self.rows), columns, index, self.axis, self.pandas, self.series)


class FrameKind:
    """Tables, and columns of them."""

    name = "frame"

    def matches(self, value: Any) -> bool:
        """Whether narwhals knows the value as a frame or series."""
        kind = type(value)
        if isinstance(value, type):
            return False
        known = any(c.__module__.partition(".")[0] in _PACKAGES for c in kind.__mro__)
        if not known and not any(hasattr(kind, mark) for mark in _PROTOCOL):
            return False
        native = _native(value)
        return _is_frame(native) or _is_series(native) or _is_lazy(native)

    def render(self, value: Any, name: str) -> Rendered:
        """Write every row."""
        native = _native(value)
        if _is_lazy(native):
            it = name or UNNAMED
            raise SourceError(
                f"{name or 'The value'} ({type(value).__name__}) is lazy: it has no rows before it is computed.",
                "Compute it first: {{ " + it + ".collect() }} of polars, {{ " + it + ".compute() }} of dask, "
                "{{ " + it + ".df() }} of DuckDB.",
            )
        table = _frame(native) if _is_frame(native) else _series(native)
        _check(table, name)
        return Rendered(f"{table.size}\n\n{_markdown(table)}".rstrip("\n"), table.size, block=True)

    def snapshot(self, value: Any, name: str) -> FrameSnapshot:
        """Hold the table still; see `jupyter_localllm.sources.snapshot`.

        pandas' table is copied whole, of the others the columns that may lie over an array of numpy: what shares with
        it would follow what is written into the array.
        """
        from jupyter_localllm.sources.frame_snapshot import snapshot_of

        native = _native(value)
        if _is_lazy(native):
            native = collected(native, name)
        native = held(native)
        native, secret = (native, []) if _is_frame(native) or looks_secret(name) else without_secrets(native)
        table = _frame(native) if _is_frame(native) else _series(native)
        columns = [(label, still(level_of(level)), True) for label, level in table.index]
        columns += [(label, still(positional(series)), False) for label, series in table.columns]
        if table.series and name:
            columns[-1] = (name if columns[-1][0] == "value" else columns[-1][0], columns[-1][1], False)
        apart = told_apart(columns)
        asked = apart[-1][0] if table.series else ""
        told = (Note("secret", f"{name}: values left out because their labels look secret: {', '.join(secret)}"),)
        return snapshot_of(
            name,
            apart,
            table.rows,
            table.size,
            pandas=table.pandas,
            asked=asked,
            notes=told if secret else (),
        )


def _native(value: Any) -> Any:
    """Give the library's own object behind the value, in a form that narwhals reads."""
    import narwhals as nw

    native = nw.to_native(value, pass_through=True)
    if type(native).__module__.partition(".")[0] == "pyarrow":
        arrow: Any = sys.modules["pyarrow"]
        if isinstance(native, arrow.RecordBatch):
            return arrow.Table.from_batches([native])
        if isinstance(native, arrow.Array):
            return arrow.chunked_array([native])
    return native


def _is_frame(native: Any) -> bool:
    import narwhals as nw

    return nw.dependencies.is_into_dataframe(native)


def _is_series(native: Any) -> bool:
    import narwhals as nw

    return nw.dependencies.is_into_series(native)


def _is_lazy(native: Any) -> bool:
    import narwhals as nw

    if _is_frame(native) or _is_series(native):
        return False
    return isinstance(nw.from_native(native, pass_through=True), nw.LazyFrame)


def _frame(native: Any) -> _Table:
    """Take a frame apart by position, because names may be missing, doubled, or no strings."""
    import narwhals as nw

    if nw.dependencies.is_pandas_like_dataframe(native):
        series = [native.iloc[:, place] for place in range(native.shape[1])]
        columns = _columns(map(_label, native.columns), series)
        axis = " / ".join(str(name) for name in native.columns.names if name is not None)
        return _Table(len(native), columns, _index(native.index), axis, pandas=True)
    if nw.dependencies.is_pyarrow_table(native):
        return _Table(native.num_rows, _columns(native.column_names, native.itercolumns()))
    view = nw.from_native(native, eager_only=True)
    return _Table(len(view), [(column.name, column) for column in view.iter_columns()])


def _series(native: Any) -> _Table:
    import narwhals as nw

    view = nw.from_native(native, series_only=True)
    pandas = nw.dependencies.is_pandas_like_series(native)
    label = "value" if view.name is None or view.name == "" else _label(view.name)
    index = _index(native.index) if pandas else []
    return _Table(len(view), [(label, view)], index, pandas=pandas, series=True)


def _columns(labels: Iterable[str], series: Iterable[Any]) -> list[tuple[str, nw.Series[Any]]]:
    import narwhals as nw

    return [(label, nw.from_native(one, series_only=True)) for label, one in zip(labels, series, strict=True)]


def _index(index: Any) -> list[tuple[str, Any]]:
    """Levels of a pandas index, if it says more than the number of the row."""
    if type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1 and index.name is None:
        return []
    if index.nlevels == 1:
        return [("index" if index.name is None else _label(index.name), index)]
    names = [f"level_{place}" if name is None else _label(name) for place, name in enumerate(index.names)]
    return [(name, index.get_level_values(place)) for place, name in enumerate(names)]


def _label(name: Any) -> str:
    return " / ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _check(table: _Table, name: str) -> None:
    """Refuse a table that is too large, with an estimate from its first rows."""
    width = len(table.columns) + len(table.index)
    cells = table.rows * width
    if cells <= MAX_CELLS:
        return
    sample = table.head(_SAMPLE)
    chars = len(_markdown(sample)) * table.rows // sample.rows if width <= 10_000 else None
    it = name or UNNAMED
    some = [label for label, _ in table.columns[:2] if label.isidentifier()]
    choose = f", {{{{ {it}[{some}] }}}}" if len(some) == 2 and not table.series else ""
    hint = f"Put the part that matters into the prompt: {{{{ {it}.head(20) }}}}, {{{{ {it}.describe() }}}}{choose}."
    check_cells(cells, f"{table.size}, {cells:,} cells", name, chars=chars, hint=hint)


def _markdown(table: _Table) -> str:
    """Write the table as GitHub Flavored Markdown does (its specification, section 4.10)."""
    labels = [label for label, _ in (*table.index, *table.columns)]
    if not labels:
        return ""
    texts = [cell_texts(list(level), nan_is_missing=True) for _, level in table.index]
    for label, series in table.columns:
        texts.append(_column(label, series, table.pandas))
    lines = ["| " + " | ".join(map(escaped, labels)) + " |", "|" + "---|" * len(labels)]
    lines += ["| " + " | ".join(cells) + " |" for cells in zip(*texts, strict=True)]
    return "\n".join(lines)


def _column(label: str, series: nw.Series[Any], pandas: bool) -> list[str]:
    try:
        return column_texts(series, nan_is_missing=pandas)
    except LocalLLMError as error:
        raise SourceError(
            f"Column {label!r} cannot be put into a prompt: {error.message}",
            "Leave the column out, or turn it into text first.",
        ) from error


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
