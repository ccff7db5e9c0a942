"""What is done to a table of a foreign library before it is held still: computed, copied, its columns told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.base import UNNAMED
from jupyter_localllm.sources.secrets import looks_secret

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["collected", "held", "level_of", "told_apart", "without_secrets"]

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


def collected(native: Any, name: str) -> Any:
    """Compute a lazy table, if it is one whose size is known and bounded: what DuckDB holds is."""
    import narwhals as nw

    lazy = nw.from_native(native)
    if "duckdb" not in type(native).__module__ and "polars" not in type(native).__module__:
        raise SourceError(
            f"{name or 'The value'} ({type(native).__name__}) is lazy: it has no rows before it is computed.",
            f"Compute it first, and cite the result: {name or UNNAMED}.compute() of dask.",
        )
    return nw.to_native(lazy.collect())


def level_of(level: Any) -> nw.Series[Any]:
    """A level of a pandas index as a column, without its own index."""
    import narwhals as nw

    return nw.from_native(level.to_series().reset_index(drop=True), series_only=True)


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
