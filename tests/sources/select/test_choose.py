"""Choosing passages within a budget."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jupyter_localllm.sources.select import Bounds, Choice, Kept, choose
from jupyter_localllm.types import Locator, Passage
from tests.sources.select.fakes import Lines, SearchingLines, count_words

CITIES = Lines(
    "cities",
    [
        "Berlin lies on the Spree and has 3.8 million inhabitants",
        "Hamburg lies on the Elbe and has 1.9 million inhabitants",
        "Munich lies on the Isar and has 1.5 million inhabitants",
        "Cologne lies on the Rhine and has 1.1 million inhabitants",
    ],
)
FRUITS = Lines("fruits", ["Apples are red", "Pears are green", "Plums are blue"])


def ask(question: str, *sources: Lines, budget: int = 100, **options: object) -> Choice:
    return choose(sources or (CITIES, FRUITS), question, budget, count_words, **options)  # type: ignore[arg-type]


def texts(choice: Choice) -> list[str]:
    return [passage.text for passage in choice.passages]


def test_the_best_passage_is_chosen_within_the_budget() -> None:
    """Room for one passage: the one that the question is about; the others are named with tokens, rank and reason."""
    choice = ask("On which river is Hamburg?", CITIES, budget=12)
    assert texts(choice) == [CITIES.lines[1]]
    assert (choice.tokens, choice.costs) == (10, (10,))
    assert all("left" in cut.reason for cut in choice.cut)


def test_what_is_cut_is_told() -> None:
    """Each passage that was found is either chosen or cut, with its tokens, its rank and a reason."""
    choice = ask("inhabitants of Munich", CITIES, budget=22)
    assert len(choice.passages) == 2
    assert [cut.rank for cut in choice.cut] == [3, 4]
    assert [cut.tokens for cut in choice.cut] == [10, 10]
    assert {cut.reason for cut in choice.cut} == {"10 tokens, 2 left"}
    assert len(choice.ranked) == 4


def test_every_named_source_has_a_word() -> None:
    """A source that does not speak of the question still gives its beginning, before the second one of another."""
    choice = ask("inhabitants of Munich", budget=14)
    assert texts(choice) == [CITIES.lines[2], FRUITS.lines[0]]


def test_an_overview_stands_for_its_source() -> None:
    """Where nothing is found, a source that has an overview is shown by it."""

    class WithOverview(Lines):
        def overview(self) -> Passage:
            return Passage(self.name, "schema", "three fruits with colours", Locator())

    choice = ask("inhabitants of Munich", CITIES, WithOverview("fruits", FRUITS.lines), budget=100)
    assert texts(choice)[-1] == "three fruits with colours"


def test_passages_stand_in_the_order_of_their_source() -> None:
    """Whatever ranks first: sources as they were named, each in its own order."""
    choice = ask("Plums, Cologne, apples and Berlin")
    assert texts(choice) == [CITIES.lines[0], CITIES.lines[3], FRUITS.lines[0], FRUITS.lines[2]]


def test_what_was_computed_comes_first() -> None:
    """The caller's passages lead, in the caller's order, and are not said twice."""
    must = [
        Passage("cities", "computed", "mean(inhabitants) = 2.1"),
        Passage("fruits", "text", FRUITS.lines[1], Locator(lines=(2, 2))),
    ]
    choice = ask("green pears in Berlin", must=must)
    assert choice.passages[:2] == tuple(must)
    assert texts(choice).count(FRUITS.lines[1]) == 1
    assert texts(choice)[2:] == [CITIES.lines[0]]


def test_a_computed_result_without_room_is_said() -> None:
    """Even the caller's passages keep to the budget; a note tells of the loss."""
    choice = ask("Berlin", CITIES, budget=3, must=[Passage("cities", "computed", "a result of many more words")])
    assert choice.passages == ()
    assert [(note.code, note.text) for note in choice.notes] == [
        ("budget", "1 computed result (6 tokens) left out: no room beside the question")
    ]


def test_what_is_said_already_is_dropped() -> None:
    """A passage that stands in another one of its source is cut; in another source it is a second voice."""
    notes = Lines("notes", ["Berlin has a zoo", "Berlin has a zoo", "Berlin has a zoo and a castle"])
    other = Lines("other", ["Berlin has a zoo"])
    choice = ask("Berlin zoo", notes, other)
    assert texts(choice) == [notes.lines[2], other.lines[0]]
    assert {cut.reason for cut in choice.cut} == {"said by another passage of notes", "part of a longer passage"}


def test_a_beginning_is_not_the_same() -> None:
    """``price: 5`` does not stand in ``price: 50``, nor in ``price: 5.3``."""
    notes = Lines("notes", ["price: 5", "price: 50", "price: 5.3"])
    assert len(ask("price", notes).passages) == 3


def test_at_most_so_many() -> None:
    """`most` bounds the number of passages, besides the caller's."""
    choice = ask("million inhabitants", CITIES, most=2, must=[Passage("x", "computed", "one")])
    assert len(choice.passages) == 3
    assert {cut.reason for cut in choice.cut} == {"beyond the 2 best"}


def test_a_source_may_rank_itself() -> None:
    """Its own order is kept and it is not indexed; its passages are compared with others by one measure."""
    own = SearchingLines("own", ["Berlin has a zoo", "Berlin is large", "nothing of the kind"])
    choice = ask("Berlin zoo", own, FRUITS)
    mine = [ranked.passage.text for ranked in choice.ranked if ranked.passage.source == "own"]
    assert mine == list(own.lines[::-1])
    assert choice.coverage.best == 1
    scores = [ranked.score for ranked in choice.ranked]
    assert scores == sorted(scores, reverse=True)


def test_coverage_tells_of_a_missing_subject() -> None:
    """A question whose subject no source knows is covered less than one whose subject is there."""
    there, missing = ask("inhabitants of Munich").coverage, ask("inhabitants of Zurich").coverage
    assert there.missing == ()
    assert there.best > 0.95
    assert missing.missing == ("zurich",)
    assert missing.best < 0.6


def fruit_model(asked: Sequence[str]) -> NDArray[np.float64]:
    """A model that knows that plums are what one makes slivovitz of."""
    return np.array([["Plums" in t or "slivovitz" in t, "Apples" in t, "Pears" in t] for t in asked], dtype=float)


def test_meaning_finds_what_words_do_not() -> None:
    """With an embedding model a passage is found that shares no word with the question."""
    assert texts(ask("slivovitz", FRUITS, budget=3)) == [FRUITS.lines[0]]
    assert texts(ask("slivovitz", FRUITS, budget=3, embed=fruit_model)) == [FRUITS.lines[2]]


def test_indexes_are_kept() -> None:
    """A second question over the same content reads only what it shows."""
    kept = Kept()
    cities = Lines("cities", CITIES.lines)
    ask("Berlin", cities, kept=kept)
    before = cities.read
    ask("Hamburg", cities, kept=kept)
    assert cities.read == before


def test_a_cut_index_is_told() -> None:
    """The note of the bound reaches the choice."""
    choice = ask("Berlin", CITIES, bounds=Bounds(passages=2))
    assert [note.code for note in choice.notes] == ["index"]


@pytest.mark.parametrize("question", ["", "???", '"; DROP TABLE', "\ud800", "the of and"])
def test_a_question_without_words_gets_beginnings(question: str) -> None:
    """Each source is shown by its first passage, and nothing fails."""
    choice = ask(question)
    assert {passage.source for passage in choice.passages} == {"cities", "fruits"}


def test_nothing_to_choose_from() -> None:
    """No source, an empty source, no budget: an empty choice."""
    assert choose([], "Berlin", 100, count_words).passages == ()
    assert ask("Berlin", Lines("empty", [])).passages == ()
    assert ask("Berlin", budget=0).passages == ()
    assert ask("Berlin", budget=-5).passages == ()


_WORDS = ("red", "green", "blue", "pear", "plum", "apple")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join), max_size=12),
    st.integers(0, 40),
    st.lists(st.sampled_from((*_WORDS, "the")), max_size=4).map(" ".join),
)
def test_the_budget_is_kept_and_nothing_is_lost(lines: list[str], budget: int, question: str) -> None:
    """Any source and budget: chosen tokens fit, and what was found is either chosen or cut, never both."""
    choice = ask(question, Lines("notes", lines), budget=budget)
    assert choice.tokens == sum(count_words(texts(choice))) <= budget
    places = [p.locator.lines for p in choice.passages]
    assert places == sorted(places)  # type: ignore[type-var]
    told = places + [cut.passage.locator.lines for cut in choice.cut]
    assert len(told) == len(set(told))
    assert {ranked.passage.locator.lines for ranked in choice.ranked} <= set(told)


def test_the_choice_is_the_same_in_every_process() -> None:
    """Hash seeds do not matter: another process chooses the same passages and gives the same scores."""
    code = (
        "from tests.sources.select.test_choose import ask, fruit_model\n"
        "choice = ask('green plums on the Rhine', budget=30, embed=fruit_model)\n"
        "print([(r.score, r.passage.text) for r in choice.ranked], [p.text for p in choice.passages])\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
