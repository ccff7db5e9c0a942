r"""Walking over the paragraphs of a text, and the headings above them.

A text is walked line by line and never copied: what comes out are places in it. Lines end with ``\n``, as editors count
them. Headings are those of Markdown (CommonMark 0.31, sections 4.2 and 4.3: ``# Title``, and titles of one line that
are underlined); a heading belongs to the first paragraph under it and is the context of all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["HEAD", "START", "Block", "Mark", "blocks", "skip_blanks", "strip_end"]

HEAD = 200  # characters of a line that are looked at; a longer line is no heading

_NOT_BLANK = re.compile(r"\S")
_HEADING = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+(\S.*?)(?:[ \t]+#+)?[ \t\r]*$")
_UNDERLINE = re.compile(r"[ ]{0,3}(?:={3,}|-{3,})[ \t\r]*$")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})([^`]*)$")
_NO_TITLE = re.compile(r"\s*(?:[-*+>|]|\d+[.)])\s*")
_BLANKS = re.compile(r"\s*")


@dataclass(frozen=True)
class Mark:
    """A place between two blocks, from which a text can be read on."""

    position: int = 0
    line: int = 1
    headings: tuple[tuple[int, str], ...] = ()


START = Mark()


@dataclass(frozen=True)
class Block:
    """A paragraph, with the headings that stand right above it.

    Parameters
    ----------
    start, end : int
        Characters of the paragraph; equal for headings with nothing under them.
    begin : int
        Line of the first heading above it, or its own first line.
    first, last : int
        Its lines.
    headings : tuple of (int, str)
        Level and title, the outermost first.
    """

    start: int
    end: int
    begin: int
    first: int
    last: int
    headings: tuple[tuple[int, str], ...] = ()


def blocks(text: str, *, markdown: bool, mark: Mark = START) -> Iterator[Block]:
    """Walk over the paragraphs of a text; see `pieces`."""
    walk = _Walk(text, markdown, mark)
    position, line = mark.position, mark.line
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        yield from walk.take(position, end, line)
        position, line = end + 1, line + 1
    yield from walk.close()


class _Walk:
    """What is open while a text is walked over: headings, a paragraph, fenced code."""

    def __init__(self, text: str, markdown: bool, mark: Mark) -> None:
        self.text, self.markdown = text, markdown
        self.headings = mark.headings
        self.pending: tuple[int, int] | None = None  # first and last line of headings with nothing under them yet
        self.start: tuple[int, int] | None = None  # character and line where the open paragraph starts
        self.end = 0
        self.fence = ""

    def take(self, position: int, end: int, line: int) -> Iterator[Block]:
        head = self.text[position : min(end, position + HEAD)]
        if self.fence:
            self._fenced(head, position, end, line)
        elif not head.strip() and _NOT_BLANK.search(self.text, position, end) is None:
            yield from self.paragraph()
        elif self.markdown and end - position < HEAD and (heading := _HEADING.match(head)) is not None:
            yield from self.paragraph()
            yield from self._heading(len(heading[1]), heading[2].strip(), line, line)
        elif self.markdown and self._underlines(head, line):
            title = self.text[self.start[0] : self.end].strip() if self.start else ""
            self.start = None
            yield from self._heading(1 if "=" in head else 2, title, line - 1, line)
        else:
            if self.markdown and (fence := _FENCE.match(head)) is not None:
                self.fence = fence[1]
            self._open(position, end, line)

    def _fenced(self, head: str, position: int, end: int, line: int) -> None:
        bare = head.strip()
        if bare.startswith(self.fence) and not bare.strip(self.fence[0]):
            self.fence = ""
        self._open(position, end, line)

    def _open(self, position: int, end: int, line: int) -> None:
        if self.start is None:
            self.start = (position, line)
        self.end = end

    def _underlines(self, head: str, line: int) -> bool:
        if self.start is None or self.start[1] != line - 1 or self.end - self.start[0] >= HEAD:
            return False
        return _UNDERLINE.match(head) is not None and not _NO_TITLE.match(self.text, self.start[0], self.end)

    def _heading(self, level: int, title: str, first: int, last: int) -> Iterator[Block]:
        if self.pending is not None and self.headings and level <= self.headings[-1][0]:
            yield from self.close()
        self.headings = (*(known for known in self.headings if known[0] < level), (level, title))
        self.pending = (self.pending[0] if self.pending else first, last)

    def paragraph(self) -> Iterator[Block]:
        """End the open paragraph, if there is one."""
        if self.start is None:
            return
        start = skip_blanks(self.text, self.start[0], self.end)
        begin = self.pending[0] if self.pending else self.start[1]
        end = strip_end(self.text, start, self.end)
        self.pending, (_, first), self.start = None, self.start, None
        last = first + self.text.count("\n", start, end)
        yield Block(start, end, begin, first, last, self.headings)

    def close(self) -> Iterator[Block]:
        """End whatever is open."""
        yield from self.paragraph()
        if self.pending is not None:
            (first, last), self.pending = self.pending, None
            yield Block(0, 0, first, first, last, self.headings)


def skip_blanks(text: str, start: int, end: int) -> int:
    """The first character of a stretch that is not blank."""
    match = _BLANKS.match(text, start, end)
    return match.end() if match else start


def strip_end(text: str, start: int, end: int) -> int:
    """The end of a stretch without the blanks before it."""
    while end > start and text[end - 1].isspace():
        end -= 1
    return end
