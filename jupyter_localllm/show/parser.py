"""The Markdown parser behind `jupyter_localllm.show.html`: CommonMark, tables and strikethrough, nothing that is alive.

Off are raw HTML (it reads as text), images (a request for a picture tells its server who reads) and link reference
definitions: those act on text far before them, so a block would not be finished when it ends, and a model could turn
the citation marks ``[1]`` into links of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_localllm.show.math import math_plugin
from jupyter_localllm.show.tex import draws_only

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

__all__ = ["TooDeep", "code_html", "language", "make_parser"]

# Levels of containers (a list counts twice: itself and its item). Deeper, the parser would drop text (`_check_depth`).
_DEEPEST = 30
_PARSER_DEEPEST = 40

# Emphasis, links and math are found by looking ahead from each opening mark: marks x length is the work of the worst
# case (a second, measured). Beyond this product a paragraph is shown as it was written: 30 KB of prose in one piece.
_MOST_INLINE_WORK = 100_000_000
_MARKS = re.compile(r"[\[\]!*_~`$<&\\]")

_BARE_LINK = {"link_open": "[", "link_close": "]()"}
_ALLOWED_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+#.-]{0,31}")
# Fences that some front end draws, loads or runs instead of showing.
_LIVE = """
mermaid geojson topojson stl plantuml kroki graphviz dot vega vega-lite vegalite dataview dataviewjs echarts
wavedrom tikz abc smiles include math
"""
_LIVE_LANGUAGES = frozenset(_LIVE.split())

# A grey veil suits any theme, light or dark.
_CODE_STYLE = "background:rgba(128,128,128,.1);border-radius:3px;overflow-x:auto;padding:.6em .8em"
_MATH_CLASS = "jp-LocalLLM-math mathjax_process tex2jax_process"


class TooDeep(Exception):
    """Lists or quotes nest deeper than the parser follows."""


def make_parser() -> MarkdownIt:
    """Make the parser; it keeps no state between texts."""
    from markdown_it import MarkdownIt

    md = MarkdownIt("commonmark", {"html": False, "maxNesting": _PARSER_DEEPEST})
    md.enable(["table", "strikethrough"]).disable(["html_block", "html_inline", "reference"])
    md.use(math_plugin)
    md.block.ruler.before("code", "depth", _check_depth, {"alt": []})
    md.core.ruler.at("inline", _parse_inline)
    md.validateLink = _is_allowed_link  # type: ignore[method-assign]
    for name, rule in _RENDER_RULES.items():
        md.add_render_rule(name, rule)
    return md


def language(info: str) -> str:
    """The language of a code fence, fit for a class name; empty if there is none, or if some front end runs it.

    Examples
    --------
    >>> language("python title=x.py"), language("mermaid"), language('x"onload=')
    ('python', '', '')
    """
    words = info.split(maxsplit=1)
    if not words or not _LANGUAGE.fullmatch(words[0]) or words[0].lower() in _LIVE_LANGUAGES:
        return ""
    return words[0]


def code_html(code: str, info: str = "") -> str:
    """Code as a block of HTML.

    Parameters
    ----------
    code : str
    info : str
        The language as the model named it.
    """
    name = language(info)
    attribute = f' class="language-{escape(name)}"' if name else ""
    words = escape(code, quote=False)
    return f'<pre style="{_CODE_STYLE}"><code{attribute} style="background:none">{words}</code></pre>\n'


def _check_depth(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A block rule that never matches, and stops a parse before the parser would drop what lies deeper."""
    if state.level >= _DEEPEST:
        raise TooDeep
    return False


def _parse_inline(state: StateCore) -> None:
    """The parser's own step, bounded: a paragraph whose marks would take minutes stays text."""
    from markdown_it.token import Token

    for token in state.tokens:
        if token.type == "inline":
            token.children = []
            if len(token.content) * len(_MARKS.findall(token.content)) > _MOST_INLINE_WORK:
                token.children.append(Token("text", "", 0, content=token.content))
            else:
                state.md.inline.parse(token.content, state.md, state.env, token.children)
                _write_bare_links(token.children)


def _write_bare_links(tokens: Sequence[Token]) -> None:
    """Show ``[a]()`` as it was written: a link without an address opens the notebook itself."""
    bare = False
    for token in tokens:
        if token.type == "link_open":
            bare = not token.attrs.get("href")
        if bare and token.type in _BARE_LINK:
            token.content, token.type, token.nesting = _BARE_LINK[token.type], "text", 0


def _is_allowed_link(url: str) -> bool:
    return _ALLOWED_LINK.match(url) is not None


# ---------------------------------------------------------------------------------------------------------------------
# From tokens to HTML (markdown-it calls these with its renderer first)


def _link_open(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    href = escape(str(tokens[index].attrs.get("href", "")))
    title = tokens[index].attrs.get("title")
    extra = f' title="{escape(str(title))}"' if title else ""
    return f'<a href="{href}"{extra} target="_blank" rel="noopener noreferrer nofollow">'


def _image(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    label = renderer.renderInlineAsText(token.children, options, env) if token.children else ""
    address = escape(str(token.attrs.get("src", "")))
    return f"{escape(label)} ({address})" if label else f"({address})"


def _fence(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return code_html(tokens[index].content, tokens[index].info)


def _cell(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    # Said for every cell: JupyterLab's own style moves all cells to the right.
    side = str(tokens[index].attrs.get("style", "")).removeprefix("text-align:")
    side = side if side in ("left", "center", "right") else "left"
    return f'<{tokens[index].tag} style="text-align:{side}">'


def _math_inline(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    tex = tokens[index].content
    if not draws_only(tex):
        return f"<code>{escape(tex, quote=False)}</code>"
    return f'<span class="{_MATH_CLASS}">{escape(tex, quote=False)}</span>'


def _math_block(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    tex = tokens[index].content
    if not draws_only(tex):
        return code_html(tex)
    return f'<div class="{_MATH_CLASS}">{escape(tex, quote=False)}</div>\n'


_RENDER_RULES = {
    "link_open": _link_open,
    "image": _image,
    "code_block": _fence,
    "fence": _fence,
    "th_open": _cell,
    "td_open": _cell,
    "math_inline": _math_inline,
    "math_block": _math_block,
}
