"""Where in a table a word stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jupyter_localllm.sources.values as room
from jupyter_localllm.compute.links import near
from jupyter_localllm.sources.column_words import holds
from jupyter_localllm.sources.frame import FrameKind
from jupyter_localllm.sources.tokens import stem, tokens
from jupyter_localllm.sources.values import Values

MAKERS = [pd.DataFrame, pl.DataFrame, pa.table]
CITIES = {
    "city": ["New York", "York", "New  York", " york ", None, "Newark New Jersey"],
    "state": ["New York", "", "New York", "PA", "PA", "New Jersey"],
    "n": [1, 2, 3, 4, 5, 6],
}


def index(data: Any) -> Values:
    """The index of a table's values."""
    return FrameKind().snapshot(data, "it").values


@pytest.mark.parametrize("make", MAKERS)
def test_values_are_found_by_their_words(make: Any) -> None:
    """In each column, whatever case and blanks; the words must stand in a row."""
    values = index(make(CITIES))
    found = {column.label: texts for column, texts in values.with_words(["new", "york"])}
    assert found == {"city": ["New York"], "state": ["New York"]}
    found = {column.label: texts for column, texts in values.with_words(["york"])}
    assert found == {"city": ["New York", "York", "york"], "state": ["New York"]}
    assert list(values.with_words(["york", "new"])) == []
    assert list(values.with_words(["boston"])) == []
    assert list(values.with_words(["new", "boston"])) == []


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("small", [True, False])
def test_rows_hold_what_is_read(make: Any, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python or the table's own library looks, by size: the same rows, whatever blanks stand around the text."""
    if not small:
        monkeypatch.setattr(room, "SMALL", 0)
    values = index(make(CITIES))
    city, state, _ = values.table.columns
    assert values.rows(city, ["New York"]).nonzero()[0].tolist() == [0, 2]
    assert values.rows(city, ["york", "York"]).nonzero()[0].tolist() == [1, 3]
    assert values.rows(state, ["PA", "nothing"]).nonzero()[0].tolist() == [3, 4]
    assert not values.rows(city, []).any()
    found = {column.label: texts for column, texts in values.with_words(["new", "york"])}
    assert found == {"city": ["New York"], "state": ["New York"]}


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize(
    "column",
    [
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series(pd.Categorical(["a", "b", "a"])),
        pd.Series([["x"], ["y"], None]),
        pl.Series(["a", "b", "a"], dtype=pl.Categorical),
        pl.Series([["x"], ["y"], None]),
        pa.array(["a", "b", None]).dictionary_encode(),
        pa.array([b"a", b"b", None]),
    ],
    ids=lambda column: str(getattr(column, "dtype", None) or column.type),
)
def test_cells_of_any_type_are_found(column: Any, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text that a column has leads to the rows that have it."""
    if not small:
        monkeypatch.setattr(room, "SMALL", 0)
    values = index(column)
    last = values.table.columns[-1]
    texts = last.read_rows(range(3))
    for text in filter(None, dict.fromkeys(texts)):
        assert values.rows(last, [text]).tolist() == [one == text for one in texts]


def test_numbers_and_dates_are_no_words() -> None:
    """Columns that are numbers or dates by their type are not indexed: they are compared."""
    values = index(pl.DataFrame({"n": [1, 2], "t": ["1", "2"]}).with_columns(d=pl.date(2024, 1, 1)))
    assert [column.label for column in values.columns] == ["t"]


def test_a_column_of_many_values_is_found_by_whole_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words are not indexed, and its whole values are still found."""
    monkeypatch.setattr(room, "MAX_VALUES", 3)
    values = index(pd.DataFrame({"id": [f"id {n}" for n in range(10)], "kind": ["a", "b"] * 5}))
    assert [column.label for column in values.large] == ["id"]
    assert [column.label for column in values.columns] == ["kind"]
    assert values.rows(values.large[0], ["id 7"]).nonzero()[0].tolist() == [7]
    assert values.stems_of(values.large[0], "id 7") == ("id", "7")


@pytest.mark.parametrize(
    ("text", "words", "there"),
    [
        ("a b c", "b c", True),
        ("a b c", "a c", False),
        ("a b c", "a b c", True),
        ("a", "a b", False),
        ("a a b", "a b", True),
    ],
)
def test_words_stand_one_after_the_other(text: str, words: str, there: bool) -> None:
    """Not merely all of them somewhere."""
    assert holds(text.split(), words.split()) is there


letters = st.text(st.sampled_from("abcdé"), min_size=1, max_size=7)


@settings(deadline=None)
@given(st.lists(letters, min_size=1, max_size=30), st.text(st.sampled_from("abcde"), min_size=4, max_size=7))
def test_all_words_that_are_spelt_nearly_so_are_offered(words: list[str], word: str) -> None:
    """None that differs in one letter is missed, and they come in the order of the table."""
    values = index(pl.DataFrame({"w": words}))
    offered = values.spelt_like(word)
    assert [other for other in offered if near(word, other)] == [
        other for other in values.vocabulary if len(other) >= 4 and near(word, other)
    ]
    assert set(offered) <= set(values.vocabulary)


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=6), min_size=1, max_size=12))
def test_every_value_is_found_by_its_own_words(cells: list[str | None]) -> None:
    """Whatever characters it has."""
    values = index(pl.DataFrame({"w": pl.Series(cells, dtype=pl.String)}))
    column = values.table.columns[0]
    for row, text in enumerate(column.texts):
        words = [stem(token) for token in tokens(text)]
        if column in values.columns and words:
            assert any(text in texts for _, texts in values.with_words(words))
        if column in values.columns and text:
            assert values.rows(column, [text])[row]


def test_rows_are_flags() -> None:
    """One for each row."""
    values = index(pd.DataFrame(CITIES))
    flags = values.rows(values.table.columns[0], ["York"])
    assert flags.dtype == np.bool_
    assert flags.shape == (6,)
