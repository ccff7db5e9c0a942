"""The dictionary of words for operations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.compute.words import _phrases, _read, function_words, named_operations
from jupyter_localllm.sources.tokens import tokens

NAMED = [
    ("how many rows", {"count"}),
    ("wie viele", {"count"}),
    ("多少个", {"count"}),
    ("the average price", {"mean"}),
    ("le plus grand", {"max"}),
    ("la mediana", {"median"}),
    ("rows of names", set()),
    ("", set()),
]


@pytest.mark.parametrize(("text", "operations"), NAMED)
def test_words_name_operations(text: str, operations: set[str]) -> None:
    """In several languages, and nothing where none is named."""
    assert operations <= {operation for _, _, operation in named_operations(tokens(text))}
    assert operations or not named_operations(tokens(text))


def test_the_longest_phrase_counts() -> None:
    """ "how many times" holds "how many": it is one phrase."""
    spans = {(start, stop) for start, stop, name in named_operations(tokens("how many times")) if name == "count"}
    assert spans == {(0, 3)}


def test_a_phrase_may_stand_anywhere_and_twice() -> None:
    """A word has its places."""
    found = [
        (start, stop) for start, stop, name in named_operations(tokens("average of the average")) if name == "mean"
    ]
    assert found == [(0, 1), (3, 4)]


def test_every_phrase_of_the_dictionary_names_its_operation() -> None:
    """No entry is out of reach, in the form in which words are compared."""
    for operation, phrases in _read()["operations"].items():
        for phrase in phrases:
            words = tokens(phrase)
            assert words, phrase
            named = named_operations(words)
            assert any(
                name in (operation, "inclusive") and (start, stop) == (0, len(words)) for start, stop, name in named
            )


def test_no_phrase_stands_twice_for_an_operation() -> None:
    """A phrase that is listed twice would be two pieces of evidence."""
    phrases, longest = _phrases()
    assert all(len(set(names)) == len(names) for names in phrases.values())
    assert longest == max(map(len, phrases))


def test_function_words_are_folded_words() -> None:
    """They compare with the words of questions, and words of operations that say something are not among them."""
    assert all(word and tokens(word) == [word] for word in function_words())
    assert {"the", "of", "die", "que"} <= function_words()
    assert not {"average", "population", "berlin"} & function_words()


@given(st.lists(st.sampled_from(["how", "many", "most", "average", "of", "x", "different"]), max_size=12))
def test_what_is_found_stands_there_and_within_nothing_else(words: list[str]) -> None:
    """Each finding is a phrase of the dictionary, and none is a part of a longer one of its operation."""
    phrases, _ = _phrases()
    found = named_operations(words)
    assert len(set(found)) == len(found)
    for start, stop, name in found:
        assert name in phrases[tuple(words[start:stop])]
        for other in found:
            if other != (start, stop, name) and other[2] == name:
                assert not (other[0] <= start and stop <= other[1])


def test_a_text_of_nothing_but_operations_is_read() -> None:
    """20,000 words for the most do not take each other's time."""
    assert len(named_operations(["most"] * 20_000)) >= 20_000
