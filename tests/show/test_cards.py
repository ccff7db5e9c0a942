"""`jupyter_localllm.show.cards`, `listing` and `footnotes`: what is told of sources, in all forms."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from jupyter_localllm.show.cards import STYLE, below
from jupyter_localllm.show.footnotes import as_markdown, as_plain
from jupyter_localllm.show.formatters import as_bundle
from jupyter_localllm.show.listing import cited_cells, entries, place
from jupyter_localllm.types import Answer, Citation, Locator, Passage

from .hostile import HOST, MARKDOWN
from .samples import ABSTAINED, ANSWER, BERLIN, MEAN, NOTES
from .test_html import Page
from .test_neutral import harm

ATTACK = f'"><img src=http://{HOST}/x onerror="window.pwned=1"></style></details></sup><script>window.pwned=1</script>'


def one(passage: Passage, **values: object) -> Answer:
    """An answer that cites one passage once."""
    cited = Citation(1, passage.source, passage.locator, passage.text, 0, 4, "supported")
    return Answer("It is 3 [1].", (replace(cited, **values),), (passage,))  # type: ignore[arg-type]


def html_of(answer: Answer) -> str:
    html: str = as_bundle(answer)[0]["text/html"]
    return html


def without_style(html: str) -> str:
    assert html.count(STYLE) == 1
    return html.replace(f"<style>\n{STYLE}\n</style>\n", "")


# ---------------------------------------------------------------------------------------------------------------------
# The list


def test_entries() -> None:
    """A passage that is cited twice is one entry; a claim that none carries is one of its own."""
    listed = entries(ANSWER)
    assert [(entry.number, entry.source, entry.place, entry.citations) for entry in listed] == [
        (1, "cities", "row 1 (Berlin), column population", (0, 3)),
        (2, "cities", "computed", (1,)),
        (3, "notes", "lines 12 to 13", (2,)),
        (0, "", "", (4,)),
    ]


def test_numbers_beyond_the_passages() -> None:
    """A citation whose passage is not at hand is told by what it says itself."""
    (entry,) = entries(Answer("3 [7]", (Citation(7, "df", Locator(page=2), "n: 3"),)))
    assert (entry.source, entry.place, entry.text, entry.passage) == ("df", "page 2", "n: 3", None)


@pytest.mark.parametrize(
    ("locator", "words"),
    [
        (Locator(label="row 4 (Berlin)", rows=(3,)), "row 4 (Berlin)"),
        (Locator(rows=(3,), columns=("a", "b")), "row 4, columns a, b"),
        (Locator(rows=tuple(range(9))), "rows 1, 2, 3, 4, 5 …"),
        (Locator(lines=(3, 3)), "line 3"),
        (Locator(page=2, path="/a/0"), "page 2, /a/0"),
        (Locator(operation="count()"), "count()"),
        (Locator(), ""),
        (Locator(label="a\nb\x1b[31m"), "a b"),
    ],
)
def test_places(locator: Locator, words: str) -> None:
    """A place is its label, or what is known of it, rows counted from 1 as people do."""
    assert place(locator) == words


def test_cited_cells() -> None:
    """Of a cell's row the cell, of a computation the column it was made from, of a whole row nothing."""
    assert cited_cells(BERLIN, [BERLIN.locator]) == {(1, 3)}
    assert cited_cells(MEAN, [MEAN.locator]) == {(1, 2), (2, 2), (3, 2), (4, 2)}
    assert cited_cells(MEAN, [Locator(rows=(2,), columns=("population",))]) == {(3, 2)}
    assert cited_cells(BERLIN, [Locator(columns=("row", "city", "country", "population"))]) == {(1, 3)}
    assert cited_cells(replace(BERLIN, kind="row"), [Locator(columns=BERLIN.shown[0])]) == frozenset()
    assert cited_cells(NOTES, [NOTES.locator]) == frozenset()
    ragged = replace(MEAN, shown=(("row", "population"), ("1",), (), ("3", "5", "6")))
    assert cited_cells(ragged, [MEAN.locator]) == {(3, 1)}


def test_cells_of_doubled_columns() -> None:
    """Two columns of the same name are told apart by the value."""
    shown = (("row", "x", "x"), ("1", "3", "4"))
    assert cited_cells(Passage("df", "cell", "", value="4", shown=shown), [Locator((0,), ("x",))]) == {(1, 2)}


# ---------------------------------------------------------------------------------------------------------------------
# HTML


def test_marks_can_be_reached_and_say_what_they_are() -> None:
    """Each mark is in the order of Tab, has a role and a name, and its card tells status, place and the cited cell."""
    marks = [attributes for tag, attributes in Page(html_of(ANSWER)).found if "data-jll-card" in attributes]
    assert [mark["tabindex"] for mark in marks] == ["0"] * 5
    assert {mark["role"] for mark in marks} == {"doc-noteref"}
    assert marks[0]["aria-label"] == "source 1: cities, row 1 (Berlin), column population: supported"
    assert marks[0]["data-jll-card"].splitlines() == [
        "✓ supported",
        "cities, row 1 (Berlin), column population",
        "   row: 1",
        "   city: Berlin",
        "   country: Germany",
        "▸ population: 3677472",
    ]
    assert marks[3]["data-jll-card"].startswith("⟳ stale: cities has changed since\n")
    assert marks[4]["data-jll-card"] == "? not in the sources: no passage holds Europe"


def test_a_status_has_a_sign_a_word_and_a_colour() -> None:
    """Nobody needs to see colours."""
    text = Page(without_style(html_of(ANSWER))).text
    assert "Sources (3) · ✓ 3 supported · ? 1 unsupported · ⟳ 1 stale" in text
    for words in ("✓ supported", "⟳ stale", "? not in the sources"):
        assert words in text
    for status in ("supported", "unsupported", "stale"):
        assert re.search(rf"is-{status}[^}}]*{{[^}}]*color:var\(--jll-", STYLE)


def test_an_unsupported_claim_with_a_number() -> None:
    """The mark itself has the question mark: who reads only the text is warned too."""
    html = html_of(one(BERLIN, status="unsupported", reason="4 is not 3", end=7))
    assert ">[1?]</a>" in html
    assert '<span class="jp-LocalLLM-unsupported" title="unsupported: 4 is not 3">It is 3</span>' in html


def test_without_any_style_the_text_reads_on() -> None:
    """A front end that removes styles and attributes shows marks and a list, and no card within a sentence."""
    html = re.sub(r"<(\w+)[^>]*>", r"<\1>", without_style(html_of(ANSWER)))
    sentence = "Berlin had 3,677,472 people in 2021 [1], and the mean of the four cities is 1.99 million [2]."
    text = Page(html).text
    assert sentence in text
    assert text.index(sentence) < text.index("Read as:") < text.index("Sources (3)") < text.index("row 1 (Berlin)")


def test_long_excerpts_are_clipped_in_the_card_and_whole_in_the_list() -> None:
    """A card stays small; nothing is lost."""
    text = "word " * 2_000
    html = html_of(one(replace(NOTES, text=text)))
    (mark,) = [attributes for _, attributes in Page(html).found if "data-jll-card" in attributes]
    assert len(mark["data-jll-card"]) < 400
    assert mark["data-jll-card"].endswith(" …")
    assert text.strip() in html


def test_huge_cells_and_tables_say_what_is_left_out() -> None:
    """A cell of a megabyte, a thousand rows, a thousand columns: a small page, and the figures."""
    head = tuple(f"c{number}" for number in range(1_000))
    huge = replace(BERLIN, shown=(head, ("x" * 1_000_000, *head[1:]), *[head] * 1_000), value="")
    html = html_of(one(huge))
    assert len(html) < 100_000
    for words in ("(1,000,000 characters)", "and 951 more rows", "and 970 more"):
        assert words in html
    assert "(5,000,000 characters)" in html_of(one(replace(NOTES, text="y" * 5_000_000)))


def test_an_answer_withheld_says_so() -> None:
    """It is plain that there is no answer, and where it was looked for."""
    data, _ = as_bundle(ABSTAINED)
    for text in (Page(without_style(data["text/html"])).text, data["text/plain"], data["text/markdown"]):
        assert "Not answered: the sources do not say it" in text
        assert "cities, row 1 (Berlin), column population" in text
    uncertain = replace(ABSTAINED, reading="mean of price")
    assert "Read, without certainty, as: mean of price" in as_plain(uncertain)


def test_reading_directions_stay_where_they_are() -> None:
    """Overrides become visible, and text from right to left is isolated from what stands beside it."""
    mixed = "\u05d0\u05d1 12 \u202eabc"
    passage = replace(BERLIN, source=mixed, shown=(("row", mixed), ("1", mixed)), locator=Locator(label=mixed))
    html = html_of(one(passage, source=mixed, locator=passage.locator, reason=mixed))
    assert "\u202e" not in html
    assert "[U+202E]" in html
    for place_of in ("<code", "<td", "<th", "<span"):
        assert re.search(rf'{place_of}[^>]*dir="auto"[^>]*>[^<]*\u05d0', html), place_of


def hostile(text: str) -> Answer:
    """The text in every place that a source, or whoever named it, can fill."""
    locator = Locator(rows=(0,), columns=(text,), operation=text, path=text, label=text)
    table = (("row", text), ("1", text))
    passages = tuple(Passage(text, kind, text, locator, text, text, table) for kind in ("cell", "computed"))
    passages += (Passage(text, "text", text, locator),)
    told = [
        Citation(number, text if number else "", locator, text, 0, 30, status, text)
        for number, status in ((1, "supported"), (2, "stale"), (3, "unchecked"), (0, "unsupported"))
    ]
    return Answer(f"It is so [1][2] and [3] {text} [?].", tuple(told), passages, reading=text, value=text)


@pytest.mark.parametrize("name", [*MARKDOWN, "attack"])
def test_hostile_sources_stay_text(name: str) -> None:
    """Whatever a source holds: no tag, no attribute, no address and no control character of it comes out."""
    answer = hostile({**MARKDOWN, "attack": ATTACK}[name])
    data, _ = as_bundle(answer)
    html = without_style(data["text/html"])
    page = Page(html)
    for tag, attributes in page.found:
        assert tag not in ("script", "img", "svg", "iframe", "object", "style", "link", "meta", "form", "video", "base")
        assert not [attribute for attribute in attributes if attribute.startswith("on")]
        assert not re.match(r"\s*(javascript|vbscript|data|file|command):", attributes.get("href", ""), re.IGNORECASE)
        assert "id" not in attributes
    assert html.count("</details>") == 1
    for text in (data["text/html"], data["text/plain"], data["text/markdown"]):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert list(harm(data["text/markdown"])) == []
    assert list(harm(as_markdown(answer))) == []


# ---------------------------------------------------------------------------------------------------------------------
# Without HTML


def test_plain_text() -> None:
    """A terminal and a diff: the reading, and a line for each source with what it says."""
    assert as_plain(ANSWER).splitlines() == [
        "Read as: mean of population where country is Germany",
        "",
        "Sources:",
        '[1] cities, row 1 (Berlin), column population: supported, "Berlin had 3,677,472 people in 2021"; stale, '
        '"The notes call its growth slow but steady." (cities has changed since)',
        "    population of Berlin: 3677472",
        "[2] cities, computed: supported (1.99 million is 1,987,118, rounded)",
        "    mean(population) where country == 'Germany' = 1,987,118 (n = 4)",
        "[3] notes, lines 12 to 13: supported",
        "    The growth of Berlin is slow but steady: 0.3 % a year since 2015, most of it from abroad.",
        "    The office counts people on 31 December.",
        '[?] not in the sources, "It is the largest city of Europe." (no passage holds Europe)',
    ]


def test_markdown() -> None:
    """GitHub, nbviewer and LaTeX: a list of plain Markdown, excerpts as code, no sign that a font may lack."""
    text = as_markdown(ANSWER)
    assert "**Sources**\n\n- [1] `cities`, row 1 (Berlin), column population: supported" in text
    assert "- [2] `cities`, computed: supported (1.99 million is 1,987,118, rounded): `mean(population)" in text
    assert text.isascii()


def test_markdown_shows_excerpts_as_they_are() -> None:
    """Stars and bars of a source are no formatting, and a backtick does not end the code."""
    text = as_markdown(one(replace(NOTES, text="a *b* | c_d_e\n# no `title` $5"), source="a_b*c*"))
    assert "- [1] `a_b*c*`, lines 12 to 13: supported: `a *b* | c_d_e # no 'title' $5`" in text


def test_nothing_to_tell() -> None:
    """An answer without citations, reading and passages has nothing under it."""
    assert as_plain(Answer("Yes.")) == as_markdown(Answer("Yes.")) == ""
    assert Page(without_style(below(Answer("Yes.")))).text == ""
