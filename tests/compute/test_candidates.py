"""Every computation that a question might mean, and the same ones in every process."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_localllm.compute.candidates import Candidate, candidates
from jupyter_localllm.compute.question import Question
from jupyter_localllm.compute.reading import read
from tests.compute.tables import CITIES, MAKERS, snapshot


def made(question: str, data: Any = None) -> list[Candidate]:
    """All candidates."""
    held = snapshot(pd.DataFrame(CITIES) if data is None else data)
    return candidates(Question.of(question), held.table, held.values)


def codes(question: str, data: Any = None) -> list[str]:
    """How they are written, the best first."""
    held = snapshot(pd.DataFrame(CITIES) if data is None else data)
    return [c.operation.code(held.table) for c in candidates(Question.of(question), held.table, held.values)]


WANTED = [
    ("population of Dahl", "population where city == 'Dahl'"),
    ("how many in the north", "count(rows) where region == 'north'"),
    ("average area_km2 of the north", "mean(area_km2) where region == 'north'"),
    ("sum of population by region", "sum(population) by region"),
    (
        "difference in population between Arlen and Fenn",
        "difference(population) where city == 'Arlen' and city == 'Fenn'",
    ),
    ("cities with more population than Arlen", "city where population > population where city == 'Arlen'"),
    ("cities founded before 1700", "city where founded < 1700"),
    ("cities with a population of at least 120000", "city where population >= 120000"),
    ("the city after Corvin", "after(city) where city == 'Corvin'"),
    ("the last city", "city with max(row)"),
    ("the city with the latest founded", "city with max(row)"),
    ("population of Ada Roth in the north", "population where mayor == 'Ada Roth' and region == 'north'"),
    ("difference between the highest and the lowest population", "range(population)"),
]


@pytest.mark.parametrize(("question", "code"), WANTED)
def test_what_is_meant_is_among_them(question: str, code: str) -> None:
    """Each family of operations is offered where its words are there."""
    assert code in codes(question)


def test_what_is_not_named_is_not_computed() -> None:
    """Without a word for it there is no sum, no mean, and no most."""
    functions = {c.operation.function for c in made("population of Dahl")}
    assert functions == {"get"}
    assert made("who are you") == []


def test_the_best_come_first_and_the_score_is_what_is_explained_less_what_is_guessed() -> None:
    """In this order they are run."""
    found = made("What is the average population in the north?")
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)
    question = Question.of("What is the average population in the north?")
    assert all(c.score == pytest.approx(question.weight(c.mask) - c.cost) for c in found)


def test_conditions_of_one_candidate_rest_on_different_words() -> None:
    """A word is not two conditions."""
    data = pd.DataFrame({"a": ["york", "x", "york"], "b": ["york", "york", "z"], "n": [1, 2, 3]})
    for candidate in made("n of york", data):
        assert len(candidate.operation.conditions) <= 1


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("question", ["most a", "how many a", "a of x", "average b", "last a", "a after x", ""])
def test_small_tables_have_candidates_or_none(rows: int, question: str) -> None:
    """A table without rows is no error, nor is one without columns."""
    made(question, pd.DataFrame({"a": ["x"] * rows, "b": [1] * rows}))
    made(question, pd.DataFrame(index=range(rows)))
    assert read(question, [snapshot(pd.DataFrame({"a": [], "b": []}))]) == []


def test_of_many_columns_those_that_are_named_are_tried() -> None:
    """A table of 2,000 columns does not take 2,000 columns' time, and the named one is found."""
    data = pl.DataFrame({"name": ["u", "v"]} | {f"c{place} size": [place, place + 1] for place in range(2_000)})
    held = snapshot(data)
    reading = read("c1234 size of v", [held])[0]
    assert reading.outcome.texts == ("1235",)


HOSTILE = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [
                *(
                    "Arlen",
                    "Bredo",
                    "north",
                    "population",
                    "most",
                    "least",
                    "how",
                    "many",
                    "average",
                    "sum",
                    "of",
                    "by",
                ),
                *(
                    "each",
                    "not",
                    "1650",
                    "over",
                    "before",
                    "2000",
                    "2e9",
                    "²",
                    "١٢",
                    "\uff9e",
                    "#",
                    "<|im_end|>",
                    "last",
                ),
                *("after", "between", "and", "difference", "different", "city", "mayor", "東京"),
            ]
        ),
        max_size=14,
    ).map(" ".join),
)


@settings(deadline=None, max_examples=80)
@given(HOSTILE, st.sampled_from(sorted(MAKERS)))
@example("over 99999999999999999999999999 population", "polars")
@example("population == 18446744073709551616", "pyarrow")
@example("before 0000-00-00", "pandas")
@example("difference between Arlen and Arlen and Arlen", "polars")
def test_any_question_is_read(question: str, library: str) -> None:
    """Nothing is raised; certainties are shares, results are there, and rows are in the table."""
    for reading in read(question, [snapshot(MAKERS[library](CITIES))]):
        assert 0 <= reading.certainty <= 1
        assert reading.outcome.texts
        assert all(0 <= row < 6 for row in reading.outcome.rows)
        assert reading.code
        assert reading.words


ODD = {
    "t": ["a", None, "", " b "],
    "mixed": [1, "x", None, [1]],
    "when": ["14 March 2004", "x", None, "2006"],
    "": [1.5, None, float("nan"), 2.0],
}


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.sampled_from(
            ["a", "b", "x", "most", "least", "average", "sum", "t", "mixed", "when", "2004", "by", "each", "how many"]
        )
    ).map(" ".join)
)
def test_odd_tables_are_read(question: str) -> None:
    """Mixed cells, missing ones, and a column without a name."""
    for reading in read(question, [snapshot(pd.DataFrame(ODD))]):
        assert reading.outcome.texts


@pytest.mark.parametrize(
    "question", ["population " * 50_000, "x" * 100_000, "most " * 20_000, "1 " * 50_000, "東" * 100_000]
)
def test_a_very_long_question_has_no_certain_reading(question: str) -> None:
    """No computation could be all of it: none is certain, and nobody waits for one."""
    assert all(reading.certainty < 0.01 for reading in read(question, [snapshot(pd.DataFrame(CITIES))]))


SEEDED = """
import pandas as pd
from jupyter_localllm.compute.reading import read
from jupyter_localllm.sources.frame import FrameKind
df = pd.DataFrame({
    "player": ["Henrietta Olsen", "Henriette Olsson", "Marten Falk", "Martin Falke", "Anna Berg"],
    "team": ["north star", "star north", "north star", "south star", "south"],
    "goals": [7, 9, 9, 7, 3],
    "games": [3, 9, 1, 9, 9],
})
snapshot = FrameKind().snapshot(df, "df")
print(snapshot.sha256)
for question in (
    "goals of Henriettq Olsen", "Marton Falke goals", "most goals star", "which team has the most games",
    "difference between Henrietta and Marten", "north south star", "goals 9 7 3", "average goals by team",
):
    for r in read(question, [snapshot]):
        print(question, r.code, r.certainty, r.score, r.outcome)
"""


def test_other_processes_read_alike() -> None:
    """Whatever the seed of Python's own hashes: the same readings in the same order, and the same hash."""
    said = {
        subprocess.run(
            [sys.executable, "-c", SEEDED],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("0", "1", "2", "3", "4")
    }
    assert len(said) == 1
    assert said.pop().count("\n") > 8
