"""What of a table the words of a question point at."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_localllm.compute.links import ValueLink, link_columns, link_values, near
from jupyter_localllm.compute.question import Question
from tests.compute.tables import CITIES, MAKERS, snapshot

SHOPS = {
    "shop": ["North Gate", "North Bridge", "Gate House", "AL", "Zoë's"],
    "opened": ["14 March 2005", "2 May 2006", "3 June 2006", "1 July 2007", "4 July 2008"],
    "#": [1, 2, 3, 4, 5],
    "unit_price": [1.5, 2.5, 10.0, 2005.0, 7.0],
}


def columns(question: str, data: Any = None) -> dict[str, float]:
    """Columns that a question names, and how far."""
    table = snapshot(pd.DataFrame(SHOPS) if data is None else data).table
    links = link_columns(Question.of(question), table)
    return {column.label: round(link.share, 2) for column, link in zip(table.columns, links, strict=True) if link.share}


def values(question: str, data: Any = None) -> list[ValueLink]:
    """Values that a question names."""
    held = snapshot(pd.DataFrame(SHOPS) if data is None else data)
    return link_values(Question.of(question), held.values)


def best(question: str, data: Any = None) -> tuple[int, str, str, bool]:
    """The best one: column, comparison, value, whole."""
    link = values(question, data)[0]
    return link.condition.column, link.condition.comparison, link.condition.value, link.whole


def test_columns_are_named_whole_or_in_part() -> None:
    """Identifiers by their words, in any form of the word; signs where they stand by themselves."""
    assert columns("the unit price")["unit_price"] == 1
    assert columns("unitPrice of it")["unit_price"] == 1
    assert columns("prices")["unit_price"] == 0.5
    assert columns("what is # of it?") == {"#": 1}
    assert columns("a#b") == {}
    assert columns("nothing of this") == {}


def test_a_function_word_names_a_column_only_as_its_whole_name() -> None:
    """ "No" is a column, "of" in "Date of birth" names none."""
    data = pd.DataFrame({"No": [1], "Date of birth": ["x"]})
    assert columns("No of it", data) == {"No": 1}


@pytest.mark.parametrize("library", sorted(MAKERS))
def test_values_are_named(library: str) -> None:
    """Whole, in part of several, in part of one, in other letters, by number and by date."""
    data = MAKERS[library](SHOPS)
    assert best("price of North Gate", data) == (0, "==", "North Gate", True)
    assert best("shops in the north", data) == (0, "has", "north", False)
    assert best("price of the House", data)[:3] == (0, "==", "Gate House")
    assert best("price of zoe's", data) == (0, "==", "Zoë's", True)
    assert best("on 2 May 2006", data)[:3] == (1, "==", "2 May 2006")
    assert any(link.condition.value == "2006" and link.condition.comparison == "in" for link in values("in 2006", data))
    assert any(link.condition.value == "2.5" for link in values("which has 2.5", data))
    assert values("nothing at all of this", data) == []


def test_the_longest_name_counts() -> None:
    """ "North Gate" is not also every "Gate"."""
    links = [link.condition.value for link in values("price of North Gate") if link.condition.column == 0]
    assert links == ["North Gate"]


def test_dates_that_are_named_are_whole_wherever_they_stand() -> None:
    """Not only if the first row has them."""
    days = pd.to_datetime(["2004-03-14", "2006-05-02", "2010-07-09"])
    for data in (pd.DataFrame({"d": days}), pl.DataFrame({"d": days}), pa.table({"d": pa.array(days)})):
        for day in ("14 March 2004", "2 May 2006", "9 July 2010"):
            links = values(f"on {day}", data)
            assert [link.whole for link in links if link.condition.comparison == "in"] == [True]


def test_one_wrong_letter_is_forgiven_in_long_words() -> None:
    """And only where the word stands nowhere as it is written."""
    data = pd.DataFrame({"name": ["Henrietta Olsen", "Marten Falk"]})
    link = values("age of Henrieta Olsen", data)[0]
    assert (link.condition.value, link.whole) == ("Henrietta Olsen", True)
    assert link.cost > 0
    assert values("age of Marietta", data) == []


@pytest.mark.parametrize(
    ("one", "other", "is_near"),
    [
        *(
            ("berlin", "berlin", True),
            ("berlin", "berlim", True),
            ("berlin", "erlin", True),
            ("berlin", "bberlin", True),
        ),
        *(("berlin", "eberlin", True), ("berlin", "belrin", True), ("berlin", "berlni", True), ("", "a", True)),
        *(("berlin", "bremen", False), ("berlin", "berl", False), ("abcd", "dcba", False), ("ab", "ba", True)),
    ],
)
def test_near_words(one: str, other: str, is_near: bool) -> None:
    """One letter changed, missing, added, or two that changed places; whichever is compared with which."""
    assert near(one, other) is is_near
    assert near(other, one) is is_near


words = st.text(st.sampled_from("abc"), max_size=6)


@given(words, words)
def test_nearness_is_one_step(one: str, other: str) -> None:
    """As the definition has it, by trying all steps."""
    steps = {one}
    for at in range(len(one) + 1):
        steps |= {one[:at] + letter + one[at:] for letter in "abc"}
        steps |= {one[:at] + letter + one[at + 1 :] for letter in "abc"} if at < len(one) else set()
        steps.add(one[:at] + one[at + 1 :])
        steps.add(one[:at] + one[at : at + 2][::-1] + one[at + 2 :])
    assert near(one, other) is (other in steps)


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(["Arlen", "north", "population", "most", "1650", "over", "2e9", "²", "١٢", "\uff9e", "#"])
    ).map(" ".join),
)


@settings(deadline=None, max_examples=60)
@given(HOSTILE)
@example("9" * 5_000)
@example("population " * 300)
@example("before 99999-01-01 over 1e999 or ٣")
@example("\ud800 Arlen")
def test_any_question_has_links(question: str) -> None:
    """Whatever its characters: nothing is raised, and each link points at words that are there."""
    asked = Question.of(question)
    for make in MAKERS.values():
        held = snapshot(make(CITIES))
        for column in link_columns(asked, held.table):
            assert 0 <= column.share <= 1.0001
            assert column.mask >> asked.size == 0
        for link in link_values(asked, held.values):
            assert 0 < link.mask < 1 << asked.size
            assert 0 <= link.cost < 1


def test_a_long_text_among_many_names_is_read() -> None:
    """2,000 words that stand nowhere are not each compared with each of 20,000 names."""
    held = snapshot(pl.DataFrame({"name": [f"person{n:05d}x surname{n:05d}y" for n in range(20_000)]}))
    question = Question.of(" ".join(f"unknown{'abcdefghij'[n % 10] * (n % 7)}word" for n in range(2_000)))
    assert link_values(question, held.values) == []


def shares(question: str, names: list[str]) -> dict[str, float]:
    """How far columns of numbers are named."""
    table = snapshot(pd.DataFrame({name: [2, 3] for name in names})).table
    return {
        c.label: link.share for c, link in zip(table.columns, link_columns(Question.of(question), table), strict=True)
    }


def test_a_word_that_is_a_column_is_no_form_of_another() -> None:
    """ "order" is that column and not "ordered" as well; without it the likeness tells."""
    assert shares("the last order", ["order", "ordered"]) == {"order": 1.0, "ordered": 0.0}
    assert shares("the last order", ["count", "ordered"])["ordered"] > 0


def test_numbers_behind_a_superlative_are_no_values() -> None:
    """ "the two highest" and "the first three" speak of rows, and of no cell that holds 2 or 3."""
    data = pd.DataFrame({"high": [2, 3], "wind": [9, 7]})
    assert not [link for link in values("wind of the first three days", data) if link.condition.value == "3"]
    assert all(link.cost > 0.2 for link in values("What are the two highest winds?", data))
    assert best("wind where high is 2", data) == (0, "==", "2", True)
