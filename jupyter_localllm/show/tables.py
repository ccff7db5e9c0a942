"""Tables and the paragraphs between them: as HTML in notebooks, in columns as text elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from jupyter_localllm.show.plain import clean

__all__ = ["Page", "Table", "table"]

_LONGEST_WORD = 26  # characters of a word that is never broken: the names of most models have fewer
_LONGEST_FIGURE = 12  # characters of a cell whose words are kept together: a number and its unit


@dataclass(frozen=True)
class Table:
    """Rows of texts, all of the same length.

    Parameters
    ----------
    rows : sequence of sequence of str
    head : sequence of str
        Names of the columns; empty for none.
    title : str
        A line above it.
    align : {"left", "right"}
        Of all columns but the first: figures stand on the right.
    """

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()
    title: str = ""
    align: Literal["left", "right"] = "left"

    def __str__(self) -> str:
        head, *rows = ([clean(cell) for cell in row] for row in (self.head, *self.rows))
        made = table(rows, head, align=self.align)
        return f"{clean(self.title)}\n{made}" if self.title else made

    def html(self) -> str:
        """As HTML: its colours are those of the page, and long cells are broken so that it stays narrow."""
        title = f"<p>{escape(clean(self.title))}</p>" if self.title else ""
        head = f"<thead>{self._line(self.head, 'th')}</thead>" if self.head else ""
        body = "".join(self._line(row, "td") for row in self.rows)
        return f'{title}<table style="margin-left:0">{head}<tbody>{body}</tbody></table>'

    def _line(self, cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(self._cell(tag, i, text) for i, text in enumerate(cells))}</tr>"

    def _cell(self, tag: str, column: int, text: str) -> str:
        whole = len(text) <= (_LONGEST_FIGURE if " " in text else _LONGEST_WORD)
        broken = "nowrap" if whole else "normal;overflow-wrap:anywhere"
        align = self.align if column else "left"
        return f'<{tag} style="text-align:{align};white-space:{broken}">{escape(clean(text))}</{tag}>'


@dataclass(frozen=True)
class Page:
    """Paragraphs and tables, one below the other; shows itself."""

    parts: tuple[str | Table, ...]

    def __str__(self) -> str:
        return "\n\n".join(str(part) if isinstance(part, Table) else clean(part) for part in self.parts)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        parts = (part.html() if isinstance(part, Table) else _paragraph(part) for part in self.parts)
        # A path may hold what typesetters take for mathematics.
        html = f'<div class="mathjax_ignore tex2jax_ignore">{"".join(parts)}</div>'
        return {"text/plain": str(self), "text/html": html}


def _paragraph(text: str) -> str:
    return f"<p>{'<br>'.join(map(escape, clean(text).splitlines()))}</p>"


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = (), *, align: Literal["left", "right"] = "left") -> str:
    """Columns as wide as their widest cell; the first one is always on the left.

    Examples
    --------
    >>> print(table([("a", "1"), ("long", "2")], ("name", "n")))
    name  n
    a     1
    long  2
    """
    lines = [tuple(head), *map(tuple, rows)] if head else list(map(tuple, rows))
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    sides = ["<", *((">" if align == "right" else "<") * (len(widths) - 1))]
    return "\n".join(
        "  ".join(f"{cell:{side}{w}}" for cell, side, w in zip(line, sides, widths, strict=True)).rstrip()
        for line in lines
    )
