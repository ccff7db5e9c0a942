"""One text in the four ways of ``--format``, or as the value it says: as HTML, as Markdown and as plain text.

While a text streams it may be half a fence or half a JSON value: nothing here fails on that.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from jupyter_localllm.show.plain import clean
from jupyter_localllm.show.view import Format

if TYPE_CHECKING:
    from jupyter_localllm.show.html import BlockRenderer

__all__ = ["Shown", "shown"]

_FENCE = re.compile(
    r"^[ \t>]*(?P<marks>`{3,}|~{3,}(?!~))(?P<info>[^`\n]*)\n(?P<code>.*?)(?:^[ \t>]*(?P=marks)[`~]*[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_PRE = "white-space:pre-wrap"


@dataclass(frozen=True)
class Shown:
    """A text, ready for all front ends.

    Parameters
    ----------
    html, markdown, plain : str
        The three forms; Markdown is neutralised and HTML is safe.
    remark : str
        What must be said about the form, as ``"not valid JSON"``; empty if nothing.
    """

    html: str
    markdown: str
    plain: str
    remark: str = ""


def shown(text: str, form: Format, *, ended: bool = True, blocks: BlockRenderer | None = None) -> Shown:
    r"""Bring a text into its form.

    Parameters
    ----------
    text : str
        The answer, as the model wrote it.
    form : {"markdown", "text", "json", "code", "value"}
        ``"value"``: of an answer under a schema, a table or a tree, with the raw text folded in below.
    ended : bool
        Whether the text is whole. Markdown for other front ends is made only then: it is not shown before.
    blocks : BlockRenderer or None
        Renders Markdown that grows.

    Returns
    -------
    Shown

    Examples
    --------
    >>> shown('{"a":1}', "json").plain
    '{\n  "a": 1\n}'
    """
    if form == "markdown":
        return _as_markdown(text, ended, blocks)
    if form == "json":
        return _as_json(text, ended)
    if form == "value":
        return _as_value(text, ended)
    if form == "code":
        return _as_code(*_first_fence(text))
    return _as_text(text)


def _as_markdown(text: str, ended: bool, blocks: BlockRenderer | None) -> Shown:
    from jupyter_localllm.show.html import render
    from jupyter_localllm.show.neutral import neutralise

    html = blocks.feed(text) if blocks else render(text)
    return Shown(html, neutralise(text) if ended else "", clean(text))


def _as_text(text: str, remark: str = "") -> Shown:
    from jupyter_localllm.show.neutral import fenced

    plain = clean(text)
    return Shown(f'<div style="{_PRE}">{escape(plain, quote=False)}</div>\n', fenced(plain), plain, remark)


def _as_code(code: str, info: str) -> Shown:
    from jupyter_localllm.show.neutral import fenced
    from jupyter_localllm.show.parser import code_html

    plain = clean(code)
    return Shown(code_html(plain, info), fenced(plain, info), plain)


def _as_json(text: str, ended: bool) -> Shown:
    for candidate in (text, _first_fence(text)[0]):
        try:
            value = json.loads(candidate)
            return _as_code(json.dumps(value, indent=2, ensure_ascii=False), "json")
        except (ValueError, RecursionError):
            continue
    return _as_text(text, "not valid JSON: shown as text" if ended else "")


def _as_value(text: str, ended: bool) -> Shown:
    if not ended:
        return _as_text(text)  # it is parsed once, not in each frame
    raw = _as_json(text, ended=False)
    try:
        value = json.loads(text if text.strip()[:1] != "`" else _first_fence(text)[0])
    except (ValueError, RecursionError):
        return raw  # a choice or a text of a pattern, or not whole
    if not isinstance(value, (dict, list)):
        return raw
    from jupyter_localllm.show.values import value_html

    try:
        table = value_html(value)
    except RecursionError:
        return raw
    below = (
        '<details class="jp-LocalLLM-raw" style="margin-top:.4em;font-size:.9em">'
        f'<summary style="cursor:pointer">Raw text</summary><pre style="{_PRE}">{escape(clean(text), quote=False)}'
        "</pre></details>\n"
    )
    return Shown(f"{table}\n{below}", raw.markdown, raw.plain)


def _first_fence(text: str) -> tuple[str, str]:
    """The first fenced block and its info; the whole text if there is none."""
    match = _FENCE.search(text)
    return (match["code"].rstrip("\n"), match["info"].strip()) if match else (text, "")
