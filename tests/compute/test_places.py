"""What is asked for and what is compared, by where the words stand."""

from __future__ import annotations

import pandas as pd
import pytest

from jupyter_localllm.compute.links import link_columns
from jupyter_localllm.compute.places import Places
from jupyter_localllm.compute.question import Question
from jupyter_localllm.compute.roles import measured, timed
from tests.compute.superlatives import TABLES
from tests.compute.tables import snapshot


def places(question: str, data: pd.DataFrame) -> Places:
    """Of a question over a table."""
    asked, table = Question.of(question), snapshot(data).table
    return Places(asked, table.columns, link_columns(asked, table))


def named(found: frozenset[int], data: pd.DataFrame) -> set[str]:
    """The columns by name; the index has no place here."""
    return {snapshot(data).table.columns[position].label for position in found}


ASKED = [
    ("Which day had the coldest night?", {"day"}),
    ("Which of the nights was the coldest?", {"night"}),
    ("What day had the highest wind?", {"day"}),
    ("the day with the highest wind", {"day"}),
    ("What is the highest wind?", set()),
    ("Who had the highest wind?", set()),
    ("Quel day a le plus haut wind ?", {"day"}),
    ("highest wind", set()),
    ("", set()),
]


@pytest.mark.parametrize(("question", "columns"), ASKED)
def test_asked(question: str, columns: set[str]) -> None:
    """Behind the asking word, or before "with the most"; elsewhere nothing is said to be asked for."""
    days = TABLES["weekdays"]
    assert named(places(question, days).asked(), days) == columns


COMPARED = [
    ("Which day had the coldest night?", {"night"}),
    ("Which day had the highest recorded wind?", {"wind"}),
    ("On which day was the wind the highest?", {"wind"}),
    ("Where was the wind highest in the night?", {"wind"}),
    ("Which is the largest in wind?", {"wind"}),
    ("the best night by wind", {"wind"}),
    ("the highest average wind", {"wind"}),
    ("the lowest low", {"low"}),
    ("the highest wind night", {"wind", "night"}),
    ("Which day was the highest?", set()),
    ("the highest of them all, as far as anybody here knows of such a wind", set()),
]


@pytest.mark.parametrize(("question", "columns"), COMPARED)
def test_compared(question: str, columns: set[str]) -> None:
    """Behind the superlative, else before it, else behind "in" or "by"; of two beside each other both."""
    days = TABLES["weekdays"]
    asked = places(question, days)
    said = asked.question.named("max") | asked.question.named("min")
    assert named(asked.compared(said, asked.asked(), measured), days) == columns


def test_only_what_fits_is_compared() -> None:
    """Latest are dates, whatever numbers stand nearer."""
    sales = TABLES["sales"]
    asked = places("Which customer has the latest count shipped?", sales)
    said = asked.question.named("last")
    assert named(asked.compared(said, asked.asked(), timed), sales) == {"shipped"}


NAMES = [
    ("the highest mean", {"mean"}),
    ("the lowest max", {"max"}),
    ("the min max", {"max"}),
    ("the max", set()),
    ("the highest mean rate", set()),
    ("the total count", {"count"}),
]


@pytest.mark.parametrize(("question", "words"), NAMES)
def test_operations_that_are_names(question: str, words: set[str]) -> None:
    """Behind another operation a word names its column, unless it stands before another name itself."""
    asked = places(question, TABLES["sensors"])
    assert asked.question.words_of(asked.names()) == words


def test_how_is_followed_by_an_adjective() -> None:
    """ "how high" asks for a figure; the column "high" is meant where nothing else is named."""
    asked = places("How high was the highest wind?", TABLES["weekdays"])
    assert asked.question.words_of(asked.adjectives()) == {"high"}
    assert places("high of Tue", TABLES["weekdays"]).adjectives() == 0
