"""What is done to a table of a foreign library before it is held still: copied, its columns told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_localllm.sources.secrets import looks_secret

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["held", "level_of", "positional", "told_apart", "without_secrets"]

_LABELS = 10_000  # a longer series is a column and no record


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
