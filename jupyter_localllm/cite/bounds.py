# ruff: noqa: RUF001, RUF003 - signs that look alike are what has to be read here
"""Words and signs that bound a figure: "at most 40" are not 40, and "12 to 20" are neither 12 nor 20."""

from __future__ import annotations

import re
from functools import cache

from jupyter_localllm.cite.dates import Date
from jupyter_localllm.cite.facts import Facts, facts_of
from jupyter_localllm.cite.numbers import Number
from jupyter_localllm.cite.turn_words import BEHIND, BOUNDS, SIGNS
from jupyter_localllm.cite.words import OPERATIONS, fold, words

__all__ = ["bound_of", "same_bound"]

_NEAR = 28  # characters before or behind a figure in which its bound stands
_OF_TIME = ("before", "after")
_NOT_OF_TIME = ("from",)  # what was so from 1990 began in 1990
_CLOCK = re.compile(r"\s*(?:a\.?m\b|p\.?m\b|o['’]clock|uhr\b|heures?\b)")
_BETWEEN = re.compile(r"(?<!\w)(?:between|zwischen|entre|tra)\s+(?:the\s+)?[$€£¥]?\s*$")
_AND = re.compile(r"\s*(?:and|und|et|y|e)\s+[$€£¥]?\s*")
_TO = re.compile(r"\s*(?:(?:up\s+)?to|through|bis(?:\s+zu)?|à|a|hasta|[\-\u2010-\u2015\u2212~])\s*[$€£¥]?\s*")
_OR = re.compile(r"\s*(?:or|oder|ou|o)\s+[$€£¥]?\s*")
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_CHANGES = OPERATIONS["up"] | OPERATIONS["down"] | words("changed changes went moved cut raised extended")
_SIGNS = tuple((fold(sign), SIGNS[sign]) for sign in sorted(SIGNS, key=len, reverse=True))
_ALIKE = {frozenset(("span", "between")), frozenset(("span", ""))}


def same_bound(claim: str, figure: Number | Date, text: str, source: Number | Date) -> bool:
    """Whether a claim bounds its figure as the sentence bounds it there.

    Parameters
    ----------
    claim : str
        The whole claim.
    figure : Number or Date
        In the claim.
    text : str
        The sentence.
    source : Number or Date
        In the sentence.
    """
    mine, its = bound_of(claim, figure), bound_of(text, source)
    return mine == its or frozenset((mine, its)) in _ALIKE


def bound_of(text: str, figure: Number | Date) -> str:
    """What a text says of a figure: that it is at most this, or above it, and so on; ``""`` for the figure itself.

    Of two figures that are a range, the first one is a lower bound and the second one an upper bound. A time from one
    year to another is a ``"span"`` and says of both that they were in it; what was ``"between"`` them was in neither.

    Examples
    --------
    >>> text = "It holds no more than 40 guests."
    >>> bound_of(text, facts_of(text).numbers[0])
    'at most'
    >>> [bound_of("between 12 and 20 guests", figure) for figure in facts_of("between 12 and 20 guests").numbers]
    ['at least', 'at most']
    """
    before = fold(text[max(0, figure.start - _NEAR) : figure.start])
    behind = fold(text[figure.end : figure.end + _NEAR])
    timed = isinstance(figure, Date) or figure.year or bool(_CLOCK.match(behind))
    if range_ := _in_range(text, figure, timed):
        return range_
    if text[figure.end :].startswith("+") and not text[figure.end + 1 : figure.end + 2].isalnum():
        return "at least"
    if behind.lstrip().startswith(("±", "+/-")):
        return "either"
    signed = before.rstrip(" $€£¥")
    if kind := next((kind for sign, kind in _SIGNS if signed.endswith(sign)), ""):
        return kind
    found = [(kind, pattern.search(before)) for kind, pattern in _patterns(True).items()]
    found += [(kind, pattern.match(behind)) for kind, pattern in _patterns(False).items()]
    barred = _NOT_OF_TIME if timed else _OF_TIME
    told = [(len(match[0]), kind) for kind, match in found if match and kind not in barred]
    return max(told, default=(0, ""))[1]  # "no fewer than" is longer than "fewer than"


def _in_range(text: str, figure: Number | Date, timed: bool) -> str:
    """What a figure is in "between 12 and 20", "12 to 20" and "12 or 13"; ``""`` if it stands alone."""
    facts = facts_of(text)
    at = next((n for n, each in enumerate(facts.figures) if each.start == figure.start), None)
    if at is None:
        return ""
    for first in (at - 1, at):
        pair = facts.figures[max(0, first) : first + 2] if first >= 0 else ()
        kind = _range(text, facts, *pair) if len(pair) == 2 else ""
        if kind and timed:
            return kind
        if kind == "either":
            return kind
        if kind:
            return "at least" if first == at else "at most"
    return ""


def _range(text: str, facts: Facts, low: Number | Date, high: Number | Date) -> str:
    """``"between"``, ``"span"`` or ``"either"`` of two figures that follow each other; ``""`` for no range."""
    middle = fold(text[low.end : high.start])
    if isinstance(low, Number) and isinstance(high, Number):
        if high.text[:1] in _DASHES and high.value < 0:  # "12 – 20", read as a number below zero
            middle += "-"
        if abs(high.value) <= low.value:  # "3 to 1" is a score
            return ""
    elif isinstance(low, Number) != isinstance(high, Number):
        return ""
    if _AND.fullmatch(middle) and _BETWEEN.search(fold(text[max(0, low.start - _NEAR) : low.start])):
        return "between"
    if _OR.fullmatch(middle):
        return "either"
    changes = any(word.folded in _CHANGES for word in facts.words)  # what rose from 12 to 20 is 20
    return "span" if _TO.fullmatch(middle) and not changes else ""


@cache
def _patterns(before: bool) -> dict[str, re.Pattern[str]]:
    """Phrases at the end of what stands before a figure, the longest first; or soon behind it."""
    listed = BOUNDS if before else BEHIND
    phrases = {
        kind: "|".join(sorted((_phrase(phrase) for phrase in told.split("|")), key=len)[::-1])
        for kind, told in listed.items()
    }
    if before:
        between = r"(?:\s+(?:about|the|a|an|der|die|dem|den|le|la|el|los|las|l['’]))?[\s(]*[$€£¥]?\s*$"
        return {kind: re.compile(rf"(?<!\w)(?:{either}){between}") for kind, either in phrases.items()}
    return {kind: re.compile(rf"[\s(]*(?:\w+\s+)?(?:{either})(?!\w)") for kind, either in phrases.items()}


def _phrase(told: str) -> str:
    """A pattern for words that follow each other; a star stands for up to two words."""
    first, *others = fold(told).split()
    gap = r"(?:\s+\w+){0,2}"
    return re.escape(first) + "".join(gap if word == "*" else rf"\s+{re.escape(word)}" for word in others)
