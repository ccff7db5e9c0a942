# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Dates as people write them: ISO 8601, with names of months in some languages, and with points, slashes or 年月日."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_localllm.cite.numbers import plain_digits
from jupyter_localllm.cite.words import MONTHS, fold

__all__ = ["Date", "Day", "dates_in"]

Day = tuple["int | None", "int | None", "int | None"]
"""Year, month and day; what is not said is None."""

# Names with accents stand in the pattern as they are written and as they are folded, the longest first.
_NAMES = "|".join(
    sorted({*MONTHS, "märz", "février", "août", "décembre", "févr", "déc", "março", "jänner"}, key=len)[::-1]
)
_NUMERAL = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º|ª)?"
_IN_WORDS = tuple(
    re.compile(rf"(?<![\w.,:/+-])(?:{pattern})", re.IGNORECASE)
    for pattern in (
        r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
        r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w-])",
        r"(?P<year>\d{4})/(?P<month>\d\d?)/(?P<day>\d\d?)(?![\w/])",
        r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])(?![\w-])",
        r"(?P<day>\d\d?)\.[ ]?(?P<month>\d\d?)\.[ ]?(?P<year>\d{4})(?!\w)",
        r"(?P<one>\d\d?)(?P<sep>[/-])(?P<two>\d\d?)(?P=sep)(?P<year>\d{4})(?![\w/-])",
        rf"{_NUMERAL}[ ]+(?:de[ ]|of[ ]|d[’'])?(?P<name>{_NAMES})\b"
        r"(?:\.?,?[ ]+(?:de[ ]|del[ ])?(?P<year>\d{4})(?!\w))?",
        rf"(?P<name>{_NAMES})\b\.?[ ]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\w.]\w)(?!\w)"
        r"(?:,?[ ]+(?P<year>\d{4})(?!\w))?",
        rf"(?P<name>{_NAMES})\b\.?,?[ ]+(?:of[ ]|de[ ]|del[ ])?(?P<year>\d{{4}})(?!\w)",
    )
)
_PATTERNS = (
    *_IN_WORDS,
    re.compile(r"(?P<year>\d{4})年(?:(?P<month>\d\d?)月(?:(?P<day>\d\d?)[日号])?)?"),
    re.compile(r"(?<!\d)(?P<month>\d\d?)月(?P<day>\d\d?)[日号]"),
)


@dataclass(frozen=True)
class Date:
    """A date in a text.

    Parameters
    ----------
    text : str
    start, end : int
        Where, in characters.
    readings : tuple of Day
        More than one where day and month cannot be told apart, as in 05/06/2024.
    """

    text: str
    start: int
    end: int
    readings: tuple[Day, ...]

    def said_of(self, other: Date) -> bool:
        """Whether the other one says at least as much: "May 2024" is said of 2024-05-05."""
        return any(
            all(mine is None or mine == its for mine, its in zip(one, two, strict=True))
            for one in self.readings
            for two in other.readings
        )

    @property
    def years(self) -> frozenset[int]:
        """The years it may be of."""
        return frozenset(year for year, _, _ in self.readings if year is not None)


def dates_in(text: str) -> Iterator[Date]:
    """The dates of a text, in its order. A year alone is a number.

    Examples
    --------
    >>> [d.readings for d in dates_in("on May 5, 2024, or 05/06/2024")]
    [((2024, 5, 5),), ((2024, 6, 5), (2024, 5, 6))]
    """
    plain = plain_digits(text)
    found: list[tuple[int, int, tuple[Day, ...]]] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            readings = tuple(day for day in _readings(match) if _exists(day))
            if readings:
                found.append((match.start(), match.end(), readings))
    behind = 0
    for start, end, readings in sorted(found, key=lambda date: (date[0], -date[1])):
        if start >= behind:
            behind = end
            yield Date(text[start:end], start, end, readings)


def _readings(match: re.Match[str]) -> Iterator[Day]:
    parts = match.groupdict()
    year = int(parts["year"]) if parts.get("year") else None
    if parts.get("one"):
        one, two = int(parts["one"]), int(parts["two"])
        yield year, two, one
        if one != two:
            yield year, one, two
        return
    month = MONTHS[fold(parts["name"])] if parts.get("name") else int(parts["month"]) if parts.get("month") else None
    yield year, month, int(parts["day"]) if parts.get("day") else None


def _exists(day: Day) -> bool:
    year, month, number = day
    return (
        (year is None or 0 < year < 3000)
        and (month is None or 1 <= month <= 12)
        and (number is None or 1 <= number <= (30 if month in (4, 6, 9, 11) else 29 if month == 2 else 31))
    )
