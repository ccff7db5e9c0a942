"""`jupyter_localllm.show.plain`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.show.plain import PlainStream, clean

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "\x1b",
                "[",
                "]",
                "0;t",
                "31",
                "m",
                "\x07",
                "\\",
                "\x9b",
                "\x9c",
                "\x9d",
                "P",
                "(",
                "B",
                "\r",
                "\n",
                "a",
                "c",
            ]
        ),
        st.text(max_size=3),
    ),
    max_size=30,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;ZXZpbA==\x1b\\text", "text"),
        ("\x9d0;title\x9ctext", "text"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("\x1b(Btext\x1bc", "text"),
        ("\x1b]8;;http://evil.example\x1b\\label\x1b]8;;\x1b\\", "label"),
        ("a\x1b]0;never closed", "a0;never closed"),
        ("a\x1b", "a"),
        ("back\x08space\x00\x7f", "backspace"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("is_\u202eadmin\u202c \u2066x\u2069", "is_[U+202E]admin[U+202C] [U+2066]x[U+2069]"),
        ("half \ud800", "half \ufffd"),
        ("שלום, 世界, \u200dé", "שלום, 世界, \u200dé"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    """Terminal sequences and controls go, direction changes become visible, everything else stays."""
    assert clean(text) == expected


@given(pieces)
def test_nothing_that_controls_is_left(parts: list[str]) -> None:
    """No text, however its sequences are nested or broken, leaves a control character."""
    assert not CONTROL.search(clean("".join(parts)))


@given(pieces)
def test_cleaning_is_done_once(parts: list[str]) -> None:
    """Removing sequences does not make new ones."""
    once = clean("".join(parts))
    assert clean(once) == once


@given(pieces)
def test_pieces_give_the_same_as_the_whole(parts: list[str]) -> None:
    """A sequence cut across pieces is removed as if it came whole."""
    stream = PlainStream()
    assert "".join([*map(stream.feed, parts), stream.close()]) == clean("".join(parts))


def test_every_character_alone() -> None:
    """Even one character at a time."""
    text = "a\x1b]0;title\x1b\\b\x1b[38;5;1mc\r\nd\x9dx\x9ce"
    stream = PlainStream()
    assert "".join([*map(stream.feed, text), stream.close()]) == "abc\nde"


def test_plain_text_is_not_held_back() -> None:
    """What a person waits for is shown at once."""
    stream = PlainStream()
    assert stream.feed("Paris") == "Paris"
    assert stream.feed(" is\x1b[3") == " is"


def test_an_open_sequence_does_not_swallow_the_answer() -> None:
    """A string control that is never closed hides at most a few thousand characters, and only for a while."""
    stream = PlainStream()
    shown = stream.feed("\x1b]" + "x" * 5000)
    assert shown == "x" * 5000


def test_long_texts_are_cheap() -> None:
    """Ten megabytes without a control, and a million escapes, take no noticeable time."""
    assert len(clean("a" * 10_000_000)) == 10_000_000
    assert clean("\x1b[" * 1_000_000) == ""
    assert clean("\x1b]" * 1_000_000) == ""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("opens", ["\x90", "\x9da"])
def test_strings_that_never_end_are_cheap(opens: str) -> None:
    """Millions of sequences that begin within each other take no noticeable time, whole or in pieces."""
    text = opens * (1_500_000 // len(opens)) + "end"
    stream = PlainStream()
    assert clean(text) == stream.feed(text[:700_000]) + stream.feed(text[700_000:]) + stream.close()
    assert CONTROL.search(clean(text)) is None
