"""An answer cache whose new answers are committed in groups: the rows of a map.

A transaction for each row costs some 0.2 ms and lets other kernels wait each time; in a group a row costs a tenth of
it. A process that is killed loses the answers of the last second, besides those that were not finished.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_localllm.cache.answers import AnswerCache
from jupyter_localllm.cache.entry import Entry
from jupyter_localllm.cache.key import AnswerKey
from jupyter_localllm.cache.trouble import Busy
from jupyter_localllm.errors import CacheError

__all__ = ["Grouped"]

_SECONDS = 1.0
_MOST = 256  # answers of a group
_HELD = 4_096  # answers that wait at most while the cache cannot be written


class Grouped:
    """An answer cache to write many answers to; a context, whose end commits what is left.

    Parameters
    ----------
    cache : AnswerCache
    seconds : float, optional
        No answer waits longer than this.

    Examples
    --------
    >>> with Grouped(cache) as grouped:                                     # doctest: +SKIP
    ...     grouped.put(key, entry)
    """

    def __init__(self, cache: AnswerCache, seconds: float = _SECONDS) -> None:
        self._cache = cache
        self._seconds = seconds
        self._lock = threading.RLock()
        self._waiting: dict[str, tuple[AnswerKey, Entry]] = {}
        self._timer: threading.Timer | None = None
        self._remembered: set[tuple[str, str]] = set()
        self._error: CacheError | None = None
        self._told = False

    def __enter__(self) -> Grouped:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Commit what is left, however it came to an end."""
        self.commit(last=True)
        if self._error is not None and not self._told:
            self._cache.tell(f"{self._error.message} The last answers are not kept.")

    @property
    def usable(self) -> bool:
        """The cache's."""
        return self._cache.usable

    @property
    def directory(self) -> Path:
        """The cache's."""
        return self._cache.directory

    def get(self, key: AnswerKey) -> Entry | None:
        """Find an answer, one that waits here too."""
        with self._lock:
            waiting = self._waiting.get(key.digest)
        return waiting[1] if waiting is not None else self._cache.get(key)

    def nearest(self, key: AnswerKey) -> Mapping[str, Any] | None:
        """The cache's."""
        return self._cache.nearest(key)

    def remember_model(self, name: str, sha256: str) -> None:
        """Remember the sha256 of a model by its name, once."""
        if (name, sha256) not in self._remembered:
            self._cache.remember_model(name, sha256)
            self._remembered.add((name, sha256))

    def put(self, key: AnswerKey, entry: Entry) -> bool:
        """Keep an answer; it is on the disk a second later.

        Raises
        ------
        CacheError
            The cache did not take those before it.
        """
        with self._lock:
            if self._error is not None:
                self._told = True
                raise CacheError(self._error.message, self._error.hint)
            self._waiting[key.digest] = (key, entry)
            if len(self._waiting) % _MOST == 0:
                self.commit()
            elif self._timer is None:
                self._timer = threading.Timer(self._seconds, self.commit)
                self._timer.daemon = True
                self._timer.start()
        return True

    def commit(self, *, last: bool = False) -> None:
        """Write what waits; what the cache says against it, the next `put` tells, or the end."""
        with self._lock:
            timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()
            if self._waiting:
                try:
                    self._cache.put_all(self._waiting.values(), raise_busy=not last and len(self._waiting) < _HELD)
                except Busy:
                    return  # the next commit tries again
                except CacheError as error:
                    self._error = error
                self._waiting = {}  # not before: an interrupt may have come in between
