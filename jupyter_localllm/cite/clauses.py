# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Parts of a sentence: which number belongs to which name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from jupyter_localllm.cite.dates import Date
from jupyter_localllm.cite.facts import Facts, Word, content_words
from jupyter_localllm.cite.numbers import Number
from jupyter_localllm.cite.statements import Statement

__all__ = ["Part", "clauses_of", "parts_of", "same_clause"]

_BREAK = re.compile(
    r",(?!\d)|[;|、，；]|\b(?:and|while|whereas|but|und|während|aber|et|mais|tandis|y|pero|mientras|e|ma|mas|en|maar)\b"
)


@dataclass(frozen=True)
class Part:
    """A part of a claim with what is said in it.

    Parameters
    ----------
    facts : tuple of Number or Date
        In the order of the text.
    words : tuple of Word
        Content words, with those of the part before if this one names nothing.
    """

    facts: tuple[Number | Date, ...]
    words: tuple[Word, ...]


def clauses_of(text: str) -> list[str]:
    """A sentence cut at commas and at words such as "and".

    Examples
    --------
    >>> clauses_of("Smith, who denied it, won.")
    ['Smith,', ' who denied it,', ' won.']
    """
    cuts = [0, *(found.end() for found in _BREAK.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if text[start:end].strip()]


def parts_of(text: str, facts: Facts) -> list[Part]:
    """The parts of a claim, each with a number or date of its own if there are several.

    Examples
    --------
    >>> from jupyter_localllm.cite.facts import facts_of
    >>> text = "Berlin has 3.8 million inhabitants and Paris 2.1 million."
    >>> [[w.text for w in part.words] for part in parts_of(text, facts_of(text))]
    [['Berlin', 'inhabitants'], ['Paris']]
    """
    figures = facts.figures
    if len(figures) < 2:
        return [Part(figures, tuple(content_words(facts)))]
    parts: list[Part] = []
    start = 0
    subject: tuple[Word, ...] = ()
    for end in (*_ends(text, facts), len(text)):
        inside = tuple(fact for fact in figures if start <= fact.start < end)
        words = tuple(content_words(facts, start, end))
        if not inside and end < len(text):
            continue  # what holds no figure belongs to what follows
        if not inside and parts:
            parts[-1] = Part(parts[-1].facts, parts[-1].words + words)
            break
        names = tuple(word for word in words if word.name or word.first)
        parts.append(Part(inside, words if names else subject + words))
        subject = names or subject
        start = end
    return parts


def _ends(text: str, facts: Facts) -> list[int]:
    spans = iter([(fact.start, fact.end) for fact in facts.figures])
    span = next(spans, None)
    ends = []
    for found in _BREAK.finditer(text):
        while span is not None and span[1] <= found.start():
            span = next(spans, None)
        if span is None or found.start() < span[0]:
            ends.append(found.end())
    return ends


def same_clause(statement: Statement, figure: Number | Date, words: tuple[Word, ...], figures: int) -> bool:
    """Whether a sentence with several numbers says this one of what the claim says it of.

    Parameters
    ----------
    statement : Statement
        A sentence.
    figure : Number or Date
        As it stands in the sentence.
    words : tuple of Word
        Of the claim.
    figures : int
        How many numbers the claim has.
    """
    if statement.value or statement.cells:
        return True
    facts = statement.facts
    parts = parts_of(statement.text, facts)
    at = next((n for n, part in enumerate(parts) if figure in part.facts), None)
    if at is None or len(parts) < 2:
        return True
    said = {word.folded for word in words}
    own = _subject(parts[at])
    names = {word.folded for word in parts[at].words if word.name}
    if names and not names & said:
        return False
    others = {word for n, part in enumerate(parts) if n != at for word in _subject(part)}
    here = {word.folded for word in parts[at].words}
    foreign = said & others - here
    return not foreign or (bool(own) and not own - said)


def _subject(part: Part) -> set[str]:
    """Who or what a part speaks of: its names, and the words before its first number."""
    first = part.facts[0].start if part.facts else 10**9
    return {word.folded for word in part.words if word.name or word.start < first}
