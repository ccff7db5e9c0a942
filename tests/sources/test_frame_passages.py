"""Blocks of rows and figures of groups as passages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_localllm.answering.evidence import Limits
from jupyter_localllm.answering.gathering import gather
from jupyter_localllm.answering.prompt import estimated_tokens
from jupyter_localllm.sources.frame import FrameKind
from jupyter_localllm.sources.frame_groups import group_figures
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot

MAKERS = [pd.DataFrame, pl.DataFrame, pa.table]
DATA: dict[str, list[Any]] = {
    "town": ["Arlen", "Bredo", "Corvin", "Dorn", "Erl", "Fahl"],
    "region": ["north", "south", "north", None, "south", "north"],
    "people": [10, 20, 60, 40, None, 20],
    "since": [1990, 1991, 1995, 1990, 2001, 2003],
    "open": [True, False, True, True, False, None],
    "day": [dt.date(2024, 1, 1)] * 6,
}


def held(data: Any) -> FrameSnapshot:
    """A table held still."""
    return FrameKind().snapshot(data, "towns")


@pytest.mark.parametrize("make", MAKERS)
def test_a_figure_for_each_group(make: Any) -> None:
    """Rows, means and sums by columns with few values; how many rows have no key is said."""
    passages = {p.locator.operation: p for p in held(make(DATA)).passages() if p.locator.operation}
    assert (
        passages["count(rows) by region"].text == "Number of rows by region: north: 3; south: 2 (1 row has no region)"
    )
    mean = passages["mean(people) by region"]
    assert mean.text == "Mean of people by region: north: 30; south: 20 (1 row has no region)"
    assert mean.locator.columns == ("people", "region")
    assert mean.shown == (("region", "mean(people) by region"), ("north", "30"), ("south", "20"))
    assert (
        passages["sum(people) by region"].text == "Sum of people by region: north: 90; south: 20 (1 row has no region)"
    )
    assert "count(rows) by town" not in passages
    assert "sum(since) by region" not in passages


@pytest.mark.parametrize("make", MAKERS)
def test_rows_of_totals_are_in_no_group(make: Any) -> None:
    """They would count twice."""
    data = {"region": ["a", "b", "a", "b", "a", "Total"], "n": [1.5, 2, 3, 4, 1, 11.5]}
    texts = [passage.text for passage in held(make(data)).passages() if passage.locator.operation == "sum(n) by region"]
    assert texts == ["Sum of n by region: a: 5.5; b: 6"]


@pytest.mark.parametrize("make", MAKERS)
def test_a_group_cannot_read_as_two(make: Any) -> None:
    """Nor can its name be taken for a figure: it stands in quotes then. Totals without a key are no rows."""
    data = {"region": ["US; US: 5", "EU", None, "US; US: 5", "EU", None], "who": [*"abcde", "Total"]}
    texts = [p.text for p in held(make(data)).passages() if p.locator.operation == "count(rows) by region"]
    assert texts == ['Number of rows by region: "US; US: 5": 2; EU: 2 (1 row has no region)']


def test_numbers_of_the_rows_are_not_added_up() -> None:
    """The sum of 1, 2, 3, … says nothing."""
    data = {"region": ["a", "b", "a", "b"], "id": [3, 1, 2, 4], "n": [7, 8, 7, 1]}
    assert [one.operation for one in group_figures(held(pd.DataFrame(data)).table)] == [
        "count(rows) by region",
        "mean(n) by region",
        "sum(n) by region",
    ]


def test_there_are_not_too_many_of_them() -> None:
    """However wide the table is."""
    data = {f"key{n}": ["a", "b"] * 10 for n in range(30)} | {f"n{n}": [1.5, 2.5] * 10 for n in range(30)}
    assert len(list(group_figures(held(pd.DataFrame(data)).table))) == 3 + 2 * 3 * 4


@pytest.mark.parametrize("make", MAKERS)
def test_blocks_hold_each_row_once(make: Any) -> None:
    """Rows that follow each other, with the names of the columns; bounded, however long the cells are."""
    snapshot = held(make({"a": [f"cell {n}" for n in range(21)], "b": ["x" * 300] * 21}))
    blocks = [passage for passage in snapshot.passages() if passage.kind == "rows"]
    rows = [row for block in blocks for row in block.locator.rows or ()]
    assert rows == sorted(set(rows))
    assert set(range(21)) - set(rows) <= {20}  # a last one by itself is no block
    for block in blocks:
        first, last = (block.locator.rows or ())[0] + 1, (block.locator.rows or ())[-1] + 1
        assert block.locator.label == f"rows {first} to {last}"
        assert block.locator.columns == ("a", "b")
        assert len(block.text) < 1_500
        assert f"- row {first}: a: cell {first - 1}; b: " in block.text


@pytest.mark.parametrize("make", MAKERS)
def test_blocks_and_groups_are_stale_when_a_cell_has_changed(make: Any) -> None:
    """They are looked up in the table of now: those that hold the cell differ, the others do not."""
    before = held(make(DATA))
    after = held(make({**DATA, "people": [10, 20, 60, 40, None, 21]}))
    stale = set()
    for passage in before.passages():
        if passage.kind == "rows" or " by " in (passage.locator.operation or ""):
            now = after.resolve(passage.locator)
            assert before.resolve(passage.locator) == passage
            assert now is not None
            stale |= {passage.locator.label} if now.sha256 != passage.sha256 else set()
    assert {"rows 1 to 6", "mean(people) by region", "sum(people) by region"} <= stale
    assert "count(rows) by region" not in stale
    fewer = held(make({name: cells[:5] for name, cells in DATA.items()}))
    assert fewer.resolve(before.block(range(6)).locator) is None
    assert held(make({"town": DATA["town"]})).resolve(before.block(range(6)).locator) is None


@pytest.mark.parametrize("question", ["Describe the table", "What is in this table?", "What is towns about?"])
def test_a_table_as_a_whole(question: str) -> None:
    """The card, figures, groups and first rows, within the tokens that there are; places lead back."""
    snapshot = held(pd.DataFrame(DATA))
    passages = gather(question, [snapshot], Limits()).passages
    assert [passage.kind for passage in passages][:1] == ["schema"]
    assert "mean(people) by region" in [passage.locator.operation for passage in passages]
    assert passages[-1].kind == "rows"
    assert all(snapshot.resolve(passage.locator) == passage for passage in passages)
    few = gather(question, [snapshot], Limits(tokens=300)).passages
    assert 1 < len(few) < len(passages)
    assert sum(estimated_tokens([passage.text for passage in few])) <= 300


@pytest.mark.parametrize("question", ["How are you?", "What is the weather like in the table?"])
def test_a_question_about_something_else_is_none_about_the_table(question: str) -> None:
    """Nothing in it points at the table, or something in it points elsewhere."""
    assert gather(question, [held(pd.DataFrame(DATA))], Limits()).passages == ()


def test_several_rows_that_answer_stand_whole_behind_it() -> None:
    """The model sees what else they say; of many rows it is too much."""
    evidence = gather("Which towns are in the region north?", [held(pd.DataFrame(DATA))], Limits())
    assert [passage.locator.label for passage in evidence.passages] == [
        "town where region == 'north'",
        "rows 1, 3 and 6",
    ]
    assert "- row 3: town: Corvin; region: north; people: 60" in evidence.passages[1].text
    many = {name: cells * 10 for name, cells in DATA.items()}
    evidence = gather("Which towns are in the region north?", [held(pd.DataFrame(many))], Limits())
    assert [passage.kind for passage in evidence.passages] == ["computed"]
