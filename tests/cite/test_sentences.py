# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Sentences of a text that is still being written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.cite.sentences import LONGEST, Piece, Splitter, sentences_of
from tests.constrain.contract import campaign

_BITS = (
    *(
        ". ",
        "! ",
        "? ",
        "。",
        "\n",
        "\n\n",
        " ",
        "a",
        "Bc",
        "3",
        "12.",
        "Dr. ",
        "z. B. ",
        "[1]",
        " [2]",
        "[",
        "]",
        "`",
        "```",
    ),
    *(
        "```\n",
        "~~~\n",
        "- ",
        "1. ",
        "| ",
        "## ",
        "\r\n",
        "\r",
        '"',
        "”",
        "...",
        "…",
        "Mai",
        "3.14",
        "e.g. ",
        "日本",
        "؟ ",
        ".",
        "[1, ",
    ),
)
texts = st.lists(st.sampled_from(_BITS), max_size=25).map("".join)


def in_pieces(text: str, cuts: list[int]) -> list[Piece]:
    splitter, found, at = Splitter(), [], 0
    for cut in sorted({min(cut, len(text)) for cut in cuts} | {len(text)}):
        found += splitter.feed(text[at:cut])
        at = cut
    return found + splitter.finish()


@campaign(500)
@given(texts, st.lists(st.integers(0, 80), max_size=8))
def test_nothing_is_lost_and_cuts_do_not_matter(text: str, cuts: list[int]) -> None:
    """The pieces together are the text, and they are the same however the text came."""
    whole = in_pieces(text, [])
    assert "".join(piece.text for piece in whole) == text
    assert in_pieces(text, cuts) == whole
    assert in_pieces(text, list(range(len(text)))) == whole


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It is 3.14 and 1.234,5. Next", ["It is 3.14 and 1.234,5.", "Next"]),
        ("Dr. Kane, e.g. Nicholas T. Kane, won.", ["Dr. Kane, e.g. Nicholas T. Kane, won."]),
        ("Am 3. Mai und am 12. Platz. Ende.", ["Am 3. Mai und am 12. Platz.", "Ende."]),
        ("He has 12. The team has 3.", ["He has 12.", "The team has 3."]),
        ("It was in 1887. The end.", ["It was in 1887.", "The end."]),
        ("See No. 5 and p. 7. Yes or no. No.", ["See No. 5 and p. 7.", "Yes or no.", "No."]),
        ("柏林有三百万人。巴黎呢？好！", ["柏林有三百万人。", "巴黎呢？", "好！"]),
        ("هل هي كبيرة؟ نعم. جدا", ["هل هي كبيرة؟", "نعم.", "جدا"]),
        ("यह बड़ा है। हाँ।", ["यह बड़ा है।", "हाँ।"]),
        ("A [1]. B. [2] C.[3] D 。[4]", ["A [1].", "B. [2]", "C.[3]", "D 。[4]"]),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
        ("- one\n- two\n1. three", ["one", "two", "three"]),
        ("| a. B | 3. C |\n|---|---|", ["| a. B | 3. C |", "|---|---|"]),
        ("## Title\nText. \n\n> quoted", ["Title", "Text.", "quoted"]),
        ("Use `a. B` now. Or ``x. ` Y``. Z", ["Use `a. B` now.", "Or ``x. ` Y``.", "Z"]),
        ("```python\nx = 1. Y = 2.\n```\nDone. Yes.", ["Done.", "Yes."]),
        ("Wait... what. Yes", ["Wait... what.", "Yes"]),
        ("U.S. cities. Yahoo! is one.", ["U.S. cities.", "Yahoo! is one."]),
        ("z. B. Berlin, d.h. die Stadt. Ende", ["z. B. Berlin, d.h. die Stadt.", "Ende"]),
        ("- [x] done. - [ ] Open", ["done.", "- [ ] Open"]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    """Stops end sentences, and those of abbreviations, decimals, initials, ordinals and code do not."""
    assert sentences_of(text) == sentences


def test_a_sentence_comes_when_the_next_word_has() -> None:
    """While it streams, a sentence is given out as soon as the next word shows that it has ended."""
    splitter = Splitter()
    assert [p.text for p in splitter.feed("One. Tw")] == []
    assert [p.text for p in splitter.feed("o ")] == ["One.", " "]


def test_long_sentences_are_cut() -> None:
    """A sentence of ten thousand words is cut at spaces, each piece short, however it comes, and no mark is cut."""
    text = "word [1, 2] " * 10_000
    splitter, found = Splitter(), []
    for at in range(0, len(text), 7):
        found += splitter.feed(text[at : at + 7])
    found += splitter.finish()
    assert "".join(piece.text for piece in found) == text
    assert all(len(piece.text) <= LONGEST for piece in found)
    assert all(piece.text.count("[") == piece.text.count("]") for piece in found)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", [" ", "\n", "[1"])
def test_what_goes_on_and_on_is_cut_at_once(piece: str) -> None:
    """Hundreds of thousands of blanks, line breaks or marks, taken in one go, cost no more than their length."""
    text = f"It is so.{piece * (400_000 // len(piece))} The end."
    splitter = Splitter()
    pieces = [*splitter.feed(text), *splitter.finish()]
    assert "".join(one.text for one in pieces) == text
