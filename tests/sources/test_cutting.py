"""Cutting text: nothing lost, nothing twice, nothing longer than it may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.sources.cutting import MAX_WORDS, cuts, pieces
from jupyter_localllm.sources.paragraphs import Mark

WORDS = st.sampled_from(
    [
        "a",
        "Dr.",
        "Berlin",
        "3.14",
        "e.g.",
        "end.",
        "Why?",
        "#",
        "##",
        "- x",
        "```",
        "---",
        "|",
        "寿司。",
        "«да»",
        "x" * 50,
    ]
)
LINES = st.lists(WORDS, max_size=60).map(" ".join) | st.sampled_from(["", "   ", "# Title", "===", "---", "~~~", "\t"])
TEXTS = st.lists(LINES, max_size=40).map("\n".join) | st.text(max_size=400)


@given(TEXTS, st.booleans())
def test_every_character_is_in_one_piece_or_a_heading(text: str, markdown: bool) -> None:
    """Pieces come in order and do not overlap, and what lies between them is blank or a heading."""
    covered = 0
    for piece in pieces(text, markdown=markdown):
        if piece.start == piece.end:
            assert markdown
            assert piece.headings
            continue
        assert piece.start >= covered
        between = text[covered : piece.start]
        assert not between.strip() or markdown
        if not markdown:
            assert not between.strip()
        assert text[piece.start : piece.end].strip() == text[piece.start : piece.end]
        covered = piece.end
    if not markdown:
        assert not text[covered:].strip()


@given(TEXTS, st.booleans())
def test_every_line_that_is_not_blank_is_in_a_piece(text: str, markdown: bool) -> None:
    """No line is lost, headings included; two pieces share a line only where a sentence ends in it."""
    found: dict[int, int] = {}
    before = 0
    for piece in pieces(text, markdown=markdown):
        assert piece.first >= before
        before = piece.last
        for line in range(piece.first, piece.last + 1):
            found[line] = found.get(line, 0) + 1
        if piece.end > piece.start:
            assert text.count("\n", 0, piece.end) + 1 == piece.last
    lines = text.split("\n")
    wanted = {number for number, line in enumerate(lines, 1) if line.strip()}
    assert wanted <= set(found)
    shared = {number for number, count in found.items() if count > 1}
    assert all(len(lines[number - 1].split()) > 1 or len(lines[number - 1]) > 200 for number in shared)


@given(TEXTS)
def test_a_piece_is_short_enough(text: str) -> None:
    """At most 120 words, and 8 characters a word where there are no blanks."""
    for piece in pieces(text, markdown=True):
        body = text[piece.start : piece.end]
        assert len(body.split()) <= MAX_WORDS
        assert len(body) <= 8 * MAX_WORDS


@given(TEXTS, st.booleans())
def test_places_are_told_apart(text: str, markdown: bool) -> None:
    """First line, last line and part name one piece."""
    places = [(piece.first, piece.last, piece.part) for piece in pieces(text, markdown=markdown)]
    assert len(set(places)) == len(places)


def _texts(text: str, *, markdown: bool = True) -> list[tuple[str, tuple[int, int], tuple[str, ...]]]:
    return [(text[p.start : p.end], (p.first, p.last), p.headings) for p in pieces(text, markdown=markdown)]


def test_paragraphs_and_their_headings() -> None:
    """A heading belongs to the first paragraph under it and is the context of all others."""
    text = "Before.\n\n# A\n\nOne.\nTwo.\n\nThree.\n## B ##\nFour.\n# C\n# D\nFive.\n"
    assert _texts(text) == [
        ("Before.", (1, 1), ()),
        ("One.\nTwo.", (3, 6), ("A",)),
        ("Three.", (8, 8), ("A",)),
        ("Four.", (9, 10), ("A", "B")),
        ("", (11, 11), ("C",)),
        ("Five.", (12, 13), ("D",)),
    ]


def test_titles_that_are_underlined() -> None:
    """A line of ``=`` or ``-`` under one line makes it a title; under a list or a longer paragraph it does not."""
    assert _texts("Title\n=====\n\ntext\n\nSub\n---\nmore") == [
        ("text", (1, 4), ("Title",)),
        ("more", (6, 8), ("Title", "Sub")),
    ]
    assert _texts("- item\n---\nx")[0][2] == ()
    assert _texts("one\ntwo\n---\nx")[0][2] == ()


def test_fenced_code_is_no_heading_and_no_end() -> None:
    """Comments and blank lines inside of a fence are code."""
    text = "# A\n```\n# no heading\n\nstill code\n```\n\nafter"
    assert _texts(text) == [("```\n# no heading\n\nstill code\n```", (1, 6), ("A",)), ("after", (8, 8), ("A",))]


def test_a_comment_is_no_heading_where_there_is_no_markdown() -> None:
    """Code and logs have lines that start with ``#``."""
    assert _texts("# a comment\nx = 1", markdown=False) == [("# a comment\nx = 1", (1, 2), ())]


def test_long_paragraphs_are_cut_at_the_ends_of_sentences() -> None:
    """Not after a title, an initial, a number of a list, or before a small letter."""
    text = " ".join(f"Here Dr. Smith and J. Doe met, e.g. in no. {n} of 3. Mai, approx. noon." for n in range(40))
    parts = [text[a:b] for a, b in cuts(text, 0, len(text))]
    assert len(parts) > 3
    assert all(part.startswith("Here ") and part.endswith("noon.") for part in parts)


def test_lists_are_cut_between_items_and_wrapped_prose_between_sentences() -> None:
    """A line break ends something only where a new thing starts."""
    items = "\n".join(f"- item {n} has a few words" for n in range(60))
    assert all(items[a:b].startswith("- item") for a, b in cuts(items, 0, len(items)))
    wrapped = "\n".join("and so the sentence goes on. But\nit does not end in the line" for _ in range(30))
    assert all(wrapped[a:b].endswith("on.") for a, b in list(cuts(wrapped, 0, len(wrapped)))[:-1])


def test_text_without_blanks_is_cut_too() -> None:
    """Chinese has no blanks between words; a piece is as long in meaning, and ends with a sentence."""
    text = "柏林有三百九十万人口。" * 100
    parts = [text[a:b] for a, b in cuts(text, 0, len(text))]
    assert "".join(parts) == text
    assert all(part.endswith("。") and len(part) <= 2 * MAX_WORDS for part in parts)
    assert max(b - a for a, b in cuts("x" * 5000, 0, 5000)) == 8 * MAX_WORDS


def test_later_parts_of_a_table_know_its_header() -> None:
    """A row without the names of its columns says nothing."""
    text = "| City | Population |\n|---|---|\n" + "\n".join(f"| Town {n} | {n} |" for n in range(200))
    found = list(pieces(text, markdown=True))
    assert len(found) > 2
    assert found[0].header == (0, 0)
    assert all(text[slice(*piece.header)] == "| City | Population |\n|---|---|" for piece in found[1:])
    assert all(text[piece.start] == "|" and text[piece.end - 1] == "|" for piece in found)


@pytest.mark.parametrize("text", ["", "   ", "\n\n \n"])
def test_nothing_gives_nothing(text: str) -> None:
    """Blank text has no pieces."""
    assert _texts(text) == []


def test_reading_on_from_a_mark() -> None:
    """A late piece is found without reading the first."""
    text = "# A\n\none\n\ntwo\n\nthree"
    assert [p.first for p in pieces(text, markdown=True, mark=Mark(text.index("two"), 5, ((1, "A"),)))] == [5, 7]
