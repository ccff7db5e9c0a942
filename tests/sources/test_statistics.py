"""Figures of whole columns, one at a time."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_localllm.sources.frame import FrameKind
from jupyter_localllm.sources.statistics import by_group, figure, figures, number_text

MAKERS = [pd.DataFrame, pl.DataFrame, pa.table]


def said(data: Any, place: int = -1) -> dict[str, str]:
    """The figures of a column: operation, value."""
    table = FrameKind().snapshot(data, "it").table
    return {operation: value for operation, _, value in figures(table.columns[place], table.rows)}


@pytest.mark.parametrize("make", MAKERS)
def test_figures_of_numbers(make: Any) -> None:
    """How many, how many are missing, how many differ, the least, the most, the mean, and the sum."""
    assert said(make({"n": [4.5, None, 1.5, 4.5]})) == {
        "count(n)": "3",
        "missing(n)": "1",
        "distinct(n)": "2",
        "min(n)": "1.5",
        "max(n)": "4.5",
        "mean(n)": "3.5",
        "sum(n)": "10.5",
    }


@pytest.mark.parametrize("make", MAKERS)
def test_figures_of_texts(make: Any) -> None:
    """Blank cells are missing, blanks around a text are no part of it; equal counts stand in the table's order."""
    assert said(make({"t": ["b", " a", "", None, "a", "b ", "c"]})) == {
        "count(t)": "5",
        "missing(t)": "2",
        "distinct(t)": "3",
        "top(t)": "b (2), a (2), c (1)",
    }


@pytest.mark.parametrize("make", MAKERS)
def test_values_that_all_differ_have_no_top(make: Any) -> None:
    """The most frequent of names that come once each says nothing."""
    assert "top(t)" not in said(make({"t": ["a", "b", "c"]}))


@pytest.mark.parametrize("make", MAKERS)
def test_figures_of_nothing(make: Any) -> None:
    """A column without values has counts only."""
    for cells in ([None, None], ["", " "]):
        assert set(said(make({"t": cells}))) == {"count(t)", "missing(t)"}


@pytest.mark.parametrize("make", MAKERS)
def test_the_first_and_the_last_moment_read_as_their_cells(make: Any) -> None:
    """A date is shown as in the table, whether it is one by its type or by its text."""
    days = [dt.datetime(2024, 1, 1), dt.datetime(2023, 5, 1)]
    assert said(make({"d": days}))["min(d)"] == "2023-05-01"
    texts = said(make({"d": ["September 1", "March 3"]}))
    assert (texts["min(d)"], texts["max(d)"]) == ("March 3", "September 1")


@pytest.mark.parametrize("make", MAKERS)
def test_figures_of_truths(make: Any) -> None:
    """They are counted like texts."""
    assert said(make({"b": [True, False, True, None]}))["top(b)"] == "True (2), False (1)"


def test_sums_are_exact() -> None:
    """Narrow and wide whole numbers alike, and written out in full."""
    assert said(pl.DataFrame({"n": pl.Series([2**30] * 8, dtype=pl.Int32)}))["sum(n)"] == str(2**33)
    assert said(pd.DataFrame({"n": [2**62] * 4}))["sum(n)"] == str(2**64)


WRITTEN = [
    (12.0, "12"),
    (-0.0, "0"),
    (2 / 3, "0.666667"),
    (1_234_567.891, "1234567.891"),
    (7, "7"),
    (2**80, str(2**80)),
    (0.00001, "1e-05"),
    (-1.5, "-1.5"),
    (float("inf"), "inf"),
    (float("nan"), "nan"),
    (True, "True"),
    (1e22, "1e+22"),
    (123_456_789_012.345, "123456789012.345"),
    ("x", "x"),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN)
def test_numbers_are_written_in_few_digits(value: Any, text: str) -> None:
    """As many as are right, and no others."""
    assert number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(0.0078125)
@example(0.0009765625)
def test_what_is_written_is_near_what_was_computed(value: float) -> None:
    """To six decimals, or to all digits."""
    # 0.0078125 is 0.007812: half a digit of the sixth decimal.
    how = {"rel_tol": 1e-2} if abs(value) < 1e-3 else {"rel_tol": 1e-6, "abs_tol": 5.1e-7}
    assert math.isclose(float(number_text(value)), value, **how)


@given(st.integers())
def test_whole_numbers_are_written_whole(value: int) -> None:
    """However large."""
    assert int(number_text(value)) == value


numbers = st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=6)


@given(numbers, st.lists(st.sampled_from("ab"), min_size=6, max_size=6))
def test_sums_never_run_over(values: list[int], keys: list[str]) -> None:
    """Neither of a column nor of a group."""
    column = nw.from_native(pl.Series("n", values, dtype=pl.Int64), series_only=True)
    groups = nw.from_native(pl.Series("k", keys[: len(values)]), series_only=True)
    assert figure(column, "sum") == sum(values)
    wanted: dict[str, int] = {}
    for key, value in zip(keys, values, strict=False):
        wanted[key] = wanted.get(key, 0) + value
    assert by_group(groups, column, "sum") == wanted
