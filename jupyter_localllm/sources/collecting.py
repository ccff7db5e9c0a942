"""Lazy tables, computed within a bound."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.base import UNNAMED

__all__ = ["MOST_BYTES", "collected"]

MOST_BYTES = 2 * 1024**3
"""What a lazy table may be in memory once it is computed."""

_ROWS = 250_000  # that are computed between two looks at the bound
_WIDE = 64  # bytes that a cell is taken to have where only its type is known


def collected(native: Any, name: str) -> Any:
    """Compute a lazy table of polars or DuckDB piece by piece; all of it, or none.

    Parameters
    ----------
    native : object
    name : str
        How the person called it.

    Returns
    -------
    polars.DataFrame or pyarrow.Table

    Raises
    ------
    SourceError
        It is of another library, of which nobody knows how long it takes; or larger than `MOST_BYTES`: nothing is
        sampled, and what was computed is thrown away.
    """
    package = type(native).__module__.partition(".")[0].lstrip("_")
    if package == "polars":
        return _whole(_of_polars(native), name, native, f"{name or UNNAMED}.select(…) or {name or UNNAMED}.filter(…)")
    if package == "duckdb":
        return _whole(_of_duckdb(native), name, native, f"{name or UNNAMED}.project(…) or {name or UNNAMED}.filter(…)")
    raise SourceError(
        f"{name or 'The value'} ({type(native).__name__}) is lazy: it has no rows before it is computed.",
        f"Compute it first, and cite the result: {name or UNNAMED}.compute() of dask.",
    )


_Pieces = tuple[Iterator[tuple[Any, int]], Callable[[list[Any]], Any]]


def _whole(pieces: _Pieces, name: str, native: Any, part: str) -> Any:
    taken, joined = pieces
    found: list[Any] = []
    rows = size = 0
    for piece, weight in taken:
        rows, size = rows + len(piece), size + weight
        if size > MOST_BYTES:
            raise SourceError(
                f"{name or 'The value'} ({type(native).__name__}) is too large to be computed and held: more than "
                f"{MOST_BYTES / 1024**3:g} GB after {rows:,} rows.",
                f"Cite the part that matters: {part}. Or compute it yourself, and cite the result.",
            )
        found.append(piece)
    return joined(found)


def _of_polars(lazy: Any) -> _Pieces:
    import polars as pl

    schema = lazy.collect_schema()

    def pieces() -> Iterator[tuple[Any, int]]:
        for piece in _batches(lazy, len(schema)):
            yield piece, piece.estimated_size()

    return pieces(), lambda found: pl.concat(found, rechunk=False) if found else pl.DataFrame(schema=schema)


def _batches(lazy: Any, width: int) -> Iterator[Any]:
    """Pieces of a lazy frame of polars; where it cannot give pieces, the whole, or a part that is above the bound."""
    if not hasattr(lazy, "collect_batches"):
        rows = MOST_BYTES // (_WIDE * max(1, width)) + _ROWS
        # Anew with more rows, and not slice by slice: a frame without an order may give each time another one.
        while len(piece := lazy.head(rows).collect()) == rows and piece.estimated_size() <= MOST_BYTES:
            rows = 2 * rows * max(1, MOST_BYTES // max(1, piece.estimated_size()))
        yield piece
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the method may change
        batches = lazy.collect_batches(chunk_size=_ROWS)
    yield from batches


def _of_duckdb(relation: Any) -> _Pieces:
    pa: Any = importlib.import_module("pyarrow")
    # before DuckDB 1.4 it bore another name
    reader = relation.to_arrow_reader if hasattr(relation, "to_arrow_reader") else relation.fetch_record_batch
    batches = reader(_ROWS)

    def pieces() -> Iterator[tuple[Any, int]]:
        for batch in batches:
            yield batch, batch.nbytes

    return pieces(), lambda found: pa.Table.from_batches(found, schema=batches.schema)
