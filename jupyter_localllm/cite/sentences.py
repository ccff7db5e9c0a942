# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Sentences of a text that is still being written, in scripts with and without spaces between words.

Nothing is lost: the pieces put together are the text. What has been given out does not depend on how the text was cut
when it came.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from jupyter_localllm.cite.parse import FENCE, MARK, fence_of
from jupyter_localllm.cite.words import ABBREVIATIONS, BEFORE_DIGITS, BEFORE_ORDINALS, MONTHS

__all__ = ["LONGEST", "Piece", "Splitter", "sentences_of"]

LONGEST = 4000
"""Characters of the longest sentence; a longer one is cut at a space, so that the cost of each is bounded."""

_SURE = LONGEST + 1200  # with so much text behind it, every decision about the first `LONGEST` characters is made
_LEAD = re.compile(r"[ \t]*(?:(?:[-*+\u2022\u2013]|\d{1,3}[.)]|\#{1,6}|>)[ \t]+|>)*(?:\[[ xX]\][ \t]+)?[ \t]*")
_MAY_LEAD = re.compile(r"[ \t\d.)\-*+\u2022\u2013#>]*(?:\[[ xX]?\]?[ \t]*)?\Z")
_MAY_FENCE = re.compile(r"[ \t]*(?:(?:[-*+>]|\d{1,9}[.)]?)[ \t]*)?(?:`{0,2}|~{0,2})\Z")
_STOP = re.compile(r"(?P<latin>[.!?\u2026]+)|(?P<wide>[。！？；｡؟۔।॥։]+)|(?P<ticks>`+)|(?P<line>\r\n?|\n)")
_CLOSERS = re.compile(r"[\"'”’»)\]*_」』）】〉》]*")
_MARKS = re.compile(rf"(?:[ \t\u00a0]*(?:{MARK.pattern}))+")
_MAY_MARK = re.compile(r"[ \t\u00a0]*(?:\[[\s\d,;&^?\\\u2010-\u2015-]*)?\Z")
_WORD = re.compile(r"\S+")
_BEFORE = re.compile(r"[^\s(\[{\"'“„«*_|]*\Z")
_OPENERS = "\"'“„«([{*_¿¡`"
_WHOLE = 24  # characters after which a word counts as read


@dataclass(frozen=True)
class Piece:
    """A piece of the text.

    Parameters
    ----------
    text : str
    kind : {"sentence", "code", "gap"}
        ``"code"``: a line of a fenced block. ``"gap"``: what stands between sentences: white space, list markers.
    """

    text: str
    kind: Literal["sentence", "code", "gap"]


class Splitter:
    """Cuts a text into sentences as it comes.

    Examples
    --------
    >>> splitter = Splitter()
    >>> [piece.text for piece in splitter.feed("It is 3.5 m. [1] Dr. Who")]
    ['It is 3.5 m. [1]', ' ']
    >>> [piece.text for piece in splitter.finish()]
    ['Dr. Who']
    """

    def __init__(self) -> None:
        self._held = ""
        self._fence = ""
        self._fresh = True  # at the beginning of a line
        self._table = False
        self._looked = 0  # up to here the sentence has no end
        self._code = 0  # length of the run of backticks that has opened code
        self._final = False

    @property
    def held(self) -> str:
        """What was taken and is not part of a complete piece yet."""
        return self._held

    def feed(self, text: str) -> list[Piece]:
        """Take more text; the pieces that are complete now."""
        found: list[Piece] = []
        for start in range(0, len(text) or 1, LONGEST):  # what is held is copied for each piece
            self._held += text[start : start + LONGEST]
            while self._held and (piece := self._next()) is not None:
                self._held = self._held[len(piece.text) :]
                if piece.text:
                    found.append(piece)
        return found

    def finish(self) -> list[Piece]:
        """The rest. Nothing may be fed after this."""
        self._final = True
        return self.feed("")

    def _next(self) -> Piece | None:
        if self._fence:
            return self._code_line()
        if self._looked:
            return self._sentence()
        if not self._final and "\n" not in self._held and self._held.isspace():
            return None
        if self._fresh and (fence := self._fence_line()) is not None:
            return fence
        if self._fresh and self._undecided():
            return None
        return self._lead() or self._gap() or self._sentence()

    def _lead(self) -> Piece | None:
        """What marks a line as an item, a title or a quotation."""
        if not self._fresh:
            return None
        self._fresh = False
        self._table = self._held.lstrip(" \t").startswith("|")
        lead = _LEAD.match(self._held)[0]  # type: ignore[index]
        return Piece(lead, "gap") if lead else None

    def _sentence(self) -> Piece | None:
        end = self._end()
        if end is None and not self._final and len(self._held) < _SURE:
            return None
        end = len(self._held) if end is None else end
        end = self._cut() if end > LONGEST else end
        self._looked = self._code = 0
        text = self._held[:end]
        return Piece(text, "sentence") if text.strip() else Piece(text, "gap")

    def _cut(self) -> int:
        """Where a sentence that is too long is cut: at a space, and not within a mark."""
        space = self._held.rfind(" ", 1, LONGEST)
        end = space if space > 0 else LONGEST
        bracket = self._held.rfind("[", max(1, end - 64), end)
        return bracket if bracket > 0 and "]" not in self._held[bracket:end] else end

    # Lines

    def _line(self) -> str | None:
        """The whole line, or None if it goes on."""
        found = re.search(r"\r\n|\r(?!\Z)|\n", self._held)
        if found:
            return self._held[: found.end()]
        return self._held if self._final else None

    def _code_line(self) -> Piece | None:
        line = self._line()
        if line is None:
            return None
        found = FENCE.match(line)
        if found and found[1][0] == self._fence[0] and len(found[1]) >= len(self._fence) and not found[2].strip():
            self._fence = ""
        return Piece(line, "code")

    def _fence_line(self) -> Piece | None:
        line = self._line()
        opened = fence_of(line) if line is not None else ""
        if line is None or not opened:
            return None
        self._fence = opened
        return Piece(line, "code")

    def _undecided(self) -> bool:
        """Whether it cannot be told yet how this line begins."""
        if self._final or self._line() is not None or len(self._held) > LONGEST:
            return False
        return bool(FENCE.match(self._held) or _MAY_FENCE.match(self._held) or _MAY_LEAD.match(self._held))

    def _gap(self) -> Piece | None:
        found = re.match(r"[^\S\r\n]*(?:\r\n|\r(?!\Z)|\n)|[^\S\r\n]+(?=\S)", self._held)
        if not found:
            return Piece(self._held, "gap") if self._final and not self._held.strip() else None
        self._fresh = found[0][-1] in "\r\n"
        return Piece(found[0], "gap")

    # Sentences

    def _end(self) -> int | None:
        """Where the sentence ends, or None if that is not known yet."""
        while found := _STOP.search(self._held, self._looked):
            if found.end() == len(self._held) and not self._final:
                return None  # the run may go on
            if found["line"]:
                return found.start()
            if found["ticks"]:
                self._take_ticks(found)
            elif not (self._code or self._table):
                end = self._after(found)
                if end is None:
                    return None
                if end:
                    return end
            self._looked = found.end()
        self._looked = max(self._looked, len(self._held) - 1)
        return None

    def _take_ticks(self, found: re.Match[str]) -> None:
        if self._code:
            self._code = 0 if len(found[0]) == self._code else self._code
        elif self._held[found.start() - 1 : found.start()] != "\\":
            self._code = len(found[0])

    def _after(self, found: re.Match[str]) -> int | None:
        """The end of the sentence with this stop, 0 if it is none, None if that is not known yet."""
        held = self._held
        at = _CLOSERS.match(held, found.end()).end()  # type: ignore[union-attr]
        marks = _MARKS.match(held, at)
        at = marks.end() if marks else at
        if not self._final and (_MAY_MARK.match(held, at) or at == len(held)):
            return None
        if found["wide"] or marks or at == len(held):
            return at
        return self._before_next_word(found, at) if held[at].isspace() else 0

    def _before_next_word(self, found: re.Match[str], at: int) -> int | None:
        held = self._held
        word = _WORD.search(held, at)
        space = held[at : word.start() if word else len(held)]
        if "\n" in space or "\r" in space or (self._final and not word):
            return at
        if not word or (not self._final and word.end() == len(held) and len(word[0]) < _WHOLE):
            return None
        return at if self._ends(found, word[0].lstrip(_OPENERS) or word[0]) else 0

    def _ends(self, found: re.Match[str], following: str) -> bool:
        first = following[0]
        if unicodedata.category(first) == "Ll":
            return False
        if found[0] != ".":
            return True
        word = _BEFORE.search(self._held[max(0, found.start() - 40) : found.start()])[0]  # type: ignore[index]
        if word.isdigit() and len(word) <= 2:
            before = self._held[max(0, found.start() - 40) : found.start() - len(word)].split()
            ordinal = before and before[-1].casefold() in BEFORE_ORDINALS
            return not (ordinal or following.strip(".,;:").casefold() in MONTHS)
        folded = word.casefold()
        if folded in BEFORE_DIGITS:
            return not first.isdigit()
        letters = word.split(".")
        return not (folded in ABBREVIATIONS or all(len(part) == 1 and part.isalpha() for part in letters))


def sentences_of(text: str) -> list[str]:
    """The sentences of a whole text, without its code blocks.

    Examples
    --------
    >>> sentences_of("Mr. Kane was born on 3. Mai 1887. 彼は俳優。")
    ['Mr. Kane was born on 3. Mai 1887.', '彼は俳優。']
    """
    splitter = Splitter()
    return [piece.text for piece in splitter.feed(text) + splitter.finish() if piece.kind == "sentence"]
