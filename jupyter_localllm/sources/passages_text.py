"""Passages of text: paragraphs under their headings, found again by their lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from jupyter_localllm.sources.cutting import Piece, pieces
from jupyter_localllm.sources.held import Held, HeldValue, lines_label, plural, sha256_of
from jupyter_localllm.sources.paragraphs import START, Mark, blocks
from jupyter_localllm.types import Locator, Passage

__all__ = ["HeldText", "hold_text", "lines_of", "text_size", "whole_lines", "worded"]

_STRIDE = 64_000  # characters between two marks, from which lines are looked up
_PROSE_ENDS = ".!?:;…。\uff01\uff1f"
_LABEL_CHARS = 100
_LABEL_WORDS = 8  # a text of one line and at most so many words is a name or a label rather than prose


@dataclass(frozen=True)
class HeldText(Held):
    """A text, kept as one string.

    Parameters
    ----------
    text : str
    markdown : bool
        Whether headings are looked for; not in code and logs, where ``#`` starts a comment.
    page : int or None
        The page of a document that this text is.
    kind_name : str
        What `kind` says.
    """

    text: str
    markdown: bool = True
    page: int | None = None
    kind_name: str = "text"

    @property
    def kind(self) -> str:
        """Say ``"text"`` in most cases."""
        return self.kind_name

    @cached_property
    def sha256(self) -> str:
        """Of all characters."""
        return sha256_of(self.text)

    @cached_property
    def _marks(self) -> list[Mark]:
        """Places from which the text can be read on, so that a late line is found without reading the first."""
        marks = [START]
        for block in blocks(self.text, markdown=self.markdown):
            if block.begin == block.first and block.start - marks[-1].position > _STRIDE:
                start = block.start
                while self.text[start - 1] != "\n":  # only blanks stand between
                    start -= 1
                marks.append(Mark(start, block.first, block.headings))
        return marks

    def passages(self) -> Iterator[Passage]:
        """Paragraphs, and parts of long ones."""
        for piece in pieces(self.text, markdown=self.markdown):
            yield self._passage(piece)

    def resolve(self, locator: Locator) -> Passage | None:
        """The piece in these lines, or the lines as they are if they are cut in another way by now."""
        if locator.lines is None or locator.page != self.page or locator.path is not None:
            return None
        first, last = locator.lines
        marks = self._marks
        mark = marks[max(0, bisect_right(marks, first, key=lambda known: known.line) - 1)]
        headings: tuple[str, ...] = ()
        for piece in pieces(self.text, markdown=self.markdown, mark=mark):
            if piece.first > first:
                break
            headings = piece.headings
            if (piece.first, piece.last) == (first, last):
                passage = self._passage(piece)
                if locator.label in ("", passage.locator.label):
                    return passage
        return self._lines(first, last, headings, mark)

    def _passage(self, piece: Piece) -> Passage:
        body = self.text[piece.start : piece.end]
        header = self.text[slice(*piece.header)]
        return self._worded(body, (piece.first, piece.last), piece.headings, piece.part, header)

    def _worded(
        self, body: str, lines: tuple[int, int], headings: tuple[str, ...], part: int = 0, header: str = ""
    ) -> Passage:
        label = lines_label(*lines, part)
        if self.page is not None:
            label = f"page {self.page}, {label}"
        content = "\n".join((*headings, header, body))
        locator = Locator(lines=lines, page=self.page, label=label)
        return Passage(self.name, "text", worded(headings, header, body), locator, sha256_of(content))

    def _lines(self, first: int, last: int, headings: tuple[str, ...], mark: Mark) -> Passage | None:
        body = whole_lines(self.text, first, last, mark)
        return self._worded(body, (first, last), headings) if body else None


def hold_text(text: str, name: str) -> Held:
    """Hold a string: a name or a label as one value, all else as text."""
    if len(text) <= _LABEL_CHARS and _is_label(text.strip()):
        return HeldValue(name, text_size(text), (), text.strip(), repr(text))
    return HeldText(name, text_size(text), (), text)


def _is_label(text: str) -> bool:
    return bool(text) and "\n" not in text and len(text.split()) <= _LABEL_WORDS and text[-1] not in _PROSE_ENDS


def worded(headings: tuple[str, ...], header: str, body: str) -> str:
    r"""Put the context before a paragraph.

    Examples
    --------
    >>> worded(("Prices", "EU"), "", "They rose by 4 %.")
    'Prices > EU: They rose by 4 %.'
    """
    context = " > ".join(headings)
    inner = f"{header}\n{body}" if header else body
    if not context or not inner:
        return context or inner
    return f"{context}:\n{inner}" if "\n" in inner else f"{context}: {inner}"


def text_size(text: str) -> str:
    """Size of a text in words, as ``"3 lines, 120 characters"``."""
    return f"{plural(lines_of(text), 'line')}, {plural(len(text), 'character')}"


def lines_of(text: str) -> int:
    r"""Count lines as editors do: the last one may end with ``\n`` or not."""
    return text.count("\n") + (not text.endswith("\n")) if text else 0


def whole_lines(text: str, first: int, last: int, mark: Mark = START) -> str:
    """Lines of a text, without the blanks around them; empty where there are none."""
    position = mark.position
    for _ in range(first - mark.line):
        position = text.find("\n", position) + 1
        if position == 0:
            return ""
    end = position
    for count in range(last - first + 1):
        found = text.find("\n", end)
        if found < 0:
            if count < last - first:
                return ""
            return text[position:].strip()
        end = found + 1
    return text[position:end].strip()
