"""What was worked out of the content of columns, kept for the next question over the same content."""

from __future__ import annotations

import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, Protocol, TypeVar, cast, overload

__all__ = ["KEPT_COLUMN_BYTES", "Keeping", "KeptColumns", "bytes_of", "derived"]

KEPT_COLUMN_BYTES = 512 * 1024 * 1024
"""What all that is kept of columns may take in memory."""

_SAMPLE = 256  # parts of a value that are looked into; the others are taken to hold as much
_DEPTH = 16  # levels of nesting that are looked into
_PLAIN = (str, bytes, int, float, type(None))
_ENTRY = 300  # bytes that it costs to keep anything

T = TypeVar("T")


class Keeping(Protocol):
    """Something that is known by its content, as a column."""

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """What is known of the content under a name; made if it is not."""
        ...


class derived(Generic[T]):
    """As `functools.cached_property`, for what follows from the content of a column alone.

    Parameters
    ----------
    make : callable
        Must not depend on the column's name or place: what it gives may serve another column with the same cells.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, column: None, owner: type) -> derived[T]: ...

    @overload
    def __get__(self, column: Keeping, owner: type) -> T: ...

    def __get__(self, column: Keeping | None, owner: type) -> T | derived[T]:
        if column is None:
            return self
        value: T = column.kept(self._name, lambda: self._make(column))
        column.__dict__[self._name] = value  # found there from now on, even if it is no longer kept
        return value


class KeptColumns:
    """Values by content and name, the least recently used ones dropped first. Safe to use from several threads.

    Parameters
    ----------
    most_bytes : int, optional
        What all of them together may take in memory, estimated by `bytes_of`. A value that is larger is not kept.
    """

    def __init__(self, most_bytes: int = KEPT_COLUMN_BYTES) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[Any, int]] = OrderedDict()
        self._process = os.getpid()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, content: str, name: str, make: Callable[[], T]) -> T:
        """What is kept, or what `make` gives. Two threads that ask at once may both make it: the same, then."""
        key = (content, name)
        with self._mine():
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast("T", self._kept[key][0])
        value = make()
        size = bytes_of(value) + _ENTRY
        with self._mine():
            if key not in self._kept and size <= self._most:
                self._kept[key] = (value, size)
                self.bytes += size
                while self.bytes > self._most:
                    self.bytes -= self._kept.popitem(last=False)[1][1]
        return value

    def clear(self) -> None:
        """Forget all."""
        with self._mine():
            self._kept.clear()
            self.bytes = 0

    def _mine(self) -> threading.Lock:
        """The lock; a forked child has one of its own, or it might wait for a thread that it does not have."""
        if os.getpid() != self._process:
            self._process, self._lock = os.getpid(), threading.Lock()
        return self._lock


def bytes_of(value: Any) -> int:
    """About what a value takes in memory, each container once.

    Every part is weighed by itself, of what these are made of some, evenly spread.

    Examples
    --------
    >>> bytes_of(["a" * 1000] * 10_000) > 10_000_000
    True
    """
    return sys.getsizeof(value, 64) + _inside(value, {id(value)}, _DEPTH)


def _inside(value: Any, seen: set[int], depth: int) -> int:
    """What a value's parts take, without itself."""
    if isinstance(value, _PLAIN) or not depth:
        return 0
    if hasattr(value, "nbytes") and hasattr(value, "dtype") and hasattr(value, "tobytes"):
        return int(value.nbytes)
    if hasattr(value, "to_frame") and hasattr(value, "implementation"):
        return _bytes_of_series(value)
    if isinstance(value, Mapping):
        return _weighed(value.keys(), seen, depth) + _weighed(value.values(), seen, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _weighed(value, seen, depth)
    parts = getattr(value, "__dict__", None)
    return _weighed(parts.values(), seen, depth) if parts else 0


def _weighed(parts: Collection[Any], seen: set[int], depth: int) -> int:
    deep = [part for part in parts if not isinstance(part, _PLAIN) and id(part) not in seen]
    seen.update(map(id, deep))
    some = deep[:: max(1, len(deep) // _SAMPLE)]
    inside = sum(_inside(part, seen, depth - 1) for part in some)
    return sum(sys.getsizeof(part, 64) for part in parts) + (inside * len(deep) // len(some) if some else 0)


def _bytes_of_series(series: Any) -> int:
    if series.implementation.is_pandas_like() and str(series.to_native().dtype) == "object":
        return len(series) * 8 + _weighed(series.to_list(), set(), _DEPTH)
    return int(series.to_frame().estimated_size())
