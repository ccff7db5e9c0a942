"""`jupyter_localllm.show.formats`."""

from __future__ import annotations

import pytest

from jupyter_localllm.show.formats import shown
from jupyter_localllm.show.html import BlockRenderer, render
from jupyter_localllm.show.view import Format

from .hostile import MARKDOWN
from .test_html import Page

FORMATS: tuple[Format, ...] = ("markdown", "text", "json", "code")


def test_markdown() -> None:
    """Markdown is rendered, neutralised and cleaned."""
    form = shown("*a* <b>\x1b[0m", "markdown")
    assert (form.html, form.markdown, form.plain) == (render("*a* <b>"), "*a* &lt;b>", "*a* <b>")


def test_text_is_not_markdown() -> None:
    """With --format text stars are stars and lines are lines."""
    form = shown("*a*\n  b", "text")
    assert form.html == '<div style="white-space:pre-wrap">*a*\n  b</div>\n'
    assert form.markdown == "```\n*a*\n  b\n```"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('{"b":1,"a":[2]}', '{\n  "b": 1,\n  "a": [\n    2\n  ]\n}'),
        ('Here:\n\n```json\n{"a": "ü"}\n```\nDone', '{\n  "a": "ü"\n}'),
        ("42", "42"),
    ],
)
def test_json_is_laid_out(text: str, plain: str) -> None:
    """JSON is laid out, keys in the model's order, also when the model put it into a fence."""
    form = shown(text, "json")
    assert (form.plain, form.remark) == (plain, "")
    assert 'class="language-json"' in form.html
    assert form.markdown == f"```json\n{plain}\n```"


@pytest.mark.parametrize("text", ['{"a": ', "no json", "[" * 100_000, "1" * 100_000, '{"a": \ud800}'])
def test_what_is_not_json_is_text(text: str) -> None:
    """Text that is no JSON is shown as it is, and said to be none; but not while it may still become some."""
    form = shown(text, "json")
    assert form.remark == "not valid JSON: shown as text"
    assert "pre-wrap" in form.html
    assert shown(text, "json", ended=False).remark == ""


@pytest.mark.parametrize(
    ("text", "code", "language"),
    [
        ("Sure:\n\n```python\nprint(1)\n\nx\n```\n\nand\n\n```js\n2\n```", "print(1)\n\nx", "python"),
        ("print(1)", "print(1)", ""),
        ("```python\nprint(", "print(", "python"),
        ("~~~\na\n```\nb\n~~~\nc", "a\n```\nb", ""),
        ("````md\n```\nx\n```\n````", "```\nx\n```", "md"),
        ("- a\n  ```sh\n  ls\n  ```", "  ls", "sh"),
    ],
)
def test_code_is_the_first_fence(text: str, code: str, language: str) -> None:
    """With --format code only the code is shown: the first block, or all there is."""
    form = shown(text, "code")
    assert form.plain == code
    assert (f'class="language-{language}"' in form.html) == bool(language)
    assert Page(form.html).text.rstrip("\n") == code


@pytest.mark.timeout(60)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("piece", ["~", "`", "~~~\n", "> ~~~ a", "\n ```", "```a` "])
def test_fences_without_number_are_cheap(form: Format, piece: str) -> None:
    """Hundreds of thousands of what could begin a fence are looked at once."""
    assert shown(piece * (200_000 // len(piece)), form).html


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", sorted(MARKDOWN))
def test_no_format_lets_harm_through(form: Format, name: str) -> None:
    """In each format, growing or whole, the page gets no element of the model's."""
    for ended in (False, True):
        tags = {tag for tag, _ in Page(shown(MARKDOWN[name], form, ended=ended).html).found}
        assert not tags & {"script", "img", "svg", "iframe", "object", "style", "link", "meta", "form", "video"}


@pytest.mark.parametrize("form", FORMATS)
def test_growing_is_the_same_as_whole(form: Format) -> None:
    """What is seen last while it grows is what is seen in the end."""
    text = '# A\n\n```json\n{"a": 1}\n```\n\nend'
    blocks = BlockRenderer()
    for end in range(0, len(text), 3):
        shown(text[:end], form, ended=False, blocks=blocks)
    assert shown(text, form, ended=False, blocks=blocks).html == shown(text, form).html


def test_a_value_is_read_when_it_is_whole() -> None:
    """While it grows it is text, also where it could end: nothing is parsed for each frame."""
    for text in ('{"a": 1}', "```json\n[1]\n```", '{"a'):
        assert shown(text, "value", ended=False) == shown(text, "text")
