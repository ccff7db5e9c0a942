"""Indexes that are kept for the next question over the same content."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jupyter_localllm.sources.kept_columns import KeptColumns
from jupyter_localllm.sources.select.base import Bounds, PassageIndex, Progress
from jupyter_localllm.sources.select.fulltext import new_index
from jupyter_localllm.sources.snapshot import Snapshot
from jupyter_localllm.types import Note, Passage

__all__ = ["Indexed", "Kept", "index_snapshot"]

_KEPT_BYTES = 512 * 1024 * 1024
_Key = tuple[str, str, str, Bounds]


@dataclass(frozen=True)
class Indexed:
    """A source's index, and what was left out of it.

    Parameters
    ----------
    index : PassageIndex
    notes : tuple of Note
        ``"index"``: a bound cut the index; says what is in it.
    """

    index: PassageIndex
    notes: tuple[Note, ...] = ()


def index_snapshot(
    snapshot: Snapshot,
    bounds: Bounds | None = None,
    progress: Progress | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Indexed:
    """Index the passages of a snapshot, from the first one on, as far as the bounds allow.

    Parameters
    ----------
    snapshot : Snapshot
        If it has a ``passage_count`` (int or None), progress and notes tell it.
    bounds : Bounds, optional
    progress : callable, optional
        See `Progress`.
    clock : callable, optional
        Seconds.

    Returns
    -------
    Indexed
        Nothing is sampled: a bound cuts the end off, and a note says where.
    """
    bounds = bounds or Bounds()
    total = getattr(snapshot, "passage_count", None)
    end = clock() + bounds.seconds
    source = _Watched(snapshot.passages(), bounds.passages)
    index = new_index()
    index.add(source, lambda: clock() >= end, progress, total)
    if not source.is_cut():
        return Indexed(index)
    whole = f" of about {total:,}" if total is not None and total > index.size else ""
    why = (
        f"at most {bounds.passages:,} are indexed"
        if index.size >= bounds.passages
        else f"indexing is given {bounds.seconds:g} seconds"
    )
    text = f"{snapshot.name}: only the first {index.size:,}{whole} passages were searched ({why})"
    return Indexed(index, (Note("index", text),))


class _Watched:
    """The first so many of some passages; knows whether there were more."""

    def __init__(self, passages: Iterator[Passage], most: int) -> None:
        self._passages = passages
        self._left = most

    def __iter__(self) -> Iterator[Passage]:
        return self

    def __next__(self) -> Passage:
        if self._left <= 0:
            raise StopIteration
        self._left -= 1
        return next(self._passages)

    def is_cut(self) -> bool:
        """Whether there is one more passage behind those that were taken."""
        return next(self._passages, None) is not None


class Kept:
    """Indexes by content, the least recently used ones dropped first. Safe to use from several threads.

    ``columns`` keeps what is known of the columns of tables, within bounds of its own.

    Parameters
    ----------
    most_bytes : int, optional
        What all of them together may take, in memory and on disk. The one that was used last stays in any case.
    """

    def __init__(self, most_bytes: int = _KEPT_BYTES) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, Indexed] = OrderedDict()
        self._building: dict[_Key, threading.Lock] = {}
        self._process = os.getpid()
        self.columns = KeptColumns()

    @property
    def bytes(self) -> int:
        """What they take now, in memory and on disk."""
        self._after_fork()
        with self._lock:
            kept = list(self._kept.values())
        return sum(indexed.index.bytes for indexed in kept)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, snapshot: Snapshot, bounds: Bounds | None = None, progress: Progress | None = None) -> Indexed:
        """The index of a snapshot's content; built if it is not kept, once even if two threads ask.

        See `index_snapshot`. An index that is dropped while someone searches it is closed when he has done.
        """
        bounds = bounds or Bounds()
        key = (snapshot.name, snapshot.kind, snapshot.sha256, bounds)
        self._after_fork()
        with self._lock:
            mine = self._building.setdefault(key, threading.Lock())
        with _held(mine):
            try:
                with self._lock:
                    found = self._kept.get(key)
                    if found is not None:
                        self._kept.move_to_end(key)
                        return found
                made = index_snapshot(snapshot, bounds, progress)
                with self._lock:
                    self._kept[key] = made
            finally:
                with self._lock:
                    self._building.pop(key, None)
        self._drop()
        return made

    def clear(self) -> None:
        """Forget all; each is closed when nobody searches it any more."""
        self._after_fork()
        with self._lock:
            self._kept.clear()
        self.columns.clear()

    def _drop(self) -> None:
        with self._lock:
            sizes = {key: indexed.index.bytes for key, indexed in self._kept.items()}
            whole = sum(sizes.values())
            for key in list(self._kept)[:-1]:
                if whole <= self._most:
                    break
                whole -= sizes[key]
                del self._kept[key]

    def _after_fork(self) -> None:
        """A forked child begins anew, and does not touch its parent's connections: SQLite forbids it."""
        if os.getpid() != self._process:
            self._process = os.getpid()
            self._parents = self._kept  # held, so that they are not closed here
            self._lock, self._kept, self._building = threading.Lock(), OrderedDict(), {}


@contextmanager
def _held(lock: threading.Lock) -> Iterator[None]:
    while not lock.acquire(timeout=0.05):  # in short waits, so that an interrupt is heard on Windows, too
        pass
    try:
        yield
    finally:
        lock.release()
