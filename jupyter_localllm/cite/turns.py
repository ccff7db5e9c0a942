# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Words that turn a statement around or bound it: what was denied was not done, and "at most 40" are not 40.

A claim that leaves such a word out, or puts one in, says something else than the passage, though all its other words
stand there. Which words these are is a list, see `jupyter_localllm.cite.words`; what they do is not read any deeper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from jupyter_localllm.cite.agree import carries
from jupyter_localllm.cite.clauses import clauses_of
from jupyter_localllm.cite.dates import Date
from jupyter_localllm.cite.facts import Word, facts_of
from jupyter_localllm.cite.numbers import Number
from jupyter_localllm.cite.statements import Scope
from jupyter_localllm.cite.words import BEHIND, BOUNDS, COMPLEMENTS, TURNS, fold

__all__ = ["bound_of", "same_bound", "turned", "turns_of"]

_NEAR = 28  # characters before or behind a figure in which its bound stands
_INFINITIVE = "zu"  # before the last word, in German
_OF_TIME = ("before", "after")


def turns_of(words: Iterable[Word]) -> dict[str, str]:
    """What turns words around: the kinds of `TURNS`, each with the word as it is written.

    Examples
    --------
    >>> turns_of(facts_of("Smith denied the charge.").words)
    {'denied': 'denied'}
    """
    found: dict[str, str] = {}
    for word in words:
        for kind in _kinds().get(word.folded, ()):
            found.setdefault(kind, word.text)
    return found


def turned(text: str, words: Sequence[Word], claim: Iterable[Word], question: Iterable[Word]) -> str:
    """What turns a sentence around and not a claim that it would carry, or the other way round; ``""`` for nothing.

    Parameters
    ----------
    text : str
        The sentence.
    words : sequence of Word
        Of the claim, those that the sentence must carry.
    claim : iterable of Word
        All of the claim.
    question : iterable of Word
        Who is asked who denied something need not say "denied".

    Examples
    --------
    >>> told = facts_of("Smith stole the car.").words
    >>> turned("Smith denied that he stole the car.", told, told, ())
    'denied'
    """
    said, there = turns_of(claim), turns_of(facts_of(text).words)
    added = next((word for kind, word in said.items() if kind not in there), "")
    if added or not there:
        return added
    asked = turns_of(question)
    left_out = {kind: word for kind, word in _of_clauses(text, words).items() if kind not in said and kind not in asked}
    return next(iter(left_out.values()), "")


def _of_clauses(text: str, words: Sequence[Word]) -> dict[str, str]:
    """What turns the parts of a sentence that carry some of these words around."""
    clauses = clauses_of(text)
    spoken = [word for word in words if not (word.name or word.first)] or words
    found: dict[str, str] = {}
    before: dict[str, str] = {}
    for clause in clauses:
        inside = facts_of(clause).words
        own = turns_of(inside)
        scope = Scope(clause)
        said_of = before | own if _goes_on(inside) else own
        if len(clauses) == 1 or any(carries(word, scope) for word in spoken):
            found |= said_of
        elif "except" in own and any(carries(word, scope) for word in words):
            found["except"] = own["except"]
        before = before | own
    return found


def _goes_on(words: Sequence[Word]) -> bool:
    """Whether a part of a sentence is what the part before it speaks of: "that he …", and "… zu retten"."""
    first, last = words[:1], words[-2:-1]
    return any(word.folded in COMPLEMENTS for word in first) or any(word.folded == _INFINITIVE for word in last)


@cache
def _kinds() -> dict[str, tuple[str, ...]]:
    every = {word for words in TURNS.values() for word in words}
    return {word: tuple(kind for kind, words in TURNS.items() if word in words) for word in every}


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
    return bound_of(claim, figure) == bound_of(text, source)


def bound_of(text: str, figure: Number | Date) -> str:
    """What a text says of a figure: that it is at most this, or above it, and so on; ``""`` for the figure itself.

    Examples
    --------
    >>> text = "It holds no more than 40 guests."
    >>> bound_of(text, facts_of(text).numbers[0])
    'at most'
    """
    before = fold(text[max(0, figure.start - _NEAR) : figure.start])
    behind = fold(text[figure.end : figure.end + _NEAR])
    dated = isinstance(figure, Date) or figure.year
    found = [(kind, pattern.search(before)) for kind, pattern in _patterns(True).items()]
    found += [(kind, pattern.match(behind)) for kind, pattern in _patterns(False).items()]
    told = [(len(match[0]), kind) for kind, match in found if match and (dated or kind not in _OF_TIME)]
    return max(told, default=(0, ""))[1]  # "no fewer than" is longer than "fewer than"


@cache
def _patterns(before: bool) -> dict[str, re.Pattern[str]]:
    """Phrases at the end of what stands before a figure, the longest first; or soon behind it."""
    listed = BOUNDS if before else BEHIND
    phrases = {
        kind: "|".join(sorted((r"\s+".join(map(re.escape, fold(p).split())) for p in told.split("|")), key=len)[::-1])
        for kind, told in listed.items()
    }
    if before:
        between = r"(?:\s+(?:about|the|a|an|der|die|dem|den|le|la|el|los|las|l['’]))?[\s(]*[$€£¥]?\s*$"
        return {kind: re.compile(rf"(?<!\w)(?:{either}){between}") for kind, either in phrases.items()}
    return {kind: re.compile(rf"\s*(?:\w+\s+)?(?:{either})(?!\w)") for kind, either in phrases.items()}
