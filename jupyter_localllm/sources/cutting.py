"""Cutting a text into pieces that can be cited: paragraphs, and long ones at the ends of sentences.

Places in a text come out, and never copies of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_localllm.sources.paragraphs import HEAD, START, Block, Mark, blocks, skip_blanks, strip_end

__all__ = ["MAX_WORDS", "Piece", "cuts", "pieces"]

MAX_WORDS = 120
"""Most words of a piece."""

_MAX_CHARS = 8 * MAX_WORDS  # where words are long, or there are no blanks
_MAX_WIDE = 2 * MAX_WORDS  # characters of scripts that have no blanks; a word has about two of them

_WIDE = re.compile("[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff]")
_REACH = re.compile(rf"(?:\S+\s+){{0,{MAX_WORDS - 1}}}\S+")
_NOT_BLANK = re.compile(r"\S")
_LINE_END = re.compile(r"[^\S\n]*(?:\n|\Z)")
_END = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s)|[。！？｡।॥؟۔]+[\"”’」』）】]*")  # noqa: RUF001
_LAST_WORD = re.compile(r"(?:^|[\s(\[\"'])([^\s(\[\"']{1,12})$")
_SHORT = frozenset(
    {
        *("mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "no", "nos", "vs", "etc", "e.g", "i.e", "cf"),
        *("fig", "figs", "eq", "al", "approx", "ca", "vol", "pp", "ed", "eds", "z.b", "d.h", "u.a", "bzw"),
        *("vgl", "nr", "usw", "evtl", "inkl", "ggf", "abb", "p.ex", "sra", "dott", "sig", "г", "им"),  # noqa: RUF001
    }
)
# A line that starts like this starts something new, so the line before may end a piece.
_NEW_LINE = re.compile(r"[^\S\n]*(?:[-*+•|\[{<@\"]|\d)")
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")


@dataclass(frozen=True)
class Piece:
    """A paragraph or a part of one.

    Parameters
    ----------
    start, end : int
        Characters.
    first, last : int
        Lines; those of the headings right above included.
    part : int
        Which piece of its line, from 1, where it is a part of one line; 0 else.
    headings : tuple of str
        The outermost first.
    header : (int, int)
        Characters of the header row, where this is a later part of a Markdown table.
    """

    start: int
    end: int
    first: int
    last: int
    part: int = 0
    headings: tuple[str, ...] = ()
    header: tuple[int, int] = (0, 0)


def pieces(text: str, *, markdown: bool, mark: Mark = START) -> Iterator[Piece]:
    """Cut a text, from a mark on.

    Parameters
    ----------
    text : str
    markdown : bool
        Whether headings and fenced code are looked for.
    mark : Mark, optional

    Yields
    ------
    Piece
        In the order of the text. Each character that is not blank lies in one piece, or in a heading.
    """
    for block in blocks(text, markdown=markdown, mark=mark):
        titles = tuple(title for _, title in block.headings)
        if block.start == block.end:
            yield Piece(block.start, block.end, block.begin, block.last, 0, titles)
        else:
            yield from _pieces_of_block(text, block, titles, markdown)


def _pieces_of_block(text: str, block: Block, titles: tuple[str, ...], markdown: bool) -> Iterator[Piece]:
    header = _header(text, block) if markdown else (0, 0)
    position, line = block.start, block.first
    inside = (0, 0)  # the line that is being cut, and how many pieces of it came
    for start, end in cuts(text, block.start, block.end, by_lines=header[1] > 0):
        first = line + text.count("\n", position, start)
        last = first + text.count("\n", start, end)
        shown = block.begin if start == block.start else first
        part = 0
        if shown == last and not (_at_line_start(text, start) and _at_line_end(text, end)):
            inside = (last, inside[1] + 1 if inside[0] == last else 1)
            part = inside[1]
        yield Piece(start, end, shown, last, part, titles, header if start > block.start else (0, 0))
        position, line = start, first


def cuts(text: str, start: int, end: int, *, by_lines: bool = False) -> Iterator[tuple[int, int]]:
    """Cut a stretch of text into parts of at most `MAX_WORDS` words.

    Parameters
    ----------
    text : str
    start, end : int
        The stretch, in characters.
    by_lines : bool
        Whether to cut between lines rather than between sentences, as for tables and code.

    Yields
    ------
    (int, int)
        Start and end of each part, without the blanks around it.
    """
    end = strip_end(text, start, end)
    position = skip_blanks(text, start, end)
    while position < end:
        stop = _reach(text, position, end)
        if stop < end:
            stop = _best_end(text, position, stop, by_lines)
        yield position, strip_end(text, position, stop)
        position = skip_blanks(text, stop, end)


def _reach(text: str, position: int, end: int) -> int:
    """How far a piece may go at most: the end of a word, if there is one."""
    limit = min(end, position + _MAX_CHARS)
    window = text[position:limit]
    if not window.isascii() and len(_WIDE.findall(window)) > len(window) // 4:
        limit = min(limit, position + _MAX_WIDE)
    match = _REACH.match(text, position, limit)
    stop = match.end() if match else limit
    if stop < limit or limit == end or text[limit].isspace():
        return stop
    blank = max(text.rfind(" ", position, stop), text.rfind("\n", position, stop), text.rfind("\t", position, stop))
    return blank if blank > position else stop


def _best_end(text: str, position: int, stop: int, by_lines: bool) -> int:
    """The last place before ``stop`` where something ends: a sentence or item, else a line, else a word."""
    if not by_lines:
        ends = [m.end() for m in _END.finditer(text, position, stop + 1) if m.end() <= stop]
        sentence = next((place for place in reversed(ends) if _ends_sentence(text, position, place)), -1)
        item = _item_end(text, position, stop)
        if max(sentence, item) > position:
            return max(sentence, item)
    if stop < len(text) and text[stop] == "\n":
        return stop
    line = text.rfind("\n", position, stop)
    return line if line > position else stop


def _item_end(text: str, position: int, stop: int) -> int:
    line = stop if stop < len(text) and text[stop] == "\n" else text.rfind("\n", position, stop)
    while line > position:
        if _NEW_LINE.match(text, line + 1):
            return line
        line = text.rfind("\n", position, line)
    return -1


def _ends_sentence(text: str, position: int, place: int) -> bool:
    """Whether a point ends a sentence, and not ``Dr.`` or ``J.`` or a word before a small letter."""
    following = _NOT_BLANK.search(text, place, place + 40)
    if following is not None and following.group().islower():
        return False
    if text[place - 1] != ".":
        return True
    match = _LAST_WORD.search(text[max(position, place - 14) : place - 1])
    word = match[1].lower() if match else ""
    counts = word.isdigit() and len(word) <= 2  # "3. Mai", or the third item of a list
    return not counts and word not in _SHORT and not (len(word) == 1 and word.isalpha())


def _header(text: str, block: Block) -> tuple[int, int]:
    """Characters of the first two lines, if they are the header of a Markdown table."""
    first = text.find("\n", block.start, block.end)
    if first < 0 or "|" not in text[block.start : min(first, block.start + HEAD)]:
        return (0, 0)
    second = text.find("\n", first + 1, block.end)
    if second < 0 or second - block.start > 4 * HEAD or not _RULE.match(text[first + 1 : second]):
        return (0, 0)
    return (block.start, second)


def _at_line_start(text: str, position: int) -> bool:
    while position > 0 and text[position - 1].isspace():
        position -= 1
        if text[position] == "\n":
            return True
    return position == 0


def _at_line_end(text: str, position: int) -> bool:
    return _LINE_END.match(text, position) is not None
