"""Answers with the right marks."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.cite.parse import DOUBT, marks_in
from jupyter_localllm.cite.repair import Citing
from jupyter_localllm.types import Citation, Locator, Passage
from tests.cite.cells import cell
from tests.constrain.contract import campaign

CITIES = (
    cell("Population", "Berlin", "3,769,495"),
    cell("Population", "Paris", "2,102,650", row=1),
    cell("Area (km²)", "Berlin", "891.7"),
)


def cite(text: str, passages: tuple[Passage, ...] = CITIES, question: str = "") -> tuple[str, tuple[Citation, ...]]:
    citing = Citing(passages, question)
    citing.feed(text)
    return citing.finish()


@pytest.mark.parametrize(
    ("written", "checked"),
    [
        ("The population of Berlin is 3,769,495.", "The population of Berlin is 3,769,495 [1]."),
        ("The population of Berlin [2] is 3,769,495 [3].", "The population of Berlin is 3,769,495 [1]."),
        ("The population of Berlin is 3,769,495. [2] And", "The population of Berlin is 3,769,495 [1]. And"),
        ("The population of Berlin is 3,769,496 [1].", "The population of Berlin is 3,769,496 [?]."),
        ("**The population of Berlin is 3,769,495.**", "**The population of Berlin is 3,769,495 [1].**"),
        (
            "- Population of Berlin: 3,769,495\n- Paris: 2,102,650",
            "- Population of Berlin: 3,769,495 [1]\n- Paris: 2,102,650 [2]",
        ),
        ("ベルリン3,769,495。", "ベルリン3,769,495[?]。"),
        ("1887", "1887 [?]"),
        ("Hello there! [1] How are you?", "Hello there! How are you?"),
        (
            "| City | Population |\n|---|---|\n| Berlin | 3,769,495 |",
            "| City | Population |\n|---|---|\n| Berlin | 3,769,495 [1] |",
        ),
        ("```\nx[9] = 3769495 [1]\n```\n", "```\nx[9] = 3769495 [1]\n```\n"),
        ("Paris has `x[7]` of 12", "Paris has `x[7]` of 12 [?]"),
        ("Population of Paris: 2,102,650 [", "Population of Paris: 2,102,650 [2]"),
        ("Population of Paris: 2,102,650 [1", "Population of Paris: 2,102,650 [2]"),
        ("", ""),
    ],
)
def test_marks_are_put_right(written: str, checked: str) -> None:
    """The model's marks are taken out, the right ones stand before the last stop, and doubt is marked."""
    assert cite(written)[0] == checked


def test_citations_say_what_carries_the_claim() -> None:
    """Number, source, place, quotation, span and status of each claim, in the order of the text."""
    text, citations = cite("The population of Berlin is 3,769,495. Berlin has 12 rivers.")
    one, two = citations
    assert (one.number, one.source, one.status) == (1, "df", "supported")
    assert (one.locator, one.quote) == (CITIES[0].locator, CITIES[0].text)
    assert text[one.start : one.end] == "The population of Berlin is 3,769,495"
    assert (two.number, two.source, two.status) == (0, "", "unsupported")
    assert text[two.start : two.end] == "Berlin has 12 rivers"
    assert "12 is not in the sources" in two.reason


def test_a_claim_that_rests_on_two_carries_both() -> None:
    """Both marks stand behind it, and the derivation is named."""
    text, citations = cite("The population of Berlin and Paris together is 5,872,145 [1][2].")
    assert text.endswith("5,872,145 [1][2].")
    assert [c.number for c in citations] == [1, 2]
    assert citations[0].reason == "sum of [1] and [2]"


def test_sources_that_disagree_are_both_told() -> None:
    """What the other source says stands behind the claim, with its mark, once."""
    other = Passage("notes", "text", "Population of Berlin: 3,800,000", Locator(lines=(1, 1)), value="3,800,000 [1]|")
    other = Passage("notes", "text", "Population of Berlin: 3,800,000", Locator(lines=(1, 1)), value="3,800,000")
    text, citations = cite("Population of Berlin is 3,769,495. Population of Berlin is 3,769,495.", (*CITIES, other))
    assert text == (
        "Population of Berlin is 3,769,495 [1] (notes: 3,800,000 [4]). Population of Berlin is 3,769,495 [1]."
    )
    assert [c.number for c in citations] == [1, 4, 1]
    assert text[citations[1].start : citations[1].end] == "notes: 3,800,000"
    assert citations[1].reason == "disagrees with [1]"


def test_what_sources_say_makes_no_marks() -> None:
    """A value with brackets and bars in it, told because it disagrees, is no mark and no cell."""
    strange = Passage("no[9]te", "text", "Population of Berlin: 1 [7] | `x`", value="1 [7] | `x`")
    text, _ = cite("Population of Berlin is 3,769,495.", (*CITIES, strange))
    assert {n for mark in marks_in(text) for n in mark.numbers} <= {1, 4}
    assert "|" not in text


_BITS = (
    *(
        "The population of Berlin is 3,769,495",
        "Paris: 2,102,650",
        "It is nice",
        "12",
        "Berlin",
        ". ",
        "。",
        "! ",
        "? ",
        "\n",
    ),
    *(
        "[1]",
        " [2]",
        "[9]",
        "[1, 3]",
        "[",
        "]",
        "1",
        "[?]",
        "`",
        "```\n",
        "~~~\n",
        "- ",
        "| ",
        " |\n",
        "## ",
        '"',
        "**",
        "\r\n",
    ),
    *("[1[2]]", "x[0]", "\\", "日本", "[x]", "[a](b)", "…", "\u2028", "\x0b"),
)


def test_a_blank_before_does_not_hide_that_a_line_begins() -> None:
    """A mark taken out before backticks makes no fence of them, however the answer came in."""
    citing = Citing(CITIES)
    pieces = [citing.feed(piece) for piece in (" ", "[2]```\nThe population of Berlin is 3,769,495")]
    text, citations = citing.finish()
    assert "".join(pieces) + text[len("".join(pieces)) :] == text
    assert [n for mark in marks_in(text) for n in mark.numbers] == [c.number for c in citations if c.number] == [1]


def test_a_mark_between_backticks_makes_no_fence() -> None:
    """Where a mark is taken out between backticks, what is left opens no block of code."""
    text, citations = cite("```[1]`The population of Berlin is 3,769,495")
    assert [n for mark in marks_in(text) for n in mark.numbers] == [c.number for c in citations if c.number] == [1]


@pytest.mark.parametrize(
    "text", ["- [2]```\n1", "2. [1]~~~\n1", "> [1]```\n1", "a [1]\n- [1]~~~\n1", "[?][1]~~~\n1", "x [? [2]] 1"]
)
def test_a_mark_that_is_gone_leaves_nothing_behind(text: str) -> None:
    """No fence at the beginning of an item, a quotation or a line, and no other mark."""
    done, citations = cite(text)
    doubts = [mark for mark in marks_in(done) if not mark.numbers]
    assert len(doubts) == sum(c.status == "unsupported" for c in citations) == 1


@campaign(600)
@given(st.lists(st.sampled_from(_BITS), max_size=20).map("".join), st.integers(1, 9))
def test_any_answer_keeps_its_promises(written: str, cut: int) -> None:
    """Spans lie in the text; each mark has its citation, in order; each doubt a claim; streaming changes nothing."""
    text, citations = cite(written)
    assert all(0 <= c.start < c.end <= len(text) for c in citations)
    assert [n for mark in marks_in(text) for n in mark.numbers] == [c.number for c in citations if c.number]
    doubts = [mark for mark in marks_in(text) if not mark.numbers]
    assert len(doubts) == sum(c.status == "unsupported" for c in citations)
    assert [c.start for c in citations] == sorted(c.start for c in citations)
    for c in citations:
        if c.number:
            assert re.match(r"[^.!?]*\[", text[c.end :])
    citing = Citing(CITIES)
    streamed = "".join(citing.feed(written[at : at + cut]) for at in range(0, len(written), cut))
    again, told = citing.finish()
    assert again.startswith(streamed)
    assert (again, told) == (text, citations)


def test_it_streams() -> None:
    """A sentence is given out, checked, once the next word has come; what was given out never changes."""
    citing = Citing(CITIES)
    given = [citing.feed(word) for word in re.findall(r"\S+\s*", "Paris: 2,102,650. Berlin: 12. It is nice.")]
    assert given[3] == "Paris: 2,102,650 [2]. "[:-1] or "Paris: 2,102,650 [2]." in "".join(given)
    text, _ = citing.finish()
    assert text == f"Paris: 2,102,650 [2]. Berlin: 12 {DOUBT}. It is nice."


def test_a_long_answer_is_no_trouble() -> None:
    """Ten thousand words without a stop, with marks in them, are checked piece by piece."""
    text, citations = cite("Berlin has 3,769,495 people [1] and [2] " * 2_500)
    assert len(text) > 50_000
    assert citations


def test_no_passages() -> None:
    """Without passages every claim is doubtful, and no number is in a mark."""
    text, citations = cite("Berlin has 12 rivers [1]. It is nice.", ())
    assert text == "Berlin has 12 rivers [?]. It is nice."
    assert [c.status for c in citations] == ["unsupported", "unchecked"]


def test_a_fence_that_does_not_begin_a_line_is_none() -> None:
    """Backticks in the middle of a line open no code, so the mark behind them is one, and is taken out."""
    citing = Citing([Passage("notes", "text", "x")])
    citing.feed(". ```[1]")
    text, _ = citing.finish()
    assert "[1]" not in text
