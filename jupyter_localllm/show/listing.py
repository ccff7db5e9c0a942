"""What an answer cites, in words: one entry for each cited passage and for each claim that none carries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_localllm.show.plain import clean
from jupyter_localllm.types import Answer, Citation, CitationStatus, Locator, Passage

__all__ = [
    "SIGNS",
    "Entry",
    "cited_cells",
    "claim_of",
    "clipped",
    "entries",
    "looked_at",
    "one_line",
    "place",
    "reading",
    "totals",
]

SIGNS: dict[CitationStatus, str] = {"supported": "✓", "unsupported": "?", "stale": "⟳", "unchecked": "○"}
"""A sign for each status, for those who do not see colours. The word always stands beside it."""

_MARK = re.compile(r"\s*\[(?:[\d,\s]{1,40}|\?)\]")
_EMPHASIS = re.compile(r"\*\*|`+|(?<![\w\s])\*(?=\S)|\B\*(?=\w)|(?<=\w)\*(?!\w)")
_NOT_ANSWERED = "Not answered: the sources do not say it, or the question can be read in several ways."


@dataclass(frozen=True)
class Entry:
    """One line of the list of sources.

    Parameters
    ----------
    number : int
        As in the mark; 0 for a claim that no passage carries.
    source : str
        Name of the variable.
    place : str
        Where in it.
    text : str
        What is said there.
    passage : Passage or None
    citations : tuple of int
        Which of the answer's citations cite it.
    cells : frozenset of (int, int)
        Of ``passage.shown``, those that are cited: row (0 is the header) and column.
    """

    number: int
    source: str = ""
    place: str = ""
    text: str = ""
    passage: Passage | None = None
    citations: tuple[int, ...] = ()
    cells: frozenset[tuple[int, int]] = field(default_factory=frozenset)


def entries(answer: Answer) -> tuple[Entry, ...]:
    """The list of an answer, by numbers; claims that no passage carries stand at its end.

    Examples
    --------
    >>> entries(Answer("3 [1]", (Citation(1, "df", quote="n: 3"),)))[0].text
    'n: 3'
    """
    by_number: dict[int, list[int]] = {}
    for index, cited in enumerate(answer.citations):
        if cited.number > 0:
            by_number.setdefault(cited.number, []).append(index)
    listed = [_entry(answer, number, by_number[number]) for number in sorted(by_number)]
    homeless = [index for index, cited in enumerate(answer.citations) if cited.number <= 0]
    return (*listed, *(Entry(0, citations=(index,)) for index in homeless))


def looked_at(answer: Answer, most: int = 20) -> list[str]:
    """Where an answer was looked for, if it cites nothing.

    Examples
    --------
    >>> looked_at(Answer("Not in the sources.", passages=(Passage("df", "cell", "n: 3", Locator(label="row 1")),)))
    ['df, row 1']
    """
    if answer.citations:
        return []
    places = [_where(passage.source, place(passage.locator)) for passage in answer.passages[:most]]
    more = len(answer.passages) - most
    return [*places, f"and {more:,} more"] if more > 0 else places


def reading(answer: Answer) -> str:
    """How the question was read, and whether it was answered at all, in a line."""
    read = one_line(answer.reading)
    if answer.abstained:
        return f"{_NOT_ANSWERED} Read, without certainty, as: {read}" if read else _NOT_ANSWERED
    return f"Read as: {read}" if read else ""


def totals(answer: Answer) -> list[tuple[CitationStatus, int]]:
    """How many claims there are of each status, where there are any."""
    told = [cited.status for cited in answer.citations]
    return [(status, told.count(status)) for status in SIGNS if status in told]


def place(locator: Locator) -> str:
    """A place in words: its label, or what is known of it.

    Examples
    --------
    >>> place(Locator(lines=(3, 5))), place(Locator(rows=(0,), columns=("price",)))
    ('lines 3 to 5', 'row 1, column price')
    """
    if locator.label:
        return one_line(locator.label)
    words = [locator.operation or "", f"page {locator.page}" if locator.page else "", locator.path or ""]
    if locator.lines:
        first, last = locator.lines
        words.append(f"line {first}" if first == last else f"lines {first} to {last}")
    if locator.rows:
        some = ", ".join(f"{row + 1:,}" for row in locator.rows[:5])
        words.append(f"row{'s' * (len(locator.rows) > 1)} {some}{' …' * (len(locator.rows) > 5)}")
    if locator.columns:
        words.append(f"column{'s' * (len(locator.columns) > 1)} {', '.join(locator.columns)}")
    return one_line(", ".join(word for word in words if word))


def claim_of(answer: Answer, cited: Citation) -> str:
    """The claim in one line, without its marks and the signs of Markdown.

    Examples
    --------
    >>> claim_of(Answer("It is 3 [1]."), Citation(1, start=0, end=12))
    'It is 3.'
    """
    return one_line(_EMPHASIS.sub("", _MARK.sub("", answer.text[max(0, cited.start) : max(0, cited.end)])))


def one_line(text: str) -> str:
    """A text without control characters and line breaks."""
    return " ".join(clean(text).split())


def clipped(text: str, most: int) -> str:
    """A text that says so where it is not whole.

    Examples
    --------
    >>> clipped("a long text", 6), clipped("short", 6)
    ('a lon …', 'short')
    """
    return text if len(text) <= most else f"{text[: most - 1].rstrip()} …"


def cited_cells(passage: Passage, locators: Sequence[Locator]) -> frozenset[tuple[int, int]]:
    """The cells of a passage's table that are cited; none where that would be all of them.

    Examples
    --------
    >>> shown = (("row", "city", "people"), ("1", "Rome", "2.7"), ("2", "Oslo", "0.7"))
    >>> passage = Passage("df", "rows", "…", Locator(rows=(0, 1)), shown=shown)
    >>> cited_cells(passage, [Locator(rows=(1,), columns=("people",))])
    frozenset({(2, 2)})
    """
    if len(passage.shown) < 2:
        return frozenset()
    head, *body = passage.shown
    rows = _positions(passage)
    cells = {
        (number + 1, column)
        for cited, columns in ((frozenset(one.rows or ()), frozenset(one.columns)) for one in locators)
        for number in range(len(body))
        if not cited or rows[number] is None or rows[number] in cited
        for column, name in enumerate(head)
        if name in columns
    }
    told = {(row, column) for row, column in cells if column < len(body[row - 1])}
    exact = {cell for cell in told if passage.value and body[cell[0] - 1][cell[1]] == passage.value}
    if passage.kind == "cell" and exact:
        return frozenset(exact)
    return frozenset(told) if len(told) < sum(map(len, body)) else frozenset()


def _positions(passage: Passage) -> list[int | None]:
    """Which rows of the frame the shown ones are: by their number, or by the passage's own rows."""
    head, *body = passage.shown
    if head[:1] == ("row",) and all(row[:1] and row[0].isdecimal() for row in body):
        return [int(row[0]) - 1 for row in body]
    known = passage.locator.rows or ()
    return list(known) if len(known) == len(body) else [None] * len(body)


def _entry(answer: Answer, number: int, citations: list[int]) -> Entry:
    cited = [answer.citations[index] for index in citations]
    passage = answer.passages[number - 1] if number <= len(answer.passages) else None
    own = [one.locator for one in cited if one.locator != Locator()]
    locators = own or ([passage.locator] if passage else [])
    text = clean(passage.text if passage else _quote(cited)).strip()
    where = place(locators[0]) if locators and not (passage and passage.kind == "tool") else ""  # the text says it
    return Entry(
        number,
        one_line(cited[0].source or (passage.source if passage else "")),
        "computed" if where and text.startswith(where) else where,  # what was computed is what the text says
        text,
        passage,
        tuple(citations),
        cited_cells(passage, locators) if passage else frozenset(),
    )


def _quote(cited: list[Citation]) -> str:
    return next((one.quote for one in cited if one.quote), "")


def _where(source: str, where: str) -> str:
    return ", ".join(part for part in (one_line(source), where) if part)
