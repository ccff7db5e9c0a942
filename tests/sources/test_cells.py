"""The cells of a table, by type and by library."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.cells import cell_texts, column_texts, escaped

BERLIN = "Europe/Berlin"
NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a|b", "a\\|b"),
        ("a\nb\r\nc", "a\\nb\\r\\nc"),
        ("a\tb", "a\\tb"),
        ("\x00\x85\u2028", "\\x00\\x85\\u2028"),
        ("ünï 日本 🎉", "ünï 日本 🎉"),
        ("<script>", "<script>"),
    ],
)
def test_what_would_break_a_row_is_shown(text: str, shown: str) -> None:
    """A cell stays one cell on one line, and the reader sees what was in it."""
    assert escaped(text) == shown


@given(st.text())
def test_a_cell_is_one_line_and_one_cell(text: str) -> None:
    """No text whatever ends a line, and none holds a bar without its mark."""
    shown = escaped(text)
    assert len(shown.splitlines()) <= 1
    assert "|" not in shown.replace("\\|", "")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, 2.5, "x", None, True], ["1", "2.5", "x", "", "True"]),
        (["", " ", " a", "a "], ['""', '" "', '" a"', '"a "']),
        ([None, pd.NA, pd.NaT, np.datetime64("NaT", "s"), NAN], ["", "", "", "", ""]),
        ([[1, {"a": None}], {"k": (1, 2)}, {2, 1}], ['[1, {"a": null}]', '{"k": [1, 2]}', "[1, 2]"]),
        ([["a|b\n"]], ['["a\\|b\\n"]']),
        ([Decimal("1.50"), 10**25, float("inf")], ["1.50", str(10**25), "inf"]),
        ([dt.date(2024, 1, 2), dt.time(3, 4), dt.timedelta(1)], ["2024-01-02", "03:04:00", "1 day, 0:00:00"]),
        ([dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 3)], ["2024-01-02", "2024-01-03"]),
        (
            [dt.datetime(2024, 1, 2), None, dt.datetime(2024, 1, 3, 4)],
            ["2024-01-02 00:00:00", "", "2024-01-03 04:00:00"],
        ),
        ([dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc)], ["2024-01-02 00:00:00+00:00"]),
        ([np.float32(0.1), np.int64(3), np.array([1, 2])], ["0.1", "3", "[1, 2]"]),
        ([pd.Interval(0, 1), pd.Period("2024-01"), ValueError("v")], ["(0, 1]", "2024-01", "ValueError: v"]),
        ([pd.Timestamp("2024-01-02T00:00:00.000000001")], ["2024-01-02 00:00:00.000000001"]),
    ],
)
def test_values_of_python(values: list[Any], texts: list[str]) -> None:
    """Cells of mixed columns, each written as its own kind."""
    assert cell_texts(values, nan_is_missing=True) == texts


@pytest.mark.parametrize(
    ("series", "texts"),
    [
        (pd.Series([1, None]), ["1.0", ""]),
        (pd.Series([1, None], dtype="Int64"), ["1", ""]),
        (pd.Series([True, None], dtype="boolean"), ["True", ""]),
        (pd.Series(["a", None]), ["a", ""]),
        (pd.Series(["a", None], dtype="category"), ["a", ""]),
        (pd.Series([0.1, NAN], dtype="float32"), ["0.1", ""]),
        (pd.Series(pd.to_datetime(["2024-01-02", None])), ["2024-01-02", ""]),
        (pd.Series(pd.to_datetime(["2024-01-02T01:00"])).dt.tz_localize(BERLIN), ["2024-01-02 01:00:00+01:00"]),
        (pd.Series(pd.to_timedelta(["1 days 00:00:01", None])), ["1 days 00:00:01", ""]),
        (pd.Series([1, "a", None, [1]], dtype=object), ["1", "a", "", "[1]"]),
        (pl.Series([1.5, None, NAN]), ["1.5", "", "NaN"]),
        (pl.Series([0.1, None], dtype=pl.Float32), ["0.1", ""]),
        (pl.Series([[1, 2], None]), ["[1, 2]", ""]),
        (pl.Series([{"a": 1}]), ['{"a": 1}']),
        (pl.Series(["a"], dtype=pl.Categorical), ["a"]),
        (pl.Series([Decimal("1.10")]), ["1.10"]),
        (pl.Series([dt.datetime(2024, 1, 2), None]), ["2024-01-02", ""]),
        (pl.Series([1_700_000_000_123_456_789]).cast(pl.Datetime("ns")), ["2023-11-14 22:13:20.123456789"]),
        (pl.Series([1_704_153_600_000_000_000]).cast(pl.Datetime("ns")), ["2024-01-02"]),
        (
            pl.Series([-1, None]).cast(pl.Datetime("ns", BERLIN)),
            ["1970-01-01 00:59:59.999999999+01:00", ""],
        ),
        (pl.Series([1, 10**9]).cast(pl.Duration("ns")), ["0:00:00.000000001", "0:00:01.000000000"]),
        (pl.Series([1000, 10**9]).cast(pl.Duration("ns")), ["0:00:00.000001", "0:00:01"]),
        (pl.Series([5]).cast(pl.Time), ["00:00:00.000000005"]),
        (pl.Series([dt.time(3, 4)]), ["03:04:00"]),
        (pa.chunked_array([pa.array([dt.time(9, 30)], pa.time64("us"))]), ["09:30:00"]),
        (pa.chunked_array([pa.array([dt.time(9, 30)], pa.time32("s"))]), ["09:30:00"]),
        (pa.chunked_array([pa.array([34_200_000_000_005], pa.time64("ns"))]), ["09:30:00.000000005"]),
        (pd.Series([dt.time(9, 30)], dtype=pd.ArrowDtype(pa.time64("us"))), ["09:30:00"]),
        (pa.chunked_array([pa.array([3_600_123_456_789], pa.timestamp("ns"))]), ["1970-01-01 01:00:00.123456789"]),
        (pa.chunked_array([pa.array([1.5, None, NAN])]), ["1.5", "", "NaN"]),
        (pa.chunked_array([pa.array(["a", None]).dictionary_encode()]), ["a", ""]),
    ],
)
def test_columns_of_every_library(series: Any, texts: list[str]) -> None:
    """Missing is empty, dates are ISO, no digit is lost, not even of a nanosecond."""
    pandas = isinstance(series, pd.Series)
    assert column_texts(nw.from_native(series, series_only=True), nan_is_missing=pandas) == texts


@pytest.mark.parametrize("value", [b"\x89PNG", (n for n in range(3)), object(), len])
def test_a_cell_without_a_text_is_an_error(value: Any) -> None:
    """It is not skipped, and a generator in it is not consumed."""
    with pytest.raises(SourceError):
        cell_texts([value], nan_is_missing=True)
