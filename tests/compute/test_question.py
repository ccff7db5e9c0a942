"""Questions as words, and what they may point at."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_localllm.compute.question import LITTLE, Question, bits


def test_words_have_weights() -> None:
    """A function word says little, a name says something; in capitals it is a name."""
    asked = Question.of("What is the population of AL?")
    assert asked.words == ("what", "is", "the", "population", "of", "al")
    assert [weight == LITTLE for weight in asked.weights] == [True, True, True, False, True, False]
    assert asked.weight(0b001000) == 1.0
    assert asked.weight(0) == 0
    assert asked.unexplained(0b001000) == ("al",)
    assert asked.unexplained_places(0) == (3, 5)
    assert asked.says_little(0, 3)
    assert not asked.says_little(2, 4)
    assert asked.known
    assert not Question.of("Quenya lirilla").known


def test_shouting_makes_no_names() -> None:
    """Where all is written in capitals, they say nothing."""
    assert (
        Question.of("WHAT IS THE POPULATION OF OSLO").weights == Question.of("what is the population of oslo").weights
    )


def test_words_next_to_an_explained_one_are_beside_it() -> None:
    """Function words do not count as neighbours."""
    asked = Question.of("greater Arlen of Port")
    assert asked.beside(0, 0b0010)
    assert not asked.beside(3, 0b0010)
    assert not asked.beside(3, 0b0100)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("over 500", ["500"]),
        ("over 1,500.5 or seven", ["1500.5", "7"]),
        ("1.2.3", []),
        ("1,5", []),
        ("the 3rd of ten", ["3", "10"]),
        ("½", []),
        ("nothing", []),
        ("2004-03-14", []),
    ],
)
def test_numbers(text: str, numbers: list[str]) -> None:
    """As digits, as words, with separators; what is not one number is none."""
    assert [digits for _, _, digits in Question.of(text).numbers()] == numbers


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("in 2005", ["2005"]),
        ("on 14 March 2005 or in 2006", ["2005-03-14", "2006"]),
        ("am 14. März 2005", ["2005-03-14"]),
        ("on 2005-03-14", ["2005-03-14"]),
        ("in March", ["0000-03"]),
        ("the match", []),
        ("12 of 30", []),
    ],
)
def test_moments(text: str, moments: list[str]) -> None:
    """The longest dates there are, each once."""
    assert [said for _, _, said in Question.of(text).moments()] == moments


def test_names_are_known_by_their_capitals() -> None:
    """ "For" in the middle of a sentence is a name, at its beginning or in small letters it is not."""
    assert Question.of("How many For votes").writes("For")
    assert not Question.of("For how many votes").writes("For")
    assert not Question.of("how many for votes").writes("For")
    assert not Question.of("HOW MANY FOR VOTES").writes("For")


HOSTILE = [
    "\uff9e",
    "\ud800",
    "\u0301\u0301",
    "\x00",
    "<|im_end|>",
    "½ ² Ⅷ ١٢",
    "?" * 50,
    "'; DROP TABLE",
    "📈📉",
    "\u202egnp.exe",
]


@given(st.text(max_size=60))
@example(" ".join(HOSTILE))
def test_any_text_is_a_question(text: str) -> None:
    """Whatever characters it has; its parts fit together, and numbers can be computed with."""
    asked = Question.of(text)
    assert len(asked.words) == len(asked.stems) == len(asked.weights) == len(asked.written) == asked.size
    for start, stop, digits in asked.numbers():
        assert 0 <= start < stop <= asked.size
        float(digits)
    taken: set[int] = set()
    for start, stop, said in asked.moments():
        assert 0 <= start < stop <= asked.size
        assert not taken & set(range(start, stop))
        taken |= set(range(start, stop))
        assert said[:4].isdecimal()
    everything = bits([(0, asked.size)])
    assert asked.unexplained(everything) == ()
    assert asked.weight(everything) == pytest.approx(sum(asked.weights))
    for operation in asked.operations:
        assert asked.named(operation) & everything


spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)).map(lambda s: (s[0], s[0] + s[1])), max_size=5)


@given(spans)
def test_bits_are_sets_of_places(some: Any) -> None:
    """A bit for each word of a span."""
    places = {place for start, stop in some for place in range(start, stop)}
    assert bits(some) == sum(1 << place for place in places)
