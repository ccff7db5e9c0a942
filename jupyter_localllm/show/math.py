r"""Mathematics in Markdown: ``$…$``, ``$$…$$``, ``\(…\)``, ``\[…\]`` and ``\begin{…}…\end{…}``.

Two rules for markdown-it. They keep the source whole, delimiters included, because the front end's typesetter looks for
it in the page; without them Markdown would eat the backslashes and make lists of the minus signs. All searches are
bounded and stop at the next opening delimiter, so a text full of dollars costs no more than its length.

A dollar follows pandoc's rule (``tex_math_dollars``): no space inside the dollars, no digit after the closing one, so
that "$5 and $10" stays money.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_localllm.show.tex import ENVIRONMENTS

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

__all__ = ["INLINE_MATH", "math_plugin"]

_LONGEST_INLINE = 1_000
_MOST_LINES = 200

_NAMES = "|".join(re.escape(name) for name in sorted(ENVIRONMENTS))
INLINE_MATH = re.compile(
    rf"\$\$(?:[^$\\]|\\.){{1,{_LONGEST_INLINE}}}\$\$"
    rf"|\$(?![\s$])(?:[^$\\]|\\.){{1,{_LONGEST_INLINE}}}(?<!\s)\$(?!\d)"
    rf"|\\\((?:[^\\]|\\[^()\[\]]){{1,{_LONGEST_INLINE}}}\\\)"
    rf"|\\\[(?:[^\\]|\\[^()\[\]]){{1,{_LONGEST_INLINE}}}\\\]"
    rf"|\\begin\{{(?P<name>{_NAMES})\}}(?:[^\\]|\\(?!begin\{{(?P=name)\}}|end\{{(?P=name)\}}).){{1,{_LONGEST_INLINE}}}"
    r"\\end\{(?P=name)\}",
    re.DOTALL,
)
_BLOCK_OPENS = re.compile(rf"\$\$|\\\[|\\begin\{{(?P<name>{_NAMES})\}}")


def math_plugin(md: MarkdownIt) -> None:
    """Add the two rules to a parser; the tokens are ``math_inline`` and ``math_block``."""
    md.inline.ruler.before("escape", "math_inline", _math_inline)
    md.block.ruler.before("fence", "math_block", _math_block, {"alt": ["paragraph", "reference", "blockquote", "list"]})


def _math_inline(state: StateInline, silent: bool) -> bool:
    """Mathematics within a paragraph."""
    if state.src[state.pos] not in "$\\":
        return False
    match = INLINE_MATH.match(state.src, state.pos, state.posMax)
    if not match or (match[0][0] == "$" and state.src[max(0, state.pos - 1) : state.pos].isalnum()):
        return False
    if not silent:
        token = state.push("math_inline", "span", 0)
        token.content = match[0]
    state.pos = match.end()
    return True


def _math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Mathematics on lines of its own: the opening delimiter starts one, the closing one ends one."""
    start = state.bMarks[start_line] + state.tShift[start_line]
    if state.src[start : start + 1] not in ("$", "\\") or state.is_code_block(start_line):
        return False
    opens = _BLOCK_OPENS.match(state.src, start, state.eMarks[start_line])
    if not opens:
        return False
    closing = {"$$": "$$", r"\[": r"\]"}.get(opens[0], rf"\end{{{opens['name']}}}")
    last = _closing_line(state, (start_line, end_line), opens, closing)
    if last is None:
        return False
    if not silent:
        state.line = last + 1
        token = state.push("math_block", "div", 0)
        token.content = state.getLines(start_line, last + 1, state.sCount[start_line], False).strip()
        token.map = [start_line, last + 1]
    return True


def _closing_line(state: StateBlock, lines: tuple[int, int], opens: re.Match[str], closing: str) -> int | None:
    """The line that ends with the closing delimiter; none if a blank line or another delimiter comes first."""
    start_line, end_line = lines
    begin = opens.end()
    for line in range(start_line, min(end_line, start_line + _MOST_LINES)):
        if line > start_line:
            begin = state.bMarks[line] + state.tShift[line]
            if begin >= state.eMarks[line] or state.sCount[line] < state.blkIndent:
                return None
        found = state.src.find(closing, begin, state.eMarks[line])
        if found >= 0:
            rest = state.src[found + len(closing) : state.eMarks[line]]
            return line if not rest.strip() and (line > start_line or found > begin) else None
        if line > start_line and state.src.startswith(opens[0], begin):
            return None
    return None
