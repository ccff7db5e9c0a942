"""Markdown to HTML that can do nothing but be read.

JupyterLab trusts what a cell has just shown, so raw Markdown from a model would be code: it is rendered here, in the
kernel, and what leaves holds no script, no style, no image, no identifier and no address but those of plain links.

Everything is bounded: a text beyond `LONGEST` characters, or nested deeper than the parser follows, is shown as it was
written, in a ``<pre>``.
"""

from __future__ import annotations

import functools
import re
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

from jupyter_localllm.show.parser import TooDeep, make_parser
from jupyter_localllm.show.plain import clean

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["LONGEST", "BlockRenderer", "as_written", "render"]

LONGEST = 300_000

# So many blocks from the end are tried for a cut: one is enough in prose, and a hostile text must not cost more.
_TRIES = 8
_OPENS_MATH = re.compile(r"\$\$|\\\[|\\begin\{")
_BLANK_END = re.compile(r"\n[ \t]*\n\Z")


def render(markdown: str) -> str:
    r"""Render Markdown as safe HTML.

    Parameters
    ----------
    markdown : str
        Anything, hostile or not. CommonMark with tables, strikethrough and mathematics.

    Returns
    -------
    str
        HTML. Mathematics stands in it as TeX with its delimiters, in elements with the class ``mathjax_process``, for
        the front end's typesetter; the element around it should have the class ``mathjax_ignore``, so that nothing else
        of the text is taken for mathematics.

    Examples
    --------
    >>> render("**yes** <script>alert(1)</script>")
    '<p><strong>yes</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p>\n'
    """
    return BlockRenderer().feed(markdown)


def as_written(text: str) -> str:
    """The text itself as HTML, its lines and spaces kept."""
    return f'<pre style="white-space:pre-wrap">{escape(clean(text), quote=False)}</pre>\n'


class BlockRenderer:
    r"""Render a text that grows, each time for the price of its last block.

    A block of Markdown (a paragraph, a list, a table, a fence) is closed when another one has begun below it, and no
    later text can change it (see `jupyter_localllm.show.parser` for what was switched off to make this true). Closed
    blocks are rendered once and kept.

    Examples
    --------
    >>> blocks = BlockRenderer()
    >>> blocks.feed("# One\n\ntw") == render("# One\n\ntw")
    True
    >>> blocks.feed("# One\n\ntwo *thr") == render("# One\n\ntwo *thr")
    True
    """

    def __init__(self) -> None:
        self._md = _parser()
        self._closed_text = ""
        self._closed_html = ""

    def feed(self, text_so_far: str) -> str:
        """Render the whole text; cheap if it begins as the text of the last call did.

        Parameters
        ----------
        text_so_far : str
            All of the text up to now.

        Returns
        -------
        str
            Exactly ``render(text_so_far)``.
        """
        text = clean(text_so_far)
        if len(text) > LONGEST:
            return as_written(text)
        if not text.startswith(self._closed_text):
            self._closed_text = self._closed_html = ""
        try:
            tail = self._render_tail(text[len(self._closed_text) :])
        except (TooDeep, RecursionError):
            return as_written(text)
        return self._closed_html + tail

    def _render_tail(self, tail: str) -> str:
        """Render what is not closed yet; what can be closed moves to the closed part, the rest is returned."""
        tokens = self._md.parse(tail)
        first, start = _last_cut(tail, tokens)
        self._closed_html += self._html(tokens[:first])
        self._closed_text += tail[:start]
        return self._html(tokens[first:])

    def _html(self, tokens: list[Token]) -> str:
        html: str = self._md.renderer.render(tokens, self._md.options, {})
        return html


def _last_cut(tail: str, tokens: list[Token]) -> tuple[int, int]:
    """The last place between two blocks above which nothing can change any more, as a token and as a character."""
    starts = (i for i in range(len(tokens) - 1, 0, -1) if tokens[i].level == 0 and tokens[i].nesting >= 0)
    for index in islice(starts, _TRIES):
        lines = tokens[index].map
        start = _start_of_line(tail, lines[0]) if lines else 0
        if lines and _is_final(tail, start):
            return index, start
    return 0, 0


def _is_final(tail: str, cut: int) -> bool:
    """Whether nothing that follows can change what stands before the cut."""
    # A line without its end may still become something else: "2" may go on as the second item of the list above.
    if _BLANK_END.search(tail, max(0, cut - 200), cut):
        return "\n" in tail[cut:]
    # Within one run of lines the last but one may be the head of a table too, and mathematics begins a block only once
    # its end is found.
    return tail.count("\n", cut) > 1 and not _OPENS_MATH.search(tail)


def _start_of_line(text: str, line: int) -> int:
    """Where the line of that number starts; the parser knows no other line break than a line feed."""
    start = 0
    for _ in range(line):
        start = text.index("\n", start) + 1
    return start


@functools.lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return make_parser()
