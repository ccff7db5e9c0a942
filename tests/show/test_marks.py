"""`jupyter_localllm.show.marks`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.show.html import render
from jupyter_localllm.show.marks import Spot, find, mark_up
from jupyter_localllm.types import Answer, Citation

from .fragments import markdown
from .hostile import MARKDOWN
from .samples import ANSWER, CITED_TEXT
from .test_html import Page


class Words:
    """Writes marks and claims so that a test can read them."""

    def mark(self, spot: Spot) -> str:
        return "".join(f"<b>{link.number}/{link.citation}</b>" for link in spot.links)

    def claim(self, html: str, citation: int) -> str:
        return f"<u>{html}</u>"


def marked(answer: Answer) -> str:
    return mark_up(answer.text, find(answer), render, Words())


def answer(text: str, *citations: Citation) -> Answer:
    return Answer(text, citations)


def doubtful(text: str, words: str, number: int = 0) -> Answer:
    start = text.index(words)
    return answer(text, Citation(number, start=start, end=start + len(words), status="unsupported"))


def test_marks_stand_for_the_citation_of_their_claim() -> None:
    """The same number may be supported in one sentence and stale in the next: each mark knows its own."""
    html = marked(ANSWER)
    assert re.findall(r"<b>(.*?)</b>", html) == ["1/0", "2/1", "3/2", "1/3", "0/4"]
    assert "<u>It is the largest city of Europe</u> <b>0/4</b>." in html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 3 [1].", "<p>It is 3 <b>1/0</b>.</p>\n"),
        ("It is **3**[1].", "<p>It is <strong>3</strong><b>1/0</b>.</p>\n"),
        ('**"3"**[1], so.', "<p><strong>&quot;3&quot;</strong><b>1/0</b>, so.</p>\n"),
        ("Both [1, 2].", "<p>Both <b>1/0</b><b>2/1</b>.</p>\n"),
        ("Both [1][2].", "<p>Both <b>1/0</b><b>2/1</b>.</p>\n"),
        ("- a [1]\n- b [2]", "<ul>\n<li>a <b>1/0</b></li>\n<li>b <b>2/1</b></li>\n</ul>\n"),
        ("# T [1]", "<h1>T <b>1/0</b></h1>\n"),
        # no marks
        ("x [3] and [0] and [?]", "<p>x [3] and [0] and [?]</p>\n"),
        ("both [1, 3]", "<p>both [1, 3]</p>\n"),
        ("`x[1]` [1]", "<p><code>x[1]</code> <b>1/0</b></p>\n"),
        ("a\\[1]", "<p>a<b>1/0</b></p>\n"),
        (
            "$x_{[1]}$ [1]",
            '<p><span class="jp-LocalLLM-math mathjax_process tex2jax_process">$x_{[1]}$</span> <b>1/0</b></p>\n',
        ),
    ],
)
def test_marks_of_all_kinds(text: str, expected: str) -> None:
    """A mark is a number that is cited, outside of code and mathematics; anything else in brackets stays text."""
    assert marked(answer(text, Citation(1), Citation(2))) == expected


def test_no_mark_within_a_link() -> None:
    """A link in a link is no HTML: the outer one wins."""
    html = marked(answer("[see [1] there](https://example.org)", Citation(1)))
    assert "<b>" not in html
    assert ">see [1] there</a>" in html


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("One. It is *very* big. Two.", "It is *very* big.", "One. <u>It is </u><em><u>very</u></em><u> big</u>. Two."),
        ("It is **big**.", "It is **big**.", "<u>It is </u><strong><u>big</u></strong>."),
        ("A `b` c.", "A `b` c.", "<u>A </u><code>b</code><u> c</u>."),
        ("See [a](https://b.org) now.", "See [a](https://b.org) now.", None),
        ("Big [1] and wide [1].", "Big [1] and wide [1].", "<u>Big </u><b>1/1</b><u> and wide</u> <b>1/1</b>."),
        ("&amp; so", "&amp; so", None),
    ],
)
def test_unsupported_claims_are_underlined(text: str, words: str, expected: str | None) -> None:
    """From the first to the last letter, through emphasis and around code and marks; never across a tag."""
    one = doubtful(text, words)
    html = marked(answer(text, *one.citations, Citation(1)))
    if expected is not None:
        assert html == f"<p>{expected}</p>\n"
    assert Page(html).text == Page(render(text)).text or "<b>" in html


def test_a_claim_over_two_blocks() -> None:
    """Each block has its own underlining, and no tag is crossed."""
    html = marked(doubtful("- one two\n- three", "one two\n- three"))
    assert html == "<ul>\n<li><u>one two</u></li>\n<li><u>three</u></li>\n</ul>\n"


@pytest.mark.parametrize(
    "text", ["1. It is so.", "| a |\n|---|\n| b |", "```python\nx = 1\n```", "<http://a.org> is", "&amp;"]
)
def test_what_cannot_be_marked_is_left_as_it_is(text: str) -> None:
    """Where the places would change how the text reads, the text wins."""
    html = marked(doubtful(text, text))
    assert re.sub("</?u>", "", html) == render(text)


def test_a_claim_that_ends_within_a_title() -> None:
    """What only an attribute shows is no text: such a claim is left as it is, and the others are not."""
    text = '[one](https://a.org "two [1] three") four. [five](https://b.org "six seven") eight [1].'
    for claim in ('[one](https://a.org "two', 'seven") eight'):
        html = marked(answer(text, *doubtful(text, claim).citations, Citation(1)))
        assert html == render(text).replace("eight [1]", "eight <b>1/1</b>")


def plain(html: str, citations: tuple[Citation, ...]) -> str:
    """The HTML without what was written into it."""
    html = re.sub(r"</?u>", "", html)
    return re.sub(r"<b>(\d+)/\d+</b>", lambda match: f"[{match[1] if match[1] != '0' else '?'}]", html)


@settings(deadline=None)
@given(markdown, st.data())
def test_marking_changes_nothing_else(text: str, data: st.DataObject) -> None:
    """Whatever the text and wherever the citations point: without marks and underlining it is the text's own HTML."""
    text = f"{text} [1] x[?] [2]"
    spans = st.integers(-5, len(text) + 5)
    status = st.sampled_from(["supported", "unsupported"])
    made = st.builds(Citation, st.integers(0, 2), start=spans, end=spans, status=status)
    citations = tuple(data.draw(st.lists(made, max_size=4)))
    html = marked(answer(text, *citations))
    assert plain(html, citations) == render(text)


@pytest.mark.parametrize("name", MARKDOWN)
def test_hostile_texts_stay_harmless(name: str) -> None:
    """Marks and underlining open no door in a text of a hostile model."""
    text = f"{MARKDOWN[name]} [1]"
    one = Answer(text, (Citation(1, end=len(text), status="unsupported"),))
    tags = {tag for tag, _ in Page(marked(one)).found}
    assert tags <= {tag for tag, _ in Page(render(text)).found} | {"b", "u"}


def test_texts_may_hold_our_own_characters() -> None:
    """The characters that mark places are no way to forge a mark or to crash."""
    text = "a \ufdd00\ufdd3 b \ufdd19\ufdd3 [\ufdd07\ufdd3] [1]"
    html = marked(answer(text, Citation(1)))
    assert html.count("<b>") == 1
    assert "\ufdd0" not in html


def test_a_long_answer_is_marked_at_once() -> None:
    """Hundreds of marks cost two renderings, not one each."""
    calls: list[str] = []

    def counting(text: str) -> str:
        calls.append(text)
        return render(text)

    text = "It is so [1].\n\n" * 300
    one = answer(text, Citation(1))
    html = mark_up(text, find(one), counting, Words())
    assert html.count("<b>1/0</b>") == 300
    assert len(calls) == 2


@pytest.mark.timeout(60)
def test_too_much_to_mark_is_left_as_it_is() -> None:
    """An answer of tens of thousands of marks, or a long one with many marks that do not pass, is no trouble:
    it is shown without marks.
    """
    many = "[1]" * 40_000
    assert find(Answer(many, tuple(Citation(1, start=3 * n, end=3 * n + 3) for n in range(40_000)))) == []
    calls: list[str] = []

    def counting(text: str) -> str:
        calls.append(text)
        return f"<p>{text}</p>"  # in a title, a place is in a tag

    dear = '<a title="x [1] y">' * 50 + "*a [" * 3_000
    answer = Answer(dear, (Citation(1, start=0, end=len(dear)),))
    assert mark_up(dear, find(answer), counting, Words()) == f"<p>{dear}</p>"
    assert len(calls) == 2


def test_the_nearest_citation_counts() -> None:
    """A mark just behind its claim belongs to it, and not to the claim that follows."""
    text = "One. [1] Two [1]."
    first, second = Citation(1, start=0, end=4), Citation(1, start=9, end=16)
    assert re.findall("<b>(.*?)</b>", marked(answer(text, first, second))) == ["1/0", "1/1"]
    assert CITED_TEXT.count("[") == 5
