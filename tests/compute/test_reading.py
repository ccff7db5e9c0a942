"""Questions are read as computations, in any wording, and what is not certain is said not to be."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from jupyter_localllm.compute.reading import CERTAIN, Reading, read
from tests.compute.tables import CITIES, MAKERS, snapshot


def best(question: str, data: Any = None) -> Reading:
    """How a question over the cities (or other data) is read."""
    return read(question, [snapshot(pd.DataFrame(CITIES) if data is None else data)])[0]


LOOKUPS = [
    "What is the population of Dahl?",
    "dahl population",
    "Dahl: which population?",
    "tell me Dahl's population",
    "For Dahl, how much was the population?",
    "Wie hoch ist die Population von Dahl?",
    "Quelle est la population de Dahl ?",
    "¿Cuál es la population de Dahl?",
    "Dahlのpopulationは何ですか？",  # noqa: RUF001
]


@pytest.mark.parametrize("question", LOOKUPS)
@pytest.mark.parametrize("library", sorted(MAKERS))
def test_a_cell_is_found_in_any_wording(question: str, library: str) -> None:
    """The same cell, whatever the words around its key and its column, the language, and the library."""
    reading = best(question, MAKERS[library](CITIES))
    assert reading.outcome.texts == ("45500",)
    assert reading.outcome.rows == (3,)
    assert reading.certainty >= CERTAIN


COMPUTED = [
    ("What is the average population?", "mean(population)", 251_366.666667),
    ("What is the average population in the north?", "mean(population) where region == 'north'", 470_000),
    ("Durchschnitt von population für region south", "mean(population) where region == 'south'", 26_350),
    ("How many cities are in the north?", "count(rows) where region == 'north'", 3),
    ("How many different regions are there?", "distinct(region)", 3),
    ("What is the highest area_km2?", "max(area_km2)", 400.0),
    ("lowest population of region north", "min(population) where region == 'north'", 120_000),
    ("total population", "sum(population)", 1_508_200),
    ("median population", "median(population)", 82_750),
    ("minimum of population", "min(population)", 7_200),
    ("range of population", "range(population)", 972_800),
    ("How many cities have a population over 100000?", "count(rows) where population > 100000", 3),
    ("¿Cuántas city con region east hay?", "count(rows) where region == 'east'", 1),
]


@pytest.mark.parametrize(("question", "code", "value"), COMPUTED)
def test_figures_are_computed(question: str, code: str, value: float) -> None:
    """The operation says what was computed, and the value is the table's own library's."""
    reading = best(question)
    assert reading.code == code
    assert reading.outcome.value == pytest.approx(value)


SELECTED = [
    ("Which city has the most population?", ("Corvin",)),
    ("Which city has the smallest area_km2?", ("Esk",)),
    ("who is the mayor of the city with the largest population", ("Ada Roth",)),
    ("Which city comes after Corvin?", ("Dahl",)),
    ("which city is listed before Corvin", ("Bredo",)),
    ("which has more population, Arlen or Fenn?", ("Fenn",)),
    ("Which cities were founded before 1700?", ("Arlen", "Corvin")),
    ("which cities have more population than Arlen?", ("Corvin", "Fenn")),
    ("what is the difference in population between Arlen and Fenn", ("190000",)),
    ("Which region has the highest average population?", ("north",)),
    ("mean population for each region", ("north: 470000", "south: 26350", "east: 45500")),
]


@pytest.mark.parametrize(("question", "texts"), SELECTED)
def test_rows_are_chosen(question: str, texts: tuple[str, ...]) -> None:
    """Superlatives, neighbours, comparisons and groups give the cells that answer."""
    assert best(question).outcome.texts == texts


@pytest.mark.parametrize(
    "question",
    [
        "What is the population of Gorm?",
        "What is the population of Greater Arlen Port?",
        "What is the harbour depth of Corvin?",
        "What is the population of Dahl in 1850?",
        "Who was the first president of the United States?",
        "Was ist die Einwohnerdichte von Vestby?",
    ],
)
def test_what_is_not_there_is_not_certain(question: str) -> None:
    """A key or a column that the table lacks makes every reading uncertain: nothing near it is taken instead."""
    assert all(reading.certainty < CERTAIN for reading in read(question, [snapshot(pd.DataFrame(CITIES))]))


def test_a_misspelt_key_is_found() -> None:
    """One wrong letter in a key does not hide its row."""
    data = pd.DataFrame({"player": ["Henrietta Olsen", "Marten Falk"], "goals": [7, 9]})
    assert best("How many goals has Henrieta Olsen?", data).outcome.texts == ("7",)


def test_rows_of_totals_are_not_counted() -> None:
    """The row of totals is neither summed again nor the largest of all; asked for, it is there."""
    data = pd.DataFrame({"team": ["A-Town", "Bay", "Cove", "Dale", "Total"], "points": [3, 5, 0, 0, 8]})
    assert best("What is the sum of points?", data).outcome.value == 8
    assert best("Which team has the most points?", data).outcome.texts == ("Bay",)
    assert best("What are the points of Total?", data).outcome.texts == ("8",)


def test_numbers_in_texts_are_numbers() -> None:
    """Thousands separators, units and footnotes do not keep a column from being added up."""
    data = pd.DataFrame({"site": ["Oak", "Elm", "Ash"], "visitors": ["1,200", "900 [a]", "$3,000"]})
    assert best("total visitors", data).outcome.value == 5_100
    assert best("Which site has the most visitors?", data).outcome.texts == ("Ash",)


def test_dates_compare_as_dates() -> None:
    """A comparison with a year or a date is one of moments, in texts as well as in datetimes."""
    texts = pd.DataFrame({"match": ["one", "two", "three"], "date": ["14 March 2004", "2 May 2006", "9 July 2010"]})
    typed = texts.assign(date=pd.to_datetime(["2004-03-14", "2006-05-02", "2010-07-09"]))
    for data in (texts, typed):
        assert best("which match was after 2005", data).outcome.texts == ("two", "three")
        assert best("what was the last match", data).outcome.texts == ("three",)
        assert best("which match has the date 2 May 2006", data).outcome.texts == ("two",)


def test_two_tables_are_read_as_one_choice() -> None:
    """The table that the question speaks of answers, whichever comes first."""
    cities, ships = pd.DataFrame(CITIES), pd.DataFrame({"ship": ["Astra", "Borea"], "length": [80, 120]})
    for sources in ([snapshot(cities), snapshot(ships, "ships")], [snapshot(ships, "ships"), snapshot(cities)]):
        reading = read("What is the length of Borea?", sources)[0]
        assert (reading.source.name, reading.outcome.texts) == ("ships", ("120",))


def test_tables_that_disagree_leave_the_meaning_certain() -> None:
    """Two tables that say different things of one row are asked the same: how it is meant is as certain as before."""
    one, other = pd.DataFrame(CITIES), pd.DataFrame(CITIES)
    question = "What is the population of Dahl?"
    assert read(question, [snapshot(one, "one"), snapshot(other, "other")])[0].certainty >= CERTAIN
    other.loc[3, "population"] = 99
    first, second = read(question, [snapshot(one, "one"), snapshot(other, "other")])[:2]
    assert [(r.source.name, r.outcome.texts) for r in (first, second)] == [("one", ("45500",)), ("other", ("99",))]
    assert first.meant_as(second)
    assert first.certainty >= CERTAIN
    assert not first.meant_as(first)


def test_a_number_that_its_neighbour_does_not_hold_may_be_a_year() -> None:
    """ "wins in 2003" are those of a year, though the number stands beside another column; "rank 6" is a rank."""
    games = pd.DataFrame({"Year": [2002, 2003, 2003], "Team": ["Reds", "Reds", "Blues"], "Wins": [28, 9, 22]})
    assert best("2003 Reds wins", games).outcome.texts == ("9",)
    ranks = pd.DataFrame({"Rank": [1, 2], "Name": ["Ann", "Bob"], "Points": [6, 8]})
    assert not any("Points == " in r.code for r in read("Who has rank 6?", [snapshot(ranks)]))


def test_the_same_every_time() -> None:
    """A question is read the same way again, in all its alternatives."""
    first, second = (read("How many cities are in the north?", [snapshot(pd.DataFrame(CITIES))]) for _ in range(2))
    assert [(r.code, r.certainty) for r in first] == [(r.code, r.certainty) for r in second]
