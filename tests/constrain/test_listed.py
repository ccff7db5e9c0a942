"""Choices and numbers."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.constrain import Choices, Numbers
from jupyter_localllm.errors import UsageError
from tests.constrain.contract import (
    ConstraintContract,
    Sample,
    allowed_by_mask,
    allowed_one_by_one,
    campaign,
    walk,
    written,
)
from tests.constrain.vocabularies import TINY, of_pieces, token_of

NUMBERS = ("1", "12", "1887", "-3.5", "1,234", "18")
TEXTS = ("yes", "no", "none", "日本", "日本語", "é", "ü und é", "😀", "a b")


class TestChoices(ConstraintContract):
    samples = (
        Sample(lambda: Choices(TEXTS), TEXTS.__contains__),
        Sample(lambda: Choices(["<|im_end|>"]), "<|im_end|>".__eq__),
        Sample(lambda: Choices({str(i): i for i in range(3000)}), {str(i) for i in range(3000)}.__contains__),
    )


class TestNumbers(ConstraintContract):
    samples = (
        Sample(lambda: Numbers(NUMBERS), NUMBERS.__contains__),
        Sample(lambda: Numbers(["٣", "½ 1"]), ["٣", "½ 1"].__contains__),
    )


@campaign(60)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=6), min_size=1, max_size=12), st.integers(0))
def test_any_texts(texts: list[str], seed: int) -> None:
    """Any texts at all: an answer is one of them, and mask and question agree at every step."""
    matcher = Choices(texts).start(TINY)
    tokens, ended = walk(matcher, TINY, np.random.default_rng(seed), check=True)
    assert ended
    assert written(tokens, TINY).decode() in texts


def test_every_choice_can_be_written() -> None:
    """None of the texts is shut out by another that begins like it, and by any tokens that write it."""
    for text in NUMBERS:
        matcher = Numbers(NUMBERS).start(TINY)
        for byte in text.encode():
            token = token_of(bytes([byte]))
            assert matcher.allows(token)
            matcher.advance(token)
        assert matcher.allows(2)
        assert matcher.allows(0)


def test_one_and_twelve() -> None:
    """After "1" the answer may end, and may go on to "12"; after "12" it can only end."""
    matcher = Numbers(["1", "12"]).start(TINY)
    assert not matcher.allows(2)
    matcher.advance(token_of(b"1"))
    assert not matcher.finished
    assert matcher.allows(2)
    assert matcher.allows(token_of(b"2"))
    matcher.advance(token_of(b"2"))
    assert matcher.finished
    assert allowed_by_mask(matcher, TINY) == TINY.ends


def test_a_token_too_long_is_not_allowed() -> None:
    """A token that writes a choice and more is none of its beginnings."""
    matcher = Choices(["ye"]).start(TINY)
    assert matcher.allows(token_of(b"ye"))
    assert not matcher.allows(token_of(b"yes"))


def test_the_end_changes_nothing() -> None:
    """An end token may be given to `advance`, once or twice."""
    matcher = Numbers(["1", "12"]).start(TINY)
    matcher.advance(token_of(b"1"))
    matcher.advance(2)
    matcher.advance(0)
    assert matcher.allows(token_of(b"2"))


def test_halves_of_characters() -> None:
    """A character split over tokens may only be finished to a right one."""
    matcher = Choices(["é", "日"]).start(TINY)
    matcher.advance(token_of(b"\xc3"))
    assert {TINY.tokens[t] for t in allowed_by_mask(matcher, TINY)} == {b"\xa9"}
    matcher = Choices(["é日"]).start(TINY)
    matcher.advance(token_of(b"\xc3"))
    assert {TINY.tokens[t] for t in allowed_by_mask(matcher, TINY)} == {b"\xa9", b"\xa9\xe6"}


def test_dead_ends_are_avoided() -> None:
    """Without tokens for all bytes, no token is allowed after which no answer can be finished."""
    vocabulary = of_pieces([b"a", b"\xc3", b"aX", "é".encode(), b"c", b"Xc"], "halves")
    matcher = Choices(["é", "aé", "aXc"]).start(vocabulary)
    assert allowed_by_mask(matcher, vocabulary) == {1, 3, 4}
    assert allowed_one_by_one(matcher, vocabulary) == {1, 3, 4}
    matcher.advance(1)
    assert allowed_by_mask(matcher, vocabulary) == allowed_one_by_one(matcher, vocabulary) == {4, 6}


def test_what_cannot_be_written_is_refused() -> None:
    """A text for which the model has no tokens is named."""
    with pytest.raises(UsageError, match="no tokens to write 'yé'"):
        Choices(["y", "yé"]).start(of_pieces([b"y", b"\xc3"], "y"))


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([], "There are no choices"),
        ("yes", "are one text"),
        ([1, 2], "which is no text"),
        (["a", ""], "is empty"),
        (None, "not a list of texts"),
        (["\ud800"], "no valid Unicode"),
    ],
)
def test_wrong_choices(texts: object, says: str) -> None:
    """What is no list of texts is refused, and says what is wrong."""
    with pytest.raises(UsageError, match=says):
        Choices(texts)  # type: ignore[arg-type]


def test_wrong_numbers() -> None:
    """A text without a digit is no number; a list of none allows nothing."""
    with pytest.raises(UsageError, match="'many' is no number"):
        Numbers(["12", "many"])
    with pytest.raises(UsageError, match="There are no numbers"):
        Numbers([])


def test_order_and_repetition_do_not_matter() -> None:
    """The same set is the same constraint."""
    assert Choices(["b", "a", "b"]) == Choices({"a", "b"})
    assert Numbers(iter(["2", "1"])).key == Numbers(["1", "2"]).key
    assert Numbers(["1"]).key != Choices(["1"]).key


def test_no_extra_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choices and numbers work where llguidance is not installed."""
    monkeypatch.setitem(sys.modules, "llguidance", None)
    assert Choices(["yes"]).start(TINY).allows(token_of(b"ye"))
