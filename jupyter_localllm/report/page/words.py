"""The Markdown of a notebook's author as safe HTML; of a model's answers `jupyter_localllm.show` makes it.

An author may write HTML and show pictures that are attached to the cell; both pass `sanitized`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from jupyter_localllm.report.page.sanitize import as_pre, sanitized
from jupyter_localllm.show.plain import clean

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["markdown"]

_LONGEST = 300_000
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def markdown(text: str, attachments: Mapping[str, Any] | None = None) -> Markup:
    r"""Markdown as HTML.

    Parameters
    ----------
    text : str
    attachments : Mapping
        As a cell has them: name, MIME type, base64. Pictures that are not attached are told by their words only: to
        fetch one would tell its server who reads.

    Examples
    --------
    >>> markdown("# Sales <script>x()</script>")
    Markup('<h1>Sales </h1>\n')
    """
    text = clean(text)
    if len(text) > _LONGEST:
        return as_pre(text, _LONGEST)
    from jupyter_localllm.show.parser import TooDeep

    try:
        return sanitized(_parser().render(text, {"attachments": attachments or {}}))
    except (TooDeep, RecursionError):
        return as_pre(text, _LONGEST)


@functools.lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """The parser of answers, with its bounds, and what an author may do besides."""
    from jupyter_localllm.show.parser import make_parser

    md = make_parser()
    md.options["html"] = True
    md.enable(["html_block", "html_inline", "reference"])
    md.validateLink = lambda url: True  # type: ignore[method-assign]  # `sanitized` judges addresses
    md.add_render_rule("image", _image)
    return md


def _image(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    label = renderer.renderInlineAsText(token.children, options, env) if token.children else ""
    source = str(token.attrs.get("src", ""))
    if source.startswith("attachment:"):
        source = _attached(env.get("attachments", {}).get(source.removeprefix("attachment:")))
    if source.startswith("data:"):
        return f'<img src="{escape(source)}" alt="{escape(label)}">'
    return f"<em>{escape(label)}</em>" if label else ""


def _attached(bundle: Any) -> str:
    """An attachment as an address that holds it."""
    if not isinstance(bundle, Mapping):
        return ""
    for kind in _PICTURES:
        content = bundle.get(kind)
        if isinstance(content, str):
            return f"data:{kind};base64,{''.join(content.split())}"
    return ""
