"""What is done to a table of a foreign library before it is held still: copied, its columns told apart."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jupyter_localllm.sources.secrets import looks_secret

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["held", "level_of", "positional", "still", "told_apart", "without_secrets"]

_LABELS = 10_000  # a longer series is a column and no record
_OWN = ("String", "Binary", "Boolean", "Categorical", "Enum", "Object")  # types that never lie over an array of numpy


def without_secrets(native: Any) -> tuple[Any, list[str]]:
    """A series without the values whose labels look secret, as a mapping has them; and these labels."""
    index = getattr(native, "index", None)
    if index is None or not hasattr(native, "iloc") or len(index) > _LABELS or index.nlevels > 1:
        return native, []
    secret = [looks_secret(str(label)) for label in index]
    if not any(secret):
        return native, []
    return native[[not one for one in secret]], [str(x) for x, hide in zip(index, secret, strict=True) if hide]


def level_of(level: Any) -> nw.Series[Any]:
    """A level of a pandas index as a column, without its own index."""
    import narwhals as nw

    return nw.from_native(level.to_series().reset_index(drop=True), series_only=True)


def positional(column: nw.Series[Any]) -> nw.Series[Any]:
    """A column of pandas with its rows numbered from 0, so that columns of other frames stand beside it."""
    import narwhals as nw

    if not column.implementation.is_pandas_like():
        return column
    native: Any = nw.to_native(column)
    if type(native.index).__name__ == "RangeIndex" and native.index.start == 0 and native.index.step == 1:
        return column
    native = native.copy(deep=False)
    native.index = range(len(native))
    return nw.from_native(native, series_only=True)


def told_apart(columns: list[tuple[str, nw.Series[Any], bool]]) -> list[tuple[str, nw.Series[Any], bool]]:
    """Number names that come more than once, so that an anchor names one column; each stands on one line."""
    lines = [label if label.isprintable() else " ".join(label.split()) for label, _, _ in columns]
    taken, seen, told = set(lines), set[str](), []
    for label, (_, series, index) in zip(lines, columns, strict=True):
        name, count = label, 1
        while name in seen or (count > 1 and name in taken):
            count += 1
            name = f"{label} ({count})"
        seen.add(name)
        told.append((name, series, index))
    return told


def held(native: Any) -> Any:
    """A frame or series that does not change with the notebook's."""
    import narwhals as nw

    known = nw.dependencies
    if known.is_pandas_like_dataframe(native) or known.is_pandas_like_series(native):
        return native.copy()
    if known.is_polars_dataframe(native) or known.is_polars_series(native):
        return native.clone()
    return native


def still(column: nw.Series[Any]) -> nw.Series[Any]:
    """A column that does not change with an array of numpy.

    polars and Arrow take such an array as it lies and do not say so, so that whatever may be one is copied.
    """
    import narwhals as nw

    if str(column.dtype).startswith(_OWN):
        return column
    native: Any = nw.to_native(column)
    if column.implementation.is_polars():
        return nw.from_native(native.reverse().reverse(), series_only=True)  # a clone would share what lies below
    if column.implementation.is_pyarrow():
        return nw.from_native(_arrow_copy(native), series_only=True)
    if hasattr(native, "array") and hasattr(native.array, "_pa_array"):
        array = type(native.array)(_arrow_copy(native.array.__arrow_array__()))
        return nw.from_native(type(native)(array, index=native.index, name=native.name), series_only=True)
    return column


def _arrow_copy(native: Any) -> Any:
    """The same in memory of its own, where somebody may write to it."""
    pa: Any = importlib.import_module("pyarrow")

    chunks = native.chunks if isinstance(native, pa.ChunkedArray) else [native]
    return pa.chunked_array([pa.concat_arrays([one]) if _is_open(one) else one for one in chunks], type=native.type)


def _is_open(chunk: Any) -> bool:
    return any(buffer is not None and buffer.is_mutable for buffer in chunk.buffers())
