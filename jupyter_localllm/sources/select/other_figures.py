"""Years and numbers of a question of which a passage tells others: the fire of 2015 is not that of 2020.

Many numbers of a question are no part of what is asked: "the top 3", "more than 100 seats". So a number counts only
where it is a year, or stands behind a word that has another number behind it in the passage: "house 12", "chapter 3".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from jupyter_localllm.sources.select.question import Asked, Concept

__all__ = ["in_its_time", "other_figures"]

_YEAR = re.compile(r"(?<![\d.,])(?:1\d{3}|2[01]\d\d)(?!\d|[.,]\d)")
_DATED = re.compile(r"(1\d{3}|2[01]\d\d)(?:-\d\d){0,2}")
_SPAN = 16  # characters between two years that are one time: "from 2018 until 2022"
_SINCE, _UNTIL = (
    re.compile(rf"(?<!\w)(?:{words})\s+(?:\w+\s+){{0,2}}$", re.IGNORECASE)
    for words in (
        "since|from|seit|ab|depuis|dès|desde|dal|dalla",
        "until|till|bis|jusqu['\u2019]en|jusqu['\u2019]à|hasta|fino al",
    )
)
_LEAD = 30  # characters before a year in which such a word stands


def other_figures(asked: Asked, text: str, places: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """Years and numbers of a question that a passage lacks, and without which it answers another question.

    Parameters
    ----------
    asked : Asked
        The question, weighed against all its sources.
    text : str
        The passage's.
    places : mapping of str to sequence of int
        Where its terms stand.

    Returns
    -------
    tuple of str
        In the question's order.
    """
    return tuple(
        concept.word
        for at, concept in enumerate(asked.concepts)
        if concept.exact and not _stands(concept, places) and _differs(asked, at, text, places)
    )


def in_its_time(concept: Concept, text: str) -> bool:
    """Whether a concept is a year, and a passage speaks of a time that holds it: "from 2018 to 2022", "since 2018"."""
    year = _DATED.fullmatch(concept.word) if concept.exact else None
    return year is not None and _spans(int(year[1]), text, list(_YEAR.finditer(text)))


def _stands(concept: Concept, places: Mapping[str, Sequence[int]]) -> bool:
    return any(term in places for term, _ in concept.terms)


def _differs(asked: Asked, at: int, text: str, places: Mapping[str, Sequence[int]]) -> bool:
    concept = asked.concepts[at]
    before = asked.concepts[at - 1] if at and concept.word.isdecimal() else None
    if before and before.loudness == 1 and any(_beside(before, places, 1)):
        return True
    year = _DATED.fullmatch(concept.word)
    if not year or _is_amount(asked, at, places):
        return False
    if in_its_time(concept, text):
        return False
    return bool(_YEAR.search(text)) or not any(asked.counts.of(term) for term, _ in concept.terms)


def _is_amount(asked: Asked, at: int, places: Mapping[str, Sequence[int]]) -> bool:
    """Whether a number is of something that the passage counts, too: "1500 m" beside "2314 m"."""
    if at + 1 == len(asked.concepts):
        return False
    counted = _beside(asked.concepts[at + 1], places, -1)
    return any(not _DATED.fullmatch(number) for number in counted)


def _beside(concept: Concept, places: Mapping[str, Sequence[int]], step: int) -> Iterator[str]:
    """Whole numbers that stand just behind a word of the question in a passage (1), or just before it (-1)."""
    where = {at + step for term, how in concept.terms if how > 0.5 for at in places.get(term, ())}
    return (term for term, found in places.items() if term.isdecimal() and where.intersection(found))


def _spans(year: int, text: str, told: Sequence[re.Match[str]]) -> bool:
    closed = [(a, b) for a, b in pairwise(told) if int(a[0]) < int(b[0]) and b.start() - a.end() <= _SPAN]
    if any(int(a[0]) <= year <= int(b[0]) for a, b in closed):
        return True
    for found in told:
        lead = text[max(0, found.start() - _LEAD) : found.start()]
        alone = not any(found in pair for pair in closed)
        if alone and (
            (_SINCE.search(lead) and int(found[0]) <= year) or (_UNTIL.search(lead) and year <= int(found[0]))
        ):
            return True
    return False
