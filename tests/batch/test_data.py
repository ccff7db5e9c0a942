"""What counts as rows, and what is said of what does not."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from jupyter_localllm.batch.data import open_data, unused_name
from jupyter_localllm.errors import UsageError


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("text", "a str is one value, not rows"),
        (b"text", "a bytes is one value"),
        ({"a": [1]}, "a dict is not rows"),
        ({1, 2}, "a set has no order"),
        (frozenset({1}), "a frozenset has no order"),
        (5, "there are no rows in a value of type int"),
        (None, "there are no rows in a value of type NoneType"),
        (pd.DataFrame, "there are no rows in a value of type type"),
        (np.array(5), "there are no rows in a value of type ndarray"),
        (pl.LazyFrame({"a": [1]}), "a LazyFrame of polars has no rows before it is computed"),
    ],
)
def test_what_has_no_rows_is_refused(data: Any, says: str) -> None:
    """Each thing that people may take for rows is refused in its own words, with what to do."""
    with pytest.raises(UsageError, match=says) as caught:
        open_data(data)
    assert caught.value.hint


def test_what_must_be_awaited_is_refused() -> None:
    """Coroutines and async generators cannot be gone through by a cell that does not await."""

    async def numbers() -> Any:
        yield 1

    coroutine = asyncio.sleep(0)
    for data in (numbers(), coroutine):
        with pytest.raises(UsageError, match="must be awaited"):
            open_data(data)
    coroutine.close()


@pytest.mark.parametrize(
    "data",
    [
        [1, 2],
        (1, 2),
        range(1, 3),
        deque([1, 2]),
        {1: "a", 2: "b"}.keys(),
        np.array([1, 2]),
        iter([1, 2]),
        pd.Index([1, 2]),
    ],
)
def test_ordered_collections_are_rows(data: Any) -> None:
    """Whatever can be gone through in a certain order is rows of plain values."""
    assert [row.values["value"] for row in open_data(data).rows()] == [1, 2]


def test_looking_at_the_first_row_uses_nothing_up() -> None:
    """The first item of an iterator can be looked at, and still comes."""
    data = open_data(iter("abc"))
    assert data.single_use
    assert data.first() == data.first()
    assert [row.values["value"] for row in data.rows()] == ["a", "b", "c"]
    assert not open_data(["a"]).single_use


def test_nothing_is_read_before_it_is_asked_for() -> None:
    """An iterator's items are taken one by one, so that an endless one can be mapped until it is stopped."""
    taken: list[int] = []

    def endless() -> Any:
        while True:
            taken.append(len(taken))
            yield taken[-1]

    rows = open_data(endless()).rows()
    assert [next(rows).position for _ in range(3)] == [0, 1, 2]
    assert taken == [0, 1, 2]


@pytest.mark.parametrize("kind", [list, iter])
def test_an_unknown_key_has_a_close_match(kind: Any) -> None:
    """A column that the records do not have is an error with the nearest one that they do."""
    with pytest.raises(UsageError, match="no column txet") as caught:
        open_data(kind([{"text": "a", "stars": 1}]), "txet").first()
    assert caught.value.hint == "Did you mean text? The columns are: text, stars."


def test_plain_values_have_no_columns() -> None:
    """A column of a list of texts is an error that names what the value is called."""
    with pytest.raises(UsageError, match="the rows are plain values") as caught:
        open_data(["a"], "text")
    assert "{{ value }}" in caught.value.hint


def test_records_and_the_column_asked_for() -> None:
    """A record's keys are names, `row` is all of it, and `value` is the column, even where a key is called so."""
    record = {"text": "a", "value": "b", 3: "c"}
    plain, column = open_data([record]), open_data([record], "text")
    assert plain.first().values == {"row": record, "text": "a", "value": "b"}  # type: ignore[union-attr]
    assert column.first().values == {"row": record, "text": "a", "value": "a"}  # type: ignore[union-attr]


def test_unused_name() -> None:
    """A name that is taken gets the first number that is free."""
    assert unused_name("answer", []) == "answer"
    assert unused_name("answer", ["answer", "answer_2"]) == "answer_3"
