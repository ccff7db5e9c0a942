"""Arrays that are tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jupyter_localllm.compute.reading import CERTAIN, read
from jupyter_localllm.sources import array_table as module
from jupyter_localllm.sources import passages_array
from jupyter_localllm.sources.array_table import array_table
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from jupyter_localllm.sources.passages_array import HeldArray
from jupyter_localllm.sources.snapshot import take_snapshot

HEIGHTS = np.array([3.5, 9.75, -1.25, 8.0])
RECORDS = np.array([("ann", 3, 1.5), ("bob", 4, 2.5)], dtype=[("name", "U5"), ("n", "i4"), ("x", "f8")])


@pytest.mark.parametrize(
    ("array", "question", "texts"),
    [
        (HEIGHTS, "What is the maximum?", ("9.75",)),
        (HEIGHTS, "What is the mean of the heights?", ("5",)),
        (HEIGHTS, "How many heights are above 5?", ("2",)),
        (RECORDS, "What is the x of bob?", ("2.5",)),
        (RECORDS, "What is the sum of n?", ("7",)),
        (np.array(["2020-01-01", "2021-05-05"], dtype="M8[D]"), "What is the last of the heights?", ("2021-05-05",)),
    ],
)
def test_arrays_are_computed_with(array: Any, question: str, texts: tuple[str, ...]) -> None:
    """A row of numbers is asked as a column is, records by the names of their fields."""
    snapshot = take_snapshot(array, "heights")
    assert isinstance(snapshot, FrameSnapshot)
    reading = read(question, [snapshot])[0]
    assert reading.outcome.texts == texts
    assert reading.certainty >= CERTAIN


def test_the_array_may_change_afterwards() -> None:
    """What is written into the array after the question does not reach the answer."""
    array = HEIGHTS.copy()
    snapshot = take_snapshot(array, "heights")
    array[:] = 0
    assert isinstance(snapshot, FrameSnapshot)
    assert read("What is the maximum?", [snapshot])[0].outcome.texts == ("9.75",)


@pytest.mark.parametrize(
    "array",
    [
        np.array([1 + 2j, 3]),
        np.ma.array([1, 2], mask=[False, True]),
        np.arange(6).reshape(2, 3),
        np.array([1]),
        np.array([]),
        np.array([object(), object()]),
        np.array([b"a", b"b"]),
        np.array([(b"a", 1)] * 2, dtype=[("s", "S1"), ("n", "i4")]),
        np.array([((1, 2),)], dtype=[("pair", "i4", 2)]),
    ],
)
def test_what_is_no_table_stays_an_array(array: Any) -> None:
    """Complex and masked numbers, tables of numbers, objects, bytes, and fields that are arrays themselves."""
    assert array_table(array, "a") is None


@pytest.mark.parametrize("array", [np.broadcast_to(np.float64(1), 10**9), np.array([(1, 2)] * 60, dtype="i4,i4")])
def test_a_large_array_is_not_copied_whole(array: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the bound for arrays it is one, of which the first values are read; this is said."""
    monkeypatch.setattr(passages_array, "MAX_ARRAY_VALUES", 100)
    assert array_table(array, "a") is None
    if array.dtype.names is None:
        assert "only the first 100 of 1,000,000,000 rows" in take_snapshot(array, "a").notes[0].text


def test_without_a_library_of_tables_it_is_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither polars, pandas nor pyarrow is there, its values are cited by blocks."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert isinstance(take_snapshot(HEIGHTS, "heights"), HeldArray)
