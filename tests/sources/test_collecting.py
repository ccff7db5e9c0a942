"""Lazy tables are computed within a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import polars as pl
import pytest

import jupyter_localllm.sources.collecting as room
from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.snapshot import take_snapshot

LAZY: list[Callable[[int], Any]] = [
    lambda rows: pl.LazyFrame({"n": range(rows)}).with_columns(text=pl.col("n").cast(pl.String)),
    lambda rows: duckdb.sql(f"SELECT range AS n, range::VARCHAR AS text FROM range({rows})"),
]


@pytest.mark.parametrize("lazy", LAZY)
def test_all_rows_come_in_their_order(lazy: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever pieces they are computed in."""
    monkeypatch.setattr(room, "_ROWS", 1_000)
    table = take_snapshot(lazy(10_500), "it").table  # type: ignore[attr-defined]
    assert table.columns[0].series.to_list() == list(range(10_500))
    assert table.columns[1].text(10_499) == "10499"


@pytest.mark.parametrize("lazy", LAZY)
def test_no_rows_are_a_table_with_its_columns(lazy: Callable[[int], Any]) -> None:
    """Nothing is missing but the rows."""
    assert take_snapshot(lazy(0), "it").size == "0 rows x 2 columns"


@pytest.mark.parametrize("lazy", LAZY)
def test_a_table_that_is_too_large_is_refused(lazy: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bound, how far it came, and what to do; nothing is sampled."""
    monkeypatch.setattr(room, "_ROWS", 1_000)
    monkeypatch.setattr(room, "MOST_BYTES", 1_000_000)
    with pytest.raises(SourceError, match=r"big \(.*\) is too large .* GB after \d\d?,000 rows") as caught:
        take_snapshot(lazy(1_000_000), "big")
    assert "big.filter(" in (caught.value.hint or "")


def test_a_polars_that_gives_no_pieces_is_cut_above_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions compute one piece: all rows, or so many that it is refused."""
    monkeypatch.setattr(room, "_batches", _without_batches(room._batches))
    assert take_snapshot(LAZY[0](500), "it").size == "500 rows x 2 columns"
    monkeypatch.setattr(room, "MOST_BYTES", 100_000)
    with pytest.raises(SourceError, match="too large"):
        take_snapshot(LAZY[0](1_000_000), "big")


def test_narrow_columns_are_not_cut_by_a_polars_that_gives_no_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows or none, also where a row is much smaller than was thought."""
    monkeypatch.setattr(room, "_batches", _without_batches(room._batches))
    monkeypatch.setattr(room, "MOST_BYTES", 200_000)
    monkeypatch.setattr(room, "_ROWS", 1_000)
    for rows in (5_000, 20_000):
        narrow = LAZY[0](rows).select((pl.col("n") % 2).cast(pl.Int8))
        assert take_snapshot(narrow, "it").size == f"{rows:,} rows x 1 column"


def _without_batches(batches: Any) -> Any:
    class Old:
        def __init__(self, lazy: Any) -> None:
            self.head = lazy.head

    return lambda lazy, width: batches(Old(lazy), width)
