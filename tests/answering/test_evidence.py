"""What an answer may rest on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jupyter_localllm.answering.evidence import Evidence, Limits
from jupyter_localllm.answering.gathering import gather
from jupyter_localllm.answering.prompt import estimated_tokens
from jupyter_localllm.answering.select import Selected
from jupyter_localllm.sources.snapshot import take_snapshot
from tests.compute.tables import CITIES, snapshot


def test_an_answer_must_hold_what_came_out() -> None:
    """Of a computation its results, of a SELECT all its cells; words that leave one out cannot take their place."""
    read = gather("Which cities were founded before 1700?", [snapshot(pd.DataFrame(CITIES))], Limits())
    assert read.results == ("Arlen", "Corvin")
    assert Evidence(selected=Selected("SELECT 1", ("cities",), 45_500, ("45500",))).results == ("45500",)
    assert Evidence().results == ()


@pytest.mark.parametrize("text", ["", "Population of Berlin: 3,769,495", "人口", "\ud800"])
def test_tokens_are_estimated_without_a_model(text: str) -> None:
    """The estimate needs no tokenizer, and any text has one."""
    assert estimated_tokens([text])[0] >= 12


def test_fewer_passages_are_the_better_half() -> None:
    """Where the window is full, the passages that were ranked lowest go, and the reader is told how many."""
    text = "\n\n".join(f"Harbour {n} of Arlen was rebuilt in {1900 + n}." for n in range(8))
    whole = gather("When was harbour 5 of Arlen rebuilt?", [take_snapshot(text, "notes")], Limits())
    half = whole.fewer()
    assert half is not None
    assert len(half.passages) == len(whole.passages) // 2
    assert whole.choice is not None
    assert whole.choice.ranked[0].passage in half.passages
    assert [note.text for note in half.notes if note.code == "cut"] == [
        f"{len(whole.passages) - len(half.passages)} of {len(whole.passages)} passages left out:"
        " the model's window is full"
    ]
    quarter = half.fewer()
    assert quarter is not None
    assert [note.text for note in quarter.notes if note.code == "cut"] == [
        f"{len(whole.passages) - len(quarter.passages)} of {len(whole.passages)} passages left out:"
        " the model's window is full"
    ]
    last: Evidence | None = half
    while last is not None and len(last.passages) > 1:
        last = last.fewer()
    assert last is not None
    assert last.fewer() is None


def test_fewer_passages_of_a_table_are_some_of_them() -> None:
    """What was not ranked, as the figures of an overview, is not dropped at once."""
    frame = pd.DataFrame({"city": list("abcdefgh"), "people": range(8), "area": range(8, 16)})
    whole = gather("Describe towns", [take_snapshot(frame, "towns")], Limits())
    half = whole.fewer()
    assert half is not None
    assert len(whole.statements) < len(half.passages) < len(whole.passages)


def test_of_a_single_column_its_values_are_told() -> None:
    """What an array or a series holds is its values; of many the first ones, and how many there are."""
    few = gather("What is arr?", [take_snapshot(np.array([5, 6, 7]), "arr")], Limits())
    assert few.statements == ("arr has 3 values: 5, 6, 7",)
    many = gather("Describe arr", [take_snapshot(np.arange(100), "arr")], Limits())
    assert many.statements == ("arr has 100 values: 0, 1, 2, 3, 4, 5, 6, 7 and 92 more",)
    assert many.passages[0].locator.rows == tuple(range(8))
