"""Which end is meant depends on what is compared."""

from __future__ import annotations

import pandas as pd
import pytest

from jupyter_localllm.compute.direction import End, end_of, is_age
from tests.compute.tables import snapshot

TABLE = snapshot(
    pd.DataFrame(
        {
            "speed": [80, 95],
            "lap": ["1:02.5", "0:58.1"],
            "seconds": [62.5, 58.1],
            "Rank": [2, 1],
            "born": ["2001-02-03", "1999-08-07"],
            "age": [4, 7],
            "age group": ["a", "b"],
        }
    )
).table
COLUMNS = {column.label: column for column in TABLE.columns}


@pytest.mark.parametrize(
    ("word", "end", "column", "meant"),
    [
        ("fastest", "min", "speed", "max"),
        ("fastest", "min", "lap", "min"),
        ("quickest", "min", "seconds", "min"),
        ("slowest", "min", "lap", "max"),
        ("slowest", "min", "speed", "min"),
        ("best", "max", "Rank", "min"),
        ("worst", "min", "Rank", "max"),
        ("best", "max", "speed", "max"),
        ("highest", "max", "Rank", "max"),
        ("youngest", "min", "born", "max"),
        ("youngest", "min", "age", "min"),
    ],
)
def test_ends(word: str, end: End, column: str, meant: End) -> None:
    """Least time and most speed are fast; the best rank is the first; the youngest was born last."""
    assert end_of(frozenset({word}), end, COLUMNS[column]) == meant


def test_other_words_beside_it_leave_the_end_alone() -> None:
    """Of "the most of the best" nobody says that the least is meant; nor where nothing was said."""
    assert end_of(frozenset({"best", "most"}), "max", COLUMNS["Rank"]) == "max"
    assert end_of(frozenset(), "max", COLUMNS["Rank"]) == "max"


def test_ages_are_numbers() -> None:
    """A group of ages has no oldest."""
    assert [label for label, column in COLUMNS.items() if is_age(column)] == ["age"]
