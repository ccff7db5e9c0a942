"""HTML files: what a reader would see, as blocks under their headings.

Read with ``html.parser`` of the standard library, which takes anything and runs nothing. Left out are scripts, styles
and what is hidden by ``hidden``, ``aria-hidden`` or an inline style; a style sheet that hides things is not evaluated.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser

from jupyter_localllm.sources.cutting import cuts
from jupyter_localllm.sources.held import Held, lines_label, plural, sha256_of, sha256_of_parts
from jupyter_localllm.sources.passages_text import lines_of, worded
from jupyter_localllm.types import Locator, Passage

__all__ = ["HeldHtml", "declared", "hold_html"]

_SKIPPED = frozenset(
    {
        *("script", "style", "template", "noscript", "svg", "math", "canvas", "object", "iframe", "select"),
        *("textarea", "head"),
    }
)
_VOID = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source"),
        *("track", "wbr"),
    }
)
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "dialog", "div"),
        *("dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "li", "main"),
        *("nav", "ol", "p", "pre", "section", "summary", "table", "ul"),
    }
)
# Elements whose end tag may be missing (HTML, section 13.1.2.4).
_CLOSED_BY_NEXT = frozenset({"p", "li", "dt", "dd", "option", "tr", "td", "th"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")
_MOST_TITLE = 200  # characters of a heading that may stand before each of its paragraphs


@dataclass(frozen=True)
class _Block:
    """A paragraph or table as people read it, and the lines of the file it comes from."""

    text: str
    first: int
    last: int
    headings: tuple[str, ...]
    table: bool = False


@dataclass(frozen=True)
class HeldHtml(Held):
    """The readable text of an HTML file.

    Parameters
    ----------
    blocks : tuple
    """

    blocks: tuple[_Block, ...]

    @property
    def kind(self) -> str:
        """Say ``"html"``."""
        return "html"

    @cached_property
    def sha256(self) -> str:
        """Of what can be read in the file."""
        return sha256_of_parts("\n".join((*block.headings, block.text, "")) for block in self.blocks)

    def passages(self) -> Iterator[Passage]:
        """Paragraphs and tables, long ones in parts."""
        seen: dict[tuple[int, int], int] = {}
        for block in self.blocks:
            lines = (block.first, block.last)
            header = block.text.partition("\n")[0] if block.table else ""
            header = header if len(header) <= _MOST_TITLE else ""
            for start, end in cuts(block.text, 0, len(block.text), by_lines=block.table):
                seen[lines] = seen.get(lines, 0) + 1
                body, above = block.text[start:end], header if start else ""
                yield self._passage(body, lines, block.headings, seen[lines], above)
            if not block.text:
                seen[lines] = seen.get(lines, 0) + 1
                yield self._passage("", lines, block.headings, seen[lines], "")

    def _passage(self, body: str, lines: tuple[int, int], headings: tuple[str, ...], part: int, header: str) -> Passage:
        label = lines_label(*lines) + (f", part {part}" if part > 1 else "")
        digest = sha256_of("\n".join((*headings, header, body)))
        return Passage(self.name, "text", worded(headings, header, body), Locator(lines=lines, label=label), digest)

    def resolve(self, locator: Locator) -> Passage | None:
        """The passage that comes from these lines of the file."""
        if locator.lines is None or locator.page is not None or locator.path is not None:
            return None
        same = (passage for passage in self.passages() if passage.locator.lines == locator.lines)
        return next((p for p in same if locator.label in ("", p.locator.label)), None)


def hold_html(text: str, name: str) -> HeldHtml:
    """Hold what can be read in an HTML file.

    Parameters
    ----------
    text : str
    name : str
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.flush()
    reader.flush_heading()
    size = f"{plural(lines_of(text), 'line')}, {plural(len(text), 'character')}"
    return HeldHtml(name, size, (), tuple(reader.blocks))


def declared(data: bytes) -> str:
    """The encoding that an HTML file declares, if it is one that Python knows and not UTF-8."""
    match = _CHARSET.search(data[:2048])
    if match is None or data.startswith(codecs.BOM_UTF8):
        return ""
    try:
        found = codecs.lookup(match[1].decode("ascii")).name
    except LookupError:
        return ""
    return "" if found == "utf-8" or found.startswith("utf-16") else found


class _Reader(HTMLParser):
    """Collects blocks while the parser walks over the file."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[_Block] = []
        self.headings: list[tuple[int, str]] = []
        self.words: list[str] = []
        self.first = self.last = 0
        self.skipped: list[str] = []  # elements that are open since something hidden began
        self.pre = 0
        self.level = 0  # of the heading that is being read
        self.bare = False  # whether a heading has nothing under it yet
        self.rows: list[list[str]] = []  # of the table that is being read
        self.tables = 0
        self.in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.skipped and tag in _CLOSED_BY_NEXT and self.skipped[-1] == tag:
            self.skipped.pop()
        if tag == "title" and self.skipped in ([], ["head"]):
            self.flush()
            self.in_title = True
        elif self.skipped or tag in _SKIPPED or _is_hidden(dict(attrs)):
            if tag == "body" and self.skipped == ["head"]:
                self.skipped.clear()
            elif tag not in _VOID:
                self.skipped.append(tag)
        else:
            self._open(tag)

    def _open(self, tag: str) -> None:
        if self.tables:
            self._in_table(tag)
        elif tag == "table":
            self.flush()
            self.tables, self.rows = 1, []
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self.flush()
            self.level = int(tag[1])
        elif tag == "br":
            self.words.append("\n")
        elif tag in _BLOCKS:
            self.flush()
            self.pre += tag == "pre"

    def _in_table(self, tag: str) -> None:
        if tag == "table":
            self.tables += 1
        elif tag == "tr":
            self._end_cell()
            self.rows.append([])
        elif tag in ("td", "th", "caption"):
            self._end_cell()
        elif tag == "br" or tag in _BLOCKS:
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self.in_title and tag == "title":
            self.in_title = False
            self.flush_title()
        elif self.skipped:
            if tag in self.skipped:
                while self.skipped.pop() != tag:
                    pass
        elif self.tables:
            if tag == "table":
                self.tables -= 1
            if tag in ("td", "th", "caption", "tr", "table"):
                self._end_cell()
            if not self.tables:
                self._end_table()
        elif self.level and tag == f"h{self.level}":
            self._end_heading()
        elif tag in _BLOCKS:
            self.flush()
            self.pre = max(0, self.pre - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if (self.skipped and not self.in_title) or not (data.strip() or self.words):
            return
        line = self.getpos()[0]
        if data.strip():
            lead = len(data) - len(data.lstrip())
            first = line + data.count("\n", 0, lead)
            self.first = self.first or first
            self.last = line + data.rstrip().count("\n")
        self.words.append(data if self.pre else _BLANKS.sub(" ", data))

    def _text(self) -> str:
        lines = "".join(self.words).split("\n")
        self.words = []
        return "\n".join(line.rstrip() if self.pre else " ".join(line.split()) for line in lines).strip("\n ")

    def flush(self) -> None:
        """End the open block."""
        if self.level:
            self._end_heading()
        self._add(self._text())

    def _add(self, text: str, table: bool = False) -> None:
        if text:
            titles = tuple(title for _, title in self.headings)
            self.blocks.append(_Block(text, self.first, max(self.first, self.last), titles, table))
            self.bare = False
        if text or not self.bare:
            self.first = self.last = 0

    def flush_title(self) -> None:
        """Take the title of the file as its outermost heading."""
        title = self._text()
        self.first = self.last = 0
        if title and len(title) <= _MOST_TITLE:
            self.headings = [(0, title)]

    def _end_heading(self) -> None:
        level, self.level = self.level, 0
        title = " ".join(self._text().split())
        if not title or len(title) > _MOST_TITLE:
            self._add(title)
            return
        if self.bare and level <= self.headings[-1][0]:
            self.flush_heading()
        self.headings = [known for known in self.headings if known[0] < level]
        self.headings.append((level, title))
        self.bare = True

    def flush_heading(self) -> None:
        """Keep a heading that has nothing under it."""
        if self.bare:
            titles = tuple(title for _, title in self.headings)
            self.blocks.append(_Block("", self.first, max(self.first, self.last), titles))
            self.first = self.last = 0
            self.bare = False

    def _end_cell(self) -> None:
        cell = " ".join(self._text().split())
        if not self.rows:
            self.rows.append([])
        if cell:
            self.rows[-1].append(cell)

    def _end_table(self) -> None:
        self._add("\n".join(" | ".join(row) for row in self.rows if row), table=True)
        self.rows = []


def _is_hidden(attrs: dict[str, str | None]) -> bool:
    if "hidden" in attrs or (attrs.get("aria-hidden") or "").lower() == "true":
        return True
    return _HIDDEN.search(attrs.get("style") or "") is not None
