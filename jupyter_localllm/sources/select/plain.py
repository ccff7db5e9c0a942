"""An index over passages in plain Python, for a SQLite without FTS5, and for a few passages at a time."""

from __future__ import annotations

import math
import threading
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.select.base import Progress, Ranked, never
from jupyter_localllm.sources.select.rank import K1, B, search
from jupyter_localllm.sources.select.words import words
from jupyter_localllm.types import Passage

__all__ = ["PlainIndex"]

_BATCH = 500


class PlainIndex:
    """Passages in memory, all of them, with a list of places for each term.

    Examples
    --------
    >>> index = PlainIndex()
    >>> index.add([Passage("notes", "text", "Berlin has 3.9 million inhabitants.")])
    1
    >>> index.frequency(["berlin", "paris"])
    {'berlin': 1}
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._open = True
        self._passages: list[Passage] = []
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._sorted: list[str] | None = None
        self._lengths = array("L")
        self._length = 0
        self._chars = 0

    @property
    def size(self) -> int:
        """Passages in it."""
        return len(self._passages)

    @property
    def length(self) -> int:
        """Terms in it, of all passages."""
        return self._length

    @property
    def bytes(self) -> int:
        """Memory that it takes, estimated from texts and terms."""
        return 3 * self._chars + 150 * self._length + 500 * len(self._passages)

    def add(
        self,
        passages: Iterable[Passage],
        until: Callable[[], bool] = never,
        progress: Progress | None = None,
        total: int | None = None,
    ) -> int:
        """Index passages one by one; see `PassageIndex.add`."""
        before = self.size
        source = iter(passages)
        try:
            with self._lock:
                while batch := list(islice(source, _BATCH)):
                    self._check()
                    for passage in batch:
                        self._add(passage)
                    if progress is not None:
                        progress(self.size, total)
                    if until():
                        break
        except BaseException:
            self.close()
            raise
        return self.size - before

    def _add(self, passage: Passage) -> None:
        terms = words(passage.text)
        for term, count in Counter(terms).items():
            self._places.setdefault(term, []).append((len(self._passages), count))
        self._passages.append(passage)
        self._sorted = None
        self._length += len(terms)
        self._lengths.append(len(terms))
        self._chars += len(passage.text)

    def frequency(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many passages each term stands; terms that stand in none are left out."""
        with self._lock:
            self._check()
            return {term: len(self._places[term]) for term in dict.fromkeys(terms) if term in self._places}

    def vocabulary(self, prefix: str, limit: int) -> dict[str, int]:
        """Terms that begin so, in alphabetical order, with the number of passages of each."""
        with self._lock:
            self._check()
            if self._sorted is None:
                self._sorted = sorted(self._places)
            start = bisect_left(self._sorted, prefix)
            end = bisect_left(self._sorted, prefix + "\U0010ffff")
            return {term: len(self._places[term]) for term in self._sorted[start : min(end, start + limit)]}

    def candidates(self, terms: Sequence[str], limit: int, *, first: bool = False) -> list[tuple[int, Passage]]:
        """Passages that hold at least one of the terms, each with its place: the best ones, or simply the first."""
        with self._lock:
            self._check()
            scores: dict[int, float] = defaultdict(float)
            for term in dict.fromkeys(terms):
                places = self._places.get(term, ())
                rare = math.log(1 + len(self._passages) / len(places)) if places else 0.0
                for order, count in places:  # a rough score: the fine one is the ranking's
                    norm = K1 * (1 - B + B * self._lengths[order] * len(self._passages) / max(1, self._length))
                    scores[order] += rare * count / (count + norm)
            best = sorted(scores) if first else sorted(scores, key=lambda order: (-scores[order], order))
            return [(order, self._passages[order]) for order in best[: max(0, limit)]]

    def everything(self) -> Iterator[tuple[int, Passage]]:
        """All passages with their places, in the order of the source."""
        self._check()
        yield from enumerate(self._passages)

    def search(self, question: str, limit: int) -> list[Ranked]:
        """The best passages for a question, the best one first; equal ones in the order of the source."""
        return search(self, question, limit)

    def close(self) -> None:
        """Give back its memory. Harmless when done twice."""
        with self._lock:
            self._open = False
            self._passages, self._places, self._sorted = [], {}, None

    def _check(self) -> None:
        if not self._open:
            raise SourceError("This index of passages is closed.", "Ask again: it will be built anew.")
