r"""Where an answer's text cites: its marks ``[1]`` and its unsupported claims, found in the text and again in its HTML.

A citation counts characters of the text, and Markdown moves them. So the places are written into the text with
characters that no text holds (noncharacters of Unicode), the text is rendered, and they are looked for in the HTML.
Whether this changed how the text is rendered is not guessed but tried: without them the HTML must be what it was, and
a place that does not pass stays unmarked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from jupyter_localllm.types import Answer, Citation

__all__ = ["Link", "Spot", "Writer", "find", "mark_up"]

_MARK = re.compile(r"\[(?P<inside>\d{1,5}(?:\s*,\s*\d{1,5})*|\?)\]")
_NUMBER = re.compile(r"\d+|\?")
_WORD = re.compile(r"[^\W_]")

# Noncharacters (Unicode 15, 23.7): never text, neither a space nor a punctuation mark to a parser of Markdown.
_MARK_AT, _CLAIM_AT, _CLAIM_END, _STOP = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"
_WOVEN = re.compile(rf"([{_MARK_AT}{_CLAIM_AT}{_CLAIM_END}])(\d+){_STOP}")
_OURS = re.compile(f"[{_MARK_AT}-{_STOP}]")
_IN_TAG = re.compile(f"<[^<>]*[{_MARK_AT}-{_STOP}]")  # in a link's title, which is an attribute
_PIECE = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>|[^<]+")

# Each place that fails alone costs a rendering, and each mark a look at all citations; an answer has a few dozen
# sentences at most.
_MOST_TRIED = 500_000  # characters rendered
_MOST_LOOKED_AT = 10_000_000
_MATH = "jp-LocalLLM-math"


@dataclass(frozen=True)
class Link:
    """One number of a mark.

    Parameters
    ----------
    number : int
        The passage's; 0 for the mark ``[?]``.
    citation : int
        Which of the answer's citations says it.
    """

    number: int
    citation: int


@dataclass(frozen=True)
class Spot:
    """A place in the text: a mark, or a claim that is not supported.

    Parameters
    ----------
    start, end : int
        Of the mark with its brackets, or of the claim from its first to its last letter.
    citation : int
        Which of the answer's citations a claim is.
    links : tuple of Link
        The numbers of a mark; none for a claim.
    """

    start: int
    end: int
    citation: int = -1
    links: tuple[Link, ...] = ()


class Writer(Protocol):
    """Writes what stands in the HTML at the places."""

    def mark(self, spot: Spot) -> str:
        """The HTML of a mark."""
        ...

    def claim(self, html: str, citation: int) -> str:
        """The HTML of a piece of text within a claim that is not supported."""
        ...


def find(answer: Answer) -> list[Spot]:
    """The places of an answer: each mark with the citation that it stands for, each claim that is not supported.

    Examples
    --------
    >>> find(Answer("It is 3 [1].", (Citation(1, start=0, end=12),)))
    [Spot(start=8, end=11, citation=-1, links=(Link(number=1, citation=0),))]
    """
    found = list(_MARK.finditer(answer.text))
    if len(found) * len(answer.citations) > _MOST_LOOKED_AT:
        return []
    marks = [_mark(match, answer.citations) for match in found]
    return [mark for mark in marks if mark is not None] + _claims(answer)


def mark_up(text: str, spots: Sequence[Spot], render: Callable[[str], str], writer: Writer) -> str:
    """Render a text with its marks and claims.

    Parameters
    ----------
    text : str
    spots : sequence of Spot
    render : callable
        From text to HTML whose attributes hold no ``>``, as `jupyter_localllm.show.html.render`.
    writer : Writer

    Returns
    -------
    str
        HTML. Where a place cannot be marked without changing what is rendered, or only at great cost, it is left as it
        is.
    """
    text = _OURS.sub("\ufffd", text)
    plain = render(text)

    def woven(some: Iterable[int]) -> str | None:
        html = render(_woven(text, spots, some))
        whole = _unwoven(html, text, spots) == plain and not _IN_TAG.search(html)
        return html if whole else None

    everything = range(len(spots))
    html = woven(everything)
    if html is None and len(spots) * len(text) <= _MOST_TRIED:
        html = woven([index for index in everything if woven([index]) is not None])
    return plain if html is None else _written(html, text, spots, writer)


def _mark(match: re.Match[str], citations: Sequence[Citation]) -> Spot | None:
    links = []
    for found in _NUMBER.findall(match["inside"]):
        number = 0 if found == "?" else int(found)
        citation = _nearest(number, match.start(), citations)
        if citation is None:
            return None  # a bracket of the text, as in x[3]
        links.append(Link(number, citation))
    return Spot(match.start(), match.end(), links=tuple(links))


def _nearest(number: int, place: int, citations: Sequence[Citation]) -> int | None:
    """The citation of that number whose claim holds the mark or stands nearest before it."""

    def distance(index: int) -> tuple[int, int]:
        cited = citations[index]
        inside = cited.start <= place <= cited.end
        return (0 if inside else min(abs(place - cited.end), abs(cited.start - place)), -cited.end)

    same = [index for index, cited in enumerate(citations) if cited.number == number]
    return min(same, key=distance, default=None)


def _claims(answer: Answer) -> list[Spot]:
    spots: dict[tuple[int, int], Spot] = {}
    words = _MARK.sub(lambda match: " " * len(match[0]), answer.text)  # a mark is no part of what is claimed
    for index, cited in enumerate(answer.citations):
        start, end = max(0, cited.start), max(0, cited.end)
        letters = [match.start() for match in _WORD.finditer(words, start, end)] if start < end else []
        if letters and cited.status == "unsupported":
            spots.setdefault((start, end), Spot(letters[0], letters[-1] + 1, index))
    return list(spots.values())


# ---------------------------------------------------------------------------------------------------------------------
# Into the text and out of the HTML


def _woven(text: str, spots: Sequence[Spot], some: Iterable[int]) -> str:
    """The text with the places written into it: within a mark's brackets, and beside the letters of a claim."""
    edits: list[tuple[int, int, str]] = []
    for index in some:
        spot = spots[index]
        if spot.links:
            edits.append((spot.start + 1, spot.end - 1, f"{_MARK_AT}{index}{_STOP}"))
        else:
            edits.append((spot.start, spot.start, f"{_CLAIM_AT}{index}{_STOP}"))
            edits.append((spot.end, spot.end, f"{_CLAIM_END}{index}{_STOP}"))
    pieces, done = [], 0
    for start, end, code in sorted(edits):
        pieces += [text[done:start], code]
        done = end
    return "".join([*pieces, text[done:]])


def _unwoven(html: str, text: str, spots: Sequence[Spot]) -> str:
    def original(match: re.Match[str]) -> str:
        return _inside(text, spots[int(match[2])]) if match[1] == _MARK_AT else ""

    return _WOVEN.sub(original, html)


def _inside(text: str, spot: Spot) -> str:
    return text[spot.start + 1 : spot.end - 1]


def _written(html: str, text: str, spots: Sequence[Spot], writer: Writer) -> str:
    """The HTML with marks and claims written; none in code, in links, or in mathematics."""
    out: list[str] = []
    claims: list[int] = []
    quiet: list[str] = []
    for piece in _PIECE.finditer(html):
        closing, tag, attributes = piece[1], piece[2], piece[3]
        if tag is None:
            out.append(_run(piece[0], bool(quiet), claims, (text, spots, writer)))
            continue
        if closing and quiet and quiet[-1] == tag:
            quiet.pop()
        elif not closing and (tag in ("a", "code", "pre") or _MATH in attributes or (quiet and quiet[-1] == tag)):
            quiet.append(tag)
        out.append(piece[0])
    return "".join(out)


def _run(run: str, quiet: bool, claims: list[int], what: tuple[str, Sequence[Spot], Writer]) -> str:
    """One piece of text between two tags; ``claims`` are those that began and did not end."""
    text, spots, writer = what
    out: list[str] = []
    done = 0

    def say(words: str) -> None:
        underlined = bool(claims) and not quiet and words.strip()
        out.append(writer.claim(words, spots[claims[-1]].citation) if underlined else words)

    def bracket(spot: Spot) -> str:
        return _inside(text, spot) if quiet else writer.mark(spot)

    for match in _WOVEN.finditer(run):
        kind, index = match[1], int(match[2])
        mark = kind == _MARK_AT and not quiet  # its brackets stand around it, and are written anew
        say(run[done : match.start() - mark])
        done = match.end() + mark
        if kind == _MARK_AT:
            out.append(bracket(spots[index]))
        elif kind == _CLAIM_AT:
            claims.append(index)
        elif index in claims:
            claims.remove(index)
    say(run[done:])
    return "".join(out)
