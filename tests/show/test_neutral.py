"""`jupyter_localllm.show.neutral`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import mistune
import pytest
from hypothesis import example, given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.texmath import texmath_plugin

from jupyter_localllm.show.neutral import fenced, neutralise

from .fragments import markdown
from .hostile import MARKDOWN

BAD_SCHEME = re.compile(r"\s*(javascript|vbscript|data|file|command):", re.IGNORECASE)

# Front ends' parsers, raw HTML and images on, that disagree about mathematics, tables and indented code.
FRONT_ENDS = {
    "commonmark": MarkdownIt("commonmark", {"html": True}),
    "tables": MarkdownIt("js-default", {"html": True}),
    "no indented code": MarkdownIt("js-default", {"html": True}).disable("code"),
    "dollars": MarkdownIt("js-default", {"html": True}).use(dollarmath_plugin).use(amsmath_plugin),
    "brackets": MarkdownIt("js-default", {"html": True}).use(texmath_plugin, delimiters="brackets"),
}
MISTUNE = {
    "mistune": mistune.create_markdown(renderer="ast", plugins=[]),
    "nbconvert": mistune.create_markdown(
        renderer="ast", plugins=["table", "strikethrough", "math", "url", "footnotes", "task_lists", "def_list"]
    ),
}


def tokens(parsed: list[Token] | None) -> Iterator[Token]:
    for token in parsed or []:
        yield token
        yield from tokens(token.children)


def nodes(parsed: Any) -> Iterator[dict[str, Any]]:
    for node in parsed:
        yield node
        yield from nodes(node.get("children") or [])


def harm(text: str) -> Iterator[str]:
    """What a front end would do with the text beyond showing it."""
    for name, parser in FRONT_ENDS.items():
        for token in tokens(parser.parse(text)):
            if token.type in ("html_block", "html_inline", "image"):
                yield f"{name}: {token.type} {token.content!r}"
            elif token.type == "link_open" and BAD_SCHEME.match(str(token.attrs["href"])):
                yield f"{name}: link to {token.attrs['href']}"
            elif token.type == "fence" and token.info.lower().split()[:1] == ["mermaid"]:
                yield f"{name}: diagram"
    for name, convert in MISTUNE.items():
        for node in nodes(convert(text)):
            attributes = node.get("attrs") or {}
            if node["type"] in ("block_html", "inline_html", "image"):
                yield f"{name}: {node}"
            elif node["type"] == "link" and BAD_SCHEME.match(attributes["url"]):
                yield f"{name}: link to {attributes['url']}"
            elif (attributes.get("info") or "").lower().split()[:1] == ["mermaid"]:
                yield f"{name}: diagram"


# ---------------------------------------------------------------------------------------------------------------------
# What stays


@pytest.mark.parametrize(
    "text",
    [
        "Plain text, 3 < 4 > 2, a <- b, AT&T, 100 %, x != y!",
        '# Title\n\n*a* **b** ~~c~~ `d` [e](https://example.org "t") [f](#g) [h](../i.html)!',
        "- a\n- b\n  - c\n\n1. d\n2. e\n\n> quote",
        "| a | b |\n|---|--:|\n| 1 | `x` |",
        '```python\nfor i in range(3):\n    print(d[i](1), "<b>", x[1:])\n```',
        "Text\n\n```cpp\n#include <vector>\nstd::vector<int> v{1};\n```\n\nmore",
        "1. Step\n\n   ```python\n   if a[0]: print(d[x](y))\n   ```\n\n2. Next",
        "Use `List<String>` and `<div>` here.",
        "Inline $x^2 + y_1$ and \\(a\\), \\[ b \\] and $5.",
        "$$\na\n= b\n$$",
        "\\begin{align}\na &= b\n\\end{align}",
        "Path C:\\Users\\me and \\n and {x!r} and {{ y }}",
        "Entities &lt;b&gt; &amp; &nbsp;stay",
        "Title\n---\n\nText",
        "- [x] done\n- [ ] open",
        "[1] says so [2].",
        "",
    ],
)
def test_ordinary_markdown_stays_as_it_is(text: str) -> None:
    """Lists, tables, code, mathematics and links read the same, to the character."""
    assert neutralise(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>bold</b>", "&lt;b>bold&lt;/b>"),
        ("![alt](https://example.org/x.png)", "!\\[alt](https://example.org/x.png)"),
        ("[a](javascript:1)", "[a]\\(javascript:1)"),
        ("[1]: https://example.org", "[1]\\: https://example.org"),
        ("```mermaid\ngraph\n```", "```\ngraph\n```"),
        ("```{=html}\nx\n```", "```\nx\n```"),
        ("~~~python\nx\n~~~", "```python\nx\n```"),
        ("```\nunclosed", "```\nunclosed\n```"),
        ("````\n```\nx\n```\n````", "````\n```\nx\n```\n````"),
        ("    indented", "```\nindented\n```"),
        ("a\n\n---\n\nb", "a\n\n***\n\nb"),
        ("text\n```\ncode\n```\nmore", "text\n\n```\ncode\n```\n\nmore"),
        ("$\\href{x}{y}$", "$\\ href{x}{y}$"),
        ("$a<b$", "$a< b$"),
        ("- ```html\n  <b>\n  ```", "- ```html\n  < b>\n  ```"),
        ("see http://a.b and `<b>`", "see http://a.b and `< b>`"),
        ("{{< video x >}}", "{ {< video x >}}"),
        ("[a](https://b.c){onclick=x}", "[a](https://b.c)\\{onclick=x}"),
        (":::mermaid", "\\:::mermaid"),
        ("\x1b[31mred\x1b[0m", "red"),
    ],
)
def test_what_is_changed(text: str, expected: str) -> None:
    """What could be alive is broken where it begins."""
    assert neutralise(text) == expected


# ---------------------------------------------------------------------------------------------------------------------
# Harm


@pytest.mark.parametrize("name", sorted(MARKDOWN))
def test_hostile_text_is_harmless(name: str) -> None:
    """No front end finds HTML, an image, a live link or a diagram in it."""
    assert list(harm(neutralise(MARKDOWN[name]))) == []


def test_all_of_them_together() -> None:
    """Nor when one text's open fences meet the next."""
    assert list(harm(neutralise("\n".join(MARKDOWN.values())))) == []
    assert list(harm(neutralise("\n\n".join(reversed(MARKDOWN.values()))))) == []


@given(markdown)
@settings(max_examples=300, deadline=None)
@example("a `http://evil.example/`<script>x</script>` b")
@example("[a](http://evil.example/`y) <b> `z")
@example("[a](#x '`') <b> `z")
@example("| `a | <i> ` |\n|---|---|")
@example("$$\n```\n$$\n<b>\n```")
def test_random_text_is_harmless(text: str) -> None:
    """No combination of pieces finds a place where parsers disagree to our cost."""
    assert list(harm(neutralise(text))) == []


def test_the_checks_can_fail() -> None:
    """Each kind of harm is seen in the text before it is neutralised."""
    for name in ("script", "image", "javascript_link", "mermaid"):
        assert name == "javascript_link" or list(harm(MARKDOWN[name])), name
    assert any("link" in found for found in harm("[a](command:x)"))


@pytest.mark.parametrize("name", sorted(MARKDOWN))
def test_twice_is_once(name: str) -> None:
    """A neutral text is left alone."""
    once = neutralise(MARKDOWN[name])
    assert neutralise(once) == once


@given(markdown)
@settings(max_examples=100, deadline=None)
def test_live_tex_is_broken_outside_code(text: str) -> None:
    """A page that typesets all its text finds no command that links or styles, but in what every parser calls code."""
    for token in tokens(FRONT_ENDS["tables"].parse(neutralise(text))):
        if token.type == "text":
            assert not re.search(r"\\(href|style|class|require|bbox|def)(?![A-Za-z])", token.content)


def test_too_much_is_code() -> None:
    """What is too large or too deep to be read stands in one fence."""
    assert neutralise("a" * 1_000_000) == fenced("a" * 1_000_000)
    assert neutralise(">" * 500 + "x").startswith("```\n>>>")
    assert len(neutralise("`" * 1_000_000)) > 3_000_000 - 10


@pytest.mark.parametrize(
    "piece", ["[", "![", "[a](", "`a", "$a\\", "\\(a", "<a:", "&#1", "\\begin{align}", "]:", "](", "{{<"]
)
def test_worst_cases_end(piece: str) -> None:
    """A hundred thousand characters of what is dear to scan come out."""
    assert neutralise(piece * (100_000 // len(piece)))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("blank", [" ", "\n", "\u00a0"])
def test_blanks_within_a_text_end(blank: str) -> None:
    """Nor does white space between words take more time than its length."""
    text = neutralise(f"a{blank * (290_000 // len(blank))}b")
    assert (text[0], text[-1]) == ("a", "b")
