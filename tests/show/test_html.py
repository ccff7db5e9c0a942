"""`jupyter_localllm.show.html`, with its parser and its mathematics."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_localllm.show.html import LONGEST, BlockRenderer, as_written, render
from jupyter_localllm.show.parser import language
from jupyter_localllm.show.plain import clean

from .fragments import markdown
from .hostile import MARKDOWN

CODE = "background:rgba(128,128,128,.1);border-radius:3px;overflow-x:auto;padding:.6em .8em"
ATTRIBUTES = {
    "a": {"href": r"https?://.*|mailto:.*", "title": ".*", "target": "_blank", "rel": "noopener noreferrer nofollow"},
    "code": {"class": r"language-[\w+#.-]+", "style": "background:none"},
    "pre": {"style": re.escape(CODE) + "|white-space:pre-wrap"},
    "td": {"style": "text-align:(left|center|right)"},
    "th": {"style": "text-align:(left|center|right)"},
    "ol": {"start": r"\d+"},
    "span": {"class": "jp-LocalLLM-math mathjax_process tex2jax_process"},
    "div": {"class": "jp-LocalLLM-math mathjax_process tex2jax_process"},
}
OTHERS = "p h1 h2 h3 h4 h5 h6 ul li em strong s blockquote table thead tbody tr br hr"
TAGS = {*ATTRIBUTES, *OTHERS.split()}
MATH = '<span class="jp-LocalLLM-math mathjax_process tex2jax_process">{}</span>'
REL = 'target="_blank" rel="noopener noreferrer nofollow"'
BLOCK_MATH = '<div class="jp-LocalLLM-math mathjax_process tex2jax_process">{}</div>\n'


class Page(HTMLParser):
    """What a browser would see: elements, attributes, text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.other: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    handle_decl = unknown_decl = handle_pi = handle_comment


def assert_harmless(html: str) -> None:
    page = Page(html)
    assert page.other == []
    for tag, attributes in page.found:
        assert tag in TAGS, (tag, html)
        for name, value in attributes.items():
            assert re.fullmatch(ATTRIBUTES[tag][name], value or "", re.DOTALL), (tag, name, value)


# ---------------------------------------------------------------------------------------------------------------------
# What ordinary Markdown becomes


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain & simple", "<p>plain &amp; simple</p>\n"),
        ("*a* **b** `c` ~~d~~", "<p><em>a</em> <strong>b</strong> <code>c</code> <s>d</s></p>\n"),
        ("# One\n\n- a\n- b", "<h1>One</h1>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>\n'),
        ("a\\\nb", "<p>a<br />\nb</p>\n"),
        ("[1] and [a][1]\n\n[1]: https://example.org", "<p>[1] and [a][1]</p>\n<p>[1]: https://example.org</p>\n"),
        ("![*alt*](https://example.org/x.png)", "<p>alt (https://example.org/x.png)</p>\n"),
        ("![](https://example.org/x.png)", "<p>(https://example.org/x.png)</p>\n"),
        ("[a](ftp://example.org)", "<p>[a](ftp://example.org)</p>\n"),
        ("[a](../x)", "<p>[a](../x)</p>\n"),
        ("[*a*]() [b](https://c.d)[e]( )", f'<p>[<em>a</em>]() <a href="https://c.d" {REL}>b</a>[e]()</p>\n'),
        ("", ""),
    ],
)
def test_markdown(text: str, html: str) -> None:
    """CommonMark as people know it; images are words, definitions define nothing."""
    assert render(text) == html


def test_link() -> None:
    """A link opens elsewhere and tells nothing about where it was clicked."""
    assert render('[a](https://b.c?d=1&e "t")') == f'<p><a href="https://b.c?d=1&amp;e" title="t" {REL}>a</a></p>\n'
    assert render("<mailto:a@b.c>") == f'<p><a href="mailto:a@b.c" {REL}>mailto:a@b.c</a></p>\n'


def test_fence() -> None:
    """Code keeps its characters and its language."""
    html = f'<pre style="{CODE}"><code class="language-c++" style="background:none">a &lt; b\n</code></pre>\n'
    assert render("```c++\na < b\n```") == html


def test_table() -> None:
    """Cells say where their text stands, because JupyterLab's own style says something else."""
    html = render("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert '<th style="text-align:left">a</th>' in html
    assert '<td style="text-align:right">2</td>' in html


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ("python", "python"),
        ("python title=x.py", "python"),
        (" c++ ", "c++"),
        ("objective-c", "objective-c"),
        ("", ""),
        ("mermaid", ""),
        ("MerMaid", ""),
        ("{=html}", ""),
        ("{python}", ""),
        ('x"onclick=', ""),
        ("a" * 100, ""),
    ],
)
def test_language(info: str, expected: str) -> None:
    """A language is a plain name, and never one that a front end draws or runs."""
    assert language(info) == expected


# ---------------------------------------------------------------------------------------------------------------------
# Mathematics


@pytest.mark.parametrize(
    "tex",
    [
        r"$x_1 * y_2 * z$",
        r"\(a_b * c\)",
        r"$$x$$",
        r"\[ x \]",
        r"$\frac{a}{b}$",
        r"\begin{align}a\end{align}",
        r"$a\$b$",
    ],
)
def test_inline_math_is_kept_whole(tex: str) -> None:
    """Markdown does not eat backslashes, stars or underscores of a formula."""
    assert render(f"Let {tex} be") == f"<p>Let {MATH.format(tex)} be</p>\n"


@pytest.mark.parametrize(
    "tex",
    [
        "$$\na\n= b\n- c\n$$",
        "\\[\n- x\n# y\n\\]",
        "\\begin{align*}\na &= b \\\\\n+ c\n\\end{align*}",
        "$$x$$",
        "\\[\n\\begin{aligned} x \\end{aligned}\n\\]",
    ],
)
def test_block_math_is_kept_whole(tex: str) -> None:
    """The lines of a formula are no lists, headings or underlines."""
    assert render(f"Text\n{tex}\nmore") == f"<p>Text</p>\n{BLOCK_MATH.format(tex.replace('&', '&amp;'))}<p>more</p>\n"


def test_math_in_a_list() -> None:
    """A formula in a list stays in it, without the list's indent."""
    assert BLOCK_MATH.format("$$\nx\n$$") in render("1. a\n\n   $$\n   x\n   $$")


@pytest.mark.parametrize(
    "text",
    ["costs $5 and $10", "US$5 to US$6", "$ 5 and 6 $", "\\$x\\$", "a $", "$$", "\\(", "\\[ open", "$$\nopen\n\n$"],
)
def test_money_is_not_math(text: str) -> None:
    """Dollars that do not enclose a formula are dollars."""
    assert "mathjax_process" not in render(text)


def test_refused_math_is_code() -> None:
    """TeX that could reach beyond drawing is seen, not typeset."""
    assert render("$\\href{x}{y}$") == "<p><code>$\\href{x}{y}$</code></p>\n"
    assert "<pre" in render("$$\n\\style{x}{y}\n$$")


@given(markdown)
def test_only_vetted_math_is_typeset(text: str) -> None:
    """Whatever the text, nothing that can link, style or load stands where a typesetter looks."""
    for match in re.finditer(r"mathjax_process [^>]*>([^<]*)</", render(text)):
        assert not re.search(r"\\(href|style|class|cssId|require|bbox|def|unicode)", match[1])


# ---------------------------------------------------------------------------------------------------------------------
# Harm


@pytest.mark.parametrize("name", sorted(MARKDOWN))
def test_hostile_text_is_harmless(name: str) -> None:
    """No element, attribute, address or comment comes out of a hostile text."""
    assert_harmless(render(MARKDOWN[name]))


@given(markdown)
@example("[]()")
@settings(max_examples=300, deadline=None)
def test_random_text_is_harmless(text: str) -> None:
    """Nor out of any combination of them."""
    assert_harmless(render(text))


@pytest.mark.parametrize("name", ["script", "iframe", "comment_unclosed", "doctype", "cdata"])
def test_raw_html_reads_as_text(name: str) -> None:
    """A person who asked about HTML sees the HTML."""
    shown = " ".join(Page(render(MARKDOWN[name])).text.split())
    assert shown == " ".join(MARKDOWN[name].split())


# ---------------------------------------------------------------------------------------------------------------------
# Bounds


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000_000,
        "`" * 1_000_000,
        "[" * 1_000_000,
        "\n" * 400_000,
        ">" * 5_000 + "x",
        "- " * 5_000 + "x",
        "".join("  " * level + "- a\n" for level in range(200)),
    ],
    ids=["line", "backticks", "brackets", "breaks", "quotes", "lists on a line", "lists"],
)
def test_too_much_is_shown_as_written(text: str) -> None:
    """Beyond the limits nothing is parsed and nothing is lost."""
    assert render(text) == as_written(text)


@pytest.mark.parametrize(
    "piece", ["[", "![", "[a](", "*a_ ", "`a", "$a", "\\(a", "<a:", "![[](", "a|", "$$a\n", "\\[\n"]
)
def test_worst_cases_end(piece: str) -> None:
    """A hundred thousand characters of what is dear to parse come out whole."""
    text = piece * (100_000 // len(piece))
    assert Page(render(text)).text.count(piece.strip()[:1]) >= text.count(piece.strip()[:1]) * 0.9


def test_a_hundred_kilobytes_of_prose_are_markdown() -> None:
    """The limits do not touch what people ask for."""
    text = ("Some *text* and `code`.\n\n") * 4_000
    assert len(text) < LONGEST
    assert render(text).count("<em>") == 4_000


# ---------------------------------------------------------------------------------------------------------------------
# Growing texts


@given(markdown, st.lists(st.integers(min_value=1, max_value=9), max_size=60))
@settings(max_examples=300, deadline=None)
@example("1. a\n\n2. b", [7])
@example("x\n|a|\n|---}", [6, 3])
@example("\\begin{align}\n```\n\\end{align}\nx", [18, 11])
def test_pieces_render_as_the_whole(text: str, cuts: list[int]) -> None:
    """However a text comes, after each piece it looks as if it had come at once."""
    blocks = BlockRenderer()
    end = 0
    for step in cuts:
        end += step
        assert blocks.feed(text[:end]) == render(text[:end])
    assert blocks.feed(text) == render(text)


def test_a_changed_text_starts_over() -> None:
    """A text that is not the last one continued is rendered from the start."""
    blocks = BlockRenderer()
    blocks.feed("# One\n\ntwo\n\nthree\n\n")
    assert blocks.feed("other\n\n*text*") == render("other\n\n*text*")


def test_closed_blocks_are_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The price of an update is its last block, not the text."""
    blocks = BlockRenderer()
    text = "Some *text*.\n\n" * 1_000
    blocks.feed(text)
    parsed: list[int] = []
    parse = blocks._md.parse
    monkeypatch.setattr(blocks._md, "parse", lambda source: (parsed.append(len(source)), parse(source))[1])
    for end in range(1, 20):
        blocks.feed(text + "more "[:end])
    assert max(parsed) < 100


def test_controls_do_not_disturb_growing() -> None:
    """A terminal sequence cut across pieces leaves no trace."""
    blocks = BlockRenderer()
    text = "a \x1b[31mred\x1b[0m b\r\n\r\nc"
    for end in range(len(text) + 1):
        blocks.feed(text[:end])
    assert blocks.feed(text) == render(clean(text)) == "<p>a red b</p>\n<p>c</p>\n"
