"""Arrays as blocks of values with their positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_localllm.sources import passages_array
from jupyter_localllm.sources.passages_array import hold_array
from jupyter_localllm.sources.snapshot import take_snapshot
from jupyter_localllm.types import Locator


def _texts(value: Any) -> list[str]:
    held = hold_array(value, "w") if type(value) is np.ndarray else take_snapshot(value, "w")
    return [passage.text for passage in held.passages() if passage.kind != "statistic"]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (np.array([1, 2]), ["values 1 to 2 of w: 1, 2"]),
        (np.array([1.5]), ["value 1 of w: 1.5"]),
        (np.array([0.1], dtype="f4"), ["value 1 of w: 0.1"]),
        (np.array([[1, 2], [3, 4]]), ["rows 1 to 2 of w:\nrow 1: 1, 2\nrow 2: 3, 4"]),
        (np.array(["2024-01-02"], dtype="M8[D]"), ["value 1 of w: 2024-01-02"]),
        (np.array(["a b", "c"]), ["values 1 to 2 of w: a b, c"]),
        (np.ma.masked_array([1, 2], mask=[0, 1]), ["values 1 to 2 of w: 1, null"]),
        (np.array(5), ["w: 5"]),
        (np.array([1, "a", None], dtype=object), ["w: 1, a, null"]),
        (np.array([(1, "a")], dtype=[("n", "i4"), ("s", "U1")]), ["n of a: 1", "s of a: a"]),
        (np.zeros((2, 3, 4)), ["w: array of shape 2 x 3 x 4, float64"]),
        (pd.Index(["a", "b"]), ["w: a, b"]),
        (pd.Categorical(["a", "b"]), ["w: a, b"]),
    ],
)
def test_arrays(value: Any, texts: list[str]) -> None:
    """Each kind of array, by its values."""
    assert _texts(value) == texts


def test_a_wide_row_comes_in_blocks_of_columns() -> None:
    """Rows and columns by position, and in words counted from one."""
    passages = [p for p in take_snapshot(np.arange(90).reshape(2, 45), "w").passages() if p.kind != "statistic"]
    assert len(passages) == 6
    assert passages[5].locator.rows == (1,)
    assert passages[5].locator.columns == ("40", "41", "42", "43", "44")
    assert passages[5].text == "row 2, columns 41 to 45 of w: 85, 86, 87, 88, 89"


def test_no_more_than_the_bound_is_copied_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A huge array, as a view of one number, is read to its bound."""
    monkeypatch.setattr(passages_array, "MAX_ARRAY_VALUES", 100)
    held = take_snapshot(np.broadcast_to(np.float64(0), (10**9, 10)), "w")
    assert "only the first 10 of 1,000,000,000 rows of w" in held.notes[0].text
    assert all(passage.kind != "statistic" for passage in held.passages()), "a figure of a part"
    assert sum(len(p.locator.rows or ()) for p in held.passages()) == 10


def test_an_empty_array_is_said_to_be_empty() -> None:
    """No passage, and a note."""
    for value in (np.zeros(0), np.zeros((0, 3)), np.zeros((3, 0))):
        held = take_snapshot(value, "w")
        assert list(held.passages()) == []
        assert [note.code for note in held.notes] == ["empty"]


@pytest.mark.parametrize("rows", [(), (5, 7), (-1,), (49, 50)])
def test_rows_that_are_not_there(rows: tuple[int, ...]) -> None:
    """No passage and no error."""
    assert take_snapshot(np.arange(50), "w").resolve(Locator(rows=rows)) is None


def test_shape_and_type_are_part_of_the_hash() -> None:
    """The same bytes in another shape are another array."""
    hashes = {take_snapshot(value, "w").sha256 for value in (np.zeros(4), np.zeros((2, 2)), np.zeros(4, dtype="i8"))}
    assert len(hashes) == 3


def test_figures_of_all_values() -> None:
    """The most, the least, the mean and the sum are passages with their operation; missing values are left out."""
    held = take_snapshot(np.array([[3.5, np.nan], [8.0, 2.5]]), "grid")
    figures = {p.locator.operation: (p.text, p.value) for p in held.passages() if p.kind == "statistic"}
    assert figures["max(grid)"] == ("maximum of grid: 8.0 (n = 3, 1 missing)", "8.0")
    assert figures["sum(grid)"][1] == "14.0"
    assert set(figures) == {"max(grid)", "min(grid)", "mean(grid)", "sum(grid)"}
    for other in (np.array([["a", "b"], ["c", "d"]]), np.array([[np.nan], [np.nan]]), np.array([[1j], [2]])):
        assert not any(p.kind == "statistic" for p in take_snapshot(other, "grid").passages())


@pytest.mark.parametrize(
    ("array", "figures"),
    [
        (np.array([[2**62] * 3]), {"max": str(2**62), "min": str(2**62), "mean": "4.611686018427388e+18"}),
        (np.array([[2**64 - 1, 1]], dtype="u8"), {"sum": str(2**64)}),
        (np.array([[2**62] * 3]), {"sum": str(3 * 2**62)}),
        (np.array([[100, 100]], dtype="i1"), {"sum": "200", "mean": "100.0"}),
        (np.full((1, 100), 60_000, dtype="f2"), {"sum": "6000000.0", "mean": "60000.0"}),
        (np.array([[0.1, 0.1]], dtype="f4"), {"sum": "0.2", "mean": "0.1", "max": "0.1"}),
        (np.array([[np.inf, -np.inf, 1]]), {"sum": None, "mean": None, "max": None, "min": None}),
        (np.array([[np.inf, 1]]), {"sum": None, "mean": None, "max": None, "min": "1.0"}),
        (np.array([[1e308, 1e308]]), {"sum": None, "max": "1e+308"}),
    ],
)
def test_figures_do_not_run_over(array: Any, figures: dict[str, str | None]) -> None:
    """Sums of whole numbers are exact, narrow numbers are added in 64 bits, and what is not finite is left out."""
    found = {p.locator.operation: p.value for p in hold_array(array, "w").passages() if p.kind == "statistic"}
    assert {name: found.get(f"{name}(w)") for name in figures} == figures


def test_whole_numbers_are_added_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are."""
    monkeypatch.setattr(passages_array, "_PART", 7)
    found = {p.locator.operation: p.value for p in hold_array(np.arange(100).reshape(4, 25), "w").passages()}
    assert found["sum(w)"] == "4950"
