"""The best passages of several sources, in one ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from jupyter_localllm.sources.select.base import Bounds, PassageIndex, Progress, Ranked, Searching
from jupyter_localllm.sources.select.fuse import Vectors, by_meaning, fuse
from jupyter_localllm.sources.select.kept import Kept
from jupyter_localllm.sources.select.question import Asked, Counts, concepts, read
from jupyter_localllm.sources.select.rank import find, rate
from jupyter_localllm.sources.select.words import words
from jupyter_localllm.sources.snapshot import Snapshot
from jupyter_localllm.types import Note, Passage

__all__ = ["Gathered", "Hit", "gather"]

_TOP = 200  # passages of the ranking by words that are also ranked by meaning
_SMALL = 2_000  # passages of a source that are all ranked by meaning


class Hit(NamedTuple):
    """A passage that was found, and the number of its source."""

    source: int
    ranked: Ranked


@dataclass(frozen=True)
class Gathered:
    """What sources have to say to a question.

    Parameters
    ----------
    asked : Asked
        The question, weighed against all sources.
    hits : tuple of Hit
        The best one first, over all sources.
    first : tuple of (Ranked or None)
        Of each source the passage that stands for it: its best one, else its overview or its beginning.
    notes : tuple of Note
    """

    asked: Asked
    hits: tuple[Hit, ...]
    first: tuple[Ranked | None, ...]
    notes: tuple[Note, ...] = ()


def gather(
    snapshots: Sequence[Snapshot],
    question: str,
    *,
    limit: int,
    kept: Kept,
    bounds: Bounds | None = None,
    vectors: Vectors | None = None,
    progress: Progress | None = None,
) -> Gathered:
    """Rank the passages of several sources for a question.

    A snapshot that can search itself is asked, and its order is kept; the others are indexed. What several sources give
    is compared by one measure, BM25 with counts over all of them.

    Parameters
    ----------
    snapshots : sequence of Snapshot
    question : str
    limit : int
        How many passages of each source at most.
    kept : Kept
        Where indexes are kept.
    bounds : Bounds, optional
    vectors : Vectors, optional
        Of an embedding model. Then the best ones by words, and all passages of a small source, are also ranked by
        meaning, and both rankings are merged.
    progress : callable, optional

    Returns
    -------
    Gathered
    """
    notes: list[Note] = []
    indexes: dict[int, PassageIndex] = {}
    own: dict[int, list[Ranked]] = {}
    for number, snapshot in enumerate(snapshots):
        if isinstance(snapshot, Searching):
            own[number] = snapshot.search(question, limit)
        else:
            indexed = kept.get(snapshot, bounds, progress)
            indexes[number] = indexed.index
            notes.extend(indexed.notes)
    asked = read(question, list(indexes.values()), _counts(question, own))
    hits = [Hit(n, ranked) for n, index in indexes.items() for ranked in find(index, asked, limit)]
    hits += [Hit(n, ranked) for n, found in own.items() for ranked in _rated(asked, found)]
    hits.sort(key=lambda hit: (-hit.ranked.score, hit.source))  # stable: equal ones as their source has them
    if vectors is not None:
        hits = _with_meaning(hits, indexes, asked, question, vectors)[: limit * len(snapshots)]
    return Gathered(asked, tuple(hits), tuple(_first(n, s, hits) for n, s in enumerate(snapshots)), tuple(notes))


def _counts(question: str, own: dict[int, list[Ranked]]) -> Counts:
    """Of sources that search themselves: what they found tells that a word is there, not how often."""
    asked = {term for concept in concepts(question) for term, _ in concept.terms}
    counts = Counts()
    for found in own.values():
        texts = [words(ranked.passage.text) for ranked in found]
        there = asked.intersection(*[set().union(*texts)])
        counts = counts + Counts(len(texts), sum(map(len, texts)), dict.fromkeys(there, 1))
    return counts


def _rated(asked: Asked, found: list[Ranked]) -> list[Ranked]:
    """A source's own ranking in the common measure: no passage counts less than one that its source puts behind it."""
    rated: list[Ranked] = []
    least = 0.0
    for ranked in reversed(found):
        mine = rate(asked, ranked.passage, ranked.order)
        least = max(least, mine.score)
        rated.append(replace(mine, score=least))
    return rated[::-1]


def _with_meaning(
    hits: list[Hit], indexes: dict[int, PassageIndex], asked: Asked, question: str, vectors: Vectors
) -> list[Hit]:
    known = {_key(hit): hit for hit in reversed(hits)}
    by_words = [_key(hit) for hit in hits]
    pool = dict.fromkeys(by_words[:_TOP])
    for number, index in indexes.items():
        if index.size <= _SMALL:
            for order, passage in index.everything():
                hit = Hit(number, rate(asked, passage, order))
                known.setdefault(_key(hit), hit)
                pool.setdefault(_key(hit))
    near = list(pool)
    by_vector = [near[i] for i in by_meaning(vectors, question, [known[key].ranked.passage.text for key in near])]
    merged = fuse([by_words, by_vector])
    return [known[key]._replace(ranked=replace(known[key].ranked, score=score)) for key, score in merged]


def _key(hit: Hit) -> tuple[int, int, Passage]:
    return hit.source, hit.ranked.order, hit.ranked.passage


def _first(number: int, snapshot: Snapshot, hits: Sequence[Hit]) -> Ranked | None:
    for hit in hits:
        if hit.source == number:
            return hit.ranked
    overview = getattr(snapshot, "overview", None)
    passage = overview() if callable(overview) else next(iter(snapshot.passages()), None)
    return None if passage is None else Ranked(passage, 0.0, order=-1 if callable(overview) else 0)
