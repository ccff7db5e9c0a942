"""Scores of passages for a question: BM25 over concepts, the same whatever index found them.

An index only proposes. Each proposed passage is read again and scored here, where a word and its variants count once
(the best one), so that ``Müller`` is not worth two words because it has two terms. Passages are short, and most words
of a question are meant: what holds one word twice must not come before what holds two words. So the score is multiplied
by the share of the question's information that the passage covers, and words that follow each other in both count more.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the constants of Anserini
for passages, and the never negative inverse document frequency of Lucene: SQLite's own is nearly zero for terms in half
of the passages, which is the rule in small sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from jupyter_localllm.sources.select.base import PassageIndex, Ranked
from jupyter_localllm.sources.select.question import Asked, read
from jupyter_localllm.sources.select.words import tokens
from jupyter_localllm.types import Passage

__all__ = ["covered", "find", "places_of", "rate", "search"]

K1, B = 0.9, 0.4
_PAIR = 0.3  # two words of the question that follow each other here as they do there, beside 1 for a word
_POOL = 400  # passages that are proposed at least
_MOST_POSTINGS = 100_000  # entries of an index that one question looks at
_MOST_TERMS = 200  # of one query: SQLite's parser nests no deeper than 256


def search(index: PassageIndex, question: str, limit: int) -> list[Ranked]:
    """The best passages of one index, the best one first; equal ones in the order of the source."""
    return find(index, read(question, [index]), limit)


def find(index: PassageIndex, asked: Asked, limit: int) -> list[Ranked]:
    """The best passages of an index for a question that was weighed.

    Parameters
    ----------
    index : PassageIndex
    asked : Asked
    limit : int
        How many at most.

    Returns
    -------
    list of Ranked
        Passages that hold at least one word of the question, the best one first.
    """
    if limit <= 0:
        return []
    proposed = _propose(index, asked, max(4 * limit, _POOL))
    ranked = [rate(asked, passage, order) for order, passage in proposed]
    ranked = sorted((r for r in ranked if r.score > 0), key=lambda r: (-r.score, r.order))
    return ranked[:limit]


def rate(asked: Asked, passage: Passage, order: int = -1) -> Ranked:
    """Score one passage.

    Returns
    -------
    Ranked
        With the words it holds, and its share of the question's information.
    """
    terms, places = places_of(passage.text)
    norm = K1 * (1 - B + B * terms / asked.average)
    score = 0.0
    for concept, weight in zip(asked.concepts, asked.weights, strict=True):
        found = ((how, len(places.get(term, ()))) for term, how in concept.terms)
        score += weight * max(how * count * (K1 + 1) / (count + norm) for how, count in found)
    for a, b in asked.pairs:
        if _adjacent(asked, a, b, places):
            score += _PAIR * min(asked.weights[a], asked.weights[b])
    held = covered(asked, places.keys())
    share = _share(asked, held)
    named = tuple(c.word for c, part in zip(asked.concepts, held, strict=True) if part >= 0.5 and c.loudness == 1)
    return Ranked(passage, round(score * share, 9), named, share, order)


def places_of(text: str) -> tuple[int, dict[str, list[int]]]:
    """How many terms a text has, and where each stands: word by word, the parts of a name one after the other."""
    places: dict[str, list[int]] = {}
    count = here = 0
    for token in tokens(text):
        for number, forms in enumerate(token.parts or (token.forms,)):
            for term in forms:
                places.setdefault(term, []).append(here + number)
        others = (*token.forms, *token.extra) if token.parts else token.extra
        for term in others:
            places.setdefault(term, []).append(here)
        here += max(1, len(token.parts))
        count += sum(1 for _ in token.terms())
    return count, places


def _adjacent(asked: Asked, a: int, b: int, places: dict[str, list[int]]) -> bool:
    """Whether two words that follow each other in the question do so in a text."""
    ends = {place + 1 for term, _ in asked.concepts[a].terms for place in places.get(term, ())}
    return any(place in ends for term, _ in asked.concepts[b].terms for place in places.get(term, ()))


def covered(asked: Asked, terms: Iterable[str]) -> list[float]:
    """How well each concept of a question is met by a set of terms, 0 to 1."""
    held = terms if isinstance(terms, Set) else frozenset(terms)
    return [max((how for term, how in concept.terms if term in held), default=0.0) for concept in asked.concepts]


def _share(asked: Asked, held: Sequence[float]) -> float:
    whole = sum(asked.information)
    return round(sum(i * h for i, h in zip(asked.information, held, strict=True)) / whole, 9) if whole else 0.0


def _propose(index: PassageIndex, asked: Asked, limit: int) -> list[tuple[int, Passage]]:
    """Passages worth a closer look: those with rare words first, and only then those with words that are everywhere.

    So a question's time does not grow with the number of passages that hold its most frequent word.
    """
    loud = [c for c in asked.concepts if c.loudness == 1] or list(asked.concepts)
    known = index.frequency(term for concept in loud for term, _ in concept.terms)
    rarest = sorted(known, key=lambda term: (known[term], term))[:_MOST_TERMS]
    taken, postings = 0, 0
    while taken < len(rarest) and postings + known[rarest[taken]] <= _MOST_POSTINGS:
        postings += known[rarest[taken]]
        taken += 1
    proposed = dict(index.candidates(rarest[:taken], limit)) if taken else {}
    for term in rarest[taken:]:
        if len(proposed) >= limit:
            break
        proposed.update(index.candidates([term], limit - len(proposed), first=True))
    return sorted(proposed.items())
