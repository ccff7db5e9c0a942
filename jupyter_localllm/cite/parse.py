"""Marks in a text: ``[1]``, ``[1, 2]``, ``[1-3]``, and ``[?]`` behind a claim that no passage carries.

A mark stands outside of code. Code is what stands between two fences, and what stands on one line between two runs of
equally many backticks (CommonMark 0.31, 4.5 and 6.1, without code that goes over the end of a line).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "DOUBT",
    "FENCE",
    "LEAD",
    "MARK",
    "Mark",
    "as_numbers",
    "code_spans",
    "fence_of",
    "marks_in",
    "without_marks",
]

DOUBT = "[?]"
"""Stands behind a claim that no passage carries. It reads the same in Markdown, HTML and plain text."""

# What looks like a mark to a reader: digits of any script, with what people put between them. The backslash is
# Markdown's and is not seen.
_MARKLIKE = r"[\s\\^]*\d+(?:[\s\\]*[,;&\u2010-\u2015-][\s\\^]*\d+)*[\s\\]*"
MARK = re.compile(rf"\[(?P<numbers>{_MARKLIKE})\]|\[\?\]")
_INSIDE = re.compile(_MARKLIKE)
_RANGE = re.compile(r"(\d+)[\s\\]*[\u2010-\u2015-][\s\\^]*(\d+)|(\d+)")
_TICKS = re.compile(r"`+")
LEAD = re.compile(r"[ \t]*(?:(?:[-*+>]|\d{1,9}[.)])[ \t]*)?")
"""What may stand before a fence: the mark of an item or of a quotation."""

FENCE = re.compile(rf"{LEAD.pattern}(`{{3,}}|~{{3,}})([^\n]*)")
_LONGEST_RANGE = 50
_MOST_DIGITS = 9
_LONGEST_MARK = 1000
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


def fence_of(line: str) -> str:
    """The fence with which a line opens a block of code (CommonMark 0.31, 4.5); empty if it opens none.

    Examples
    --------
    >>> fence_of("```python"), fence_of("```[1]`no block")
    ('```', '')
    """
    found = FENCE.match(line)
    return found[1] if found and not (found[1][0] == "`" and "`" in found[2]) else ""


@dataclass(frozen=True)
class Mark:
    """One mark.

    Parameters
    ----------
    numbers : tuple of int
        The numbers in it; none in ``[?]``.
    start, end : int
        Where it stands, in characters.
    """

    numbers: tuple[int, ...]
    start: int
    end: int


def as_numbers(inside: str) -> tuple[int, ...] | None:
    """The numbers between the brackets of what looks like a mark, or None if it does not look like one.

    Examples
    --------
    >>> as_numbers("1, 3-5"), as_numbers("3.14"), as_numbers("x")
    ((1, 3, 4, 5), None, None)
    """
    if len(inside) > _LONGEST_MARK or not _INSIDE.fullmatch(inside):
        return None
    found: list[int] = []
    for low, high, single in _RANGE.findall(inside):
        if max(map(len, (low, high, single))) > _MOST_DIGITS:
            found.append(10**_MOST_DIGITS)  # no list of sources is as long as that
        elif single:
            found.append(int(single))
        elif 0 <= int(high) - int(low) <= _LONGEST_RANGE:
            found.extend(range(int(low), int(high) + 1))
        else:
            found.extend((int(low), int(high)))
    return tuple(found)


def code_spans(line: str) -> list[tuple[int, int]]:
    """Where code stands on one line, its backticks included.

    Examples
    --------
    >>> code_spans("a `x[0]` b ` c")
    [(2, 8)]
    """
    runs = [(run.start(), run.end()) for run in _TICKS.finditer(line)]
    behind: dict[int, list[int]] = {}  # length of a run -> the runs of that length, the last one first
    for number in range(len(runs) - 1, -1, -1):
        behind.setdefault(runs[number][1] - runs[number][0], []).append(number)
    spans, number = [], 0
    while number < len(runs):
        start, end = runs[number]
        same = behind[end - start]
        while same and same[-1] <= number:
            same.pop()
        if (start and line[start - 1] == "\\") or not same:
            number += 1
            continue
        spans.append((start, runs[same[-1]][1]))
        number = same[-1] + 1
    return spans


def marks_in(text: str) -> Iterator[Mark]:
    """The marks of a text, in its order.

    Examples
    --------
    >>> [mark.numbers for mark in marks_in("1887 [1][2], `x[3]`, unknown [?].")]
    [(1,), (2,), ()]
    """
    fence, at = "", 0
    for line in _LINE.findall(text):
        found = FENCE.match(line)
        if fence:
            closes = found and found[1][0] == fence[0] and len(found[1]) >= len(fence) and not found[2].strip()
            fence = "" if closes else fence
        elif opened := fence_of(line):
            fence = opened
        else:
            yield from _on_line(line, at)
        at += len(line)


def _on_line(line: str, at: int) -> Iterator[Mark]:
    spans = iter(code_spans(line))
    span = next(spans, None)
    for found in MARK.finditer(line):
        while span is not None and span[1] <= found.start():
            span = next(spans, None)
        if span is not None and span[0] < found.end():
            continue
        numbers = as_numbers(found["numbers"]) if found["numbers"] else ()
        if numbers is not None:
            yield Mark(numbers, at + found.start(), at + found.end())


def without_marks(text: str) -> tuple[str, tuple[int, ...]]:
    """A text with its marks taken out, and their numbers, each once.

    Examples
    --------
    >>> without_marks("Berlin [2] has 3.9 million [1][2].")
    ('Berlin has 3.9 million.', (2, 1))
    """
    kept: list[str] = []
    numbers: dict[int, None] = {}
    at = 0
    for mark in marks_in(text):
        kept.append(text[at : mark.start].rstrip(" \t\u00a0"))
        numbers.update(dict.fromkeys(mark.numbers))
        at = mark.end
        if not any(kept):  # nothing stands before it
            while text[at : at + 1] in (" ", "\t"):
                at += 1
            kept.clear()
    kept.append(text[at:])
    return "".join(kept), tuple(numbers)
