"""Work that may take a while, in a thread of its own, so that it can be watched and left."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from jupyter_localllm.config.threads import begin
from jupyter_localllm.types import Status

__all__ = ["Work", "watched"]

T = TypeVar("T")

_POLL_SECONDS = 0.05  # an interrupt must get through on Windows, too
_STATUS_SECONDS = 0.25


class _Left(BaseException):
    """Raised within the work when nobody waits for it any more."""


class Work(Generic[T]):
    """One piece of work and what it tells meanwhile.

    Parameters
    ----------
    function : callable
        Called with a callable that takes what is being done, in words; it should be called now and then, because by it
        the work ends if nobody waits.
    """

    def __init__(self, function: Callable[[Callable[[str], None]], T]) -> None:
        self._function = function
        self._left = threading.Event()
        self._done: queue.SimpleQueue[tuple[bool, T | BaseException]] = queue.SimpleQueue()
        self.told = ""
        self._thread = threading.Thread(target=self._run, name="jupyter_localllm-sources", daemon=True)
        begin(self._thread)

    def leave(self) -> None:
        """Let the work end at the next thing it tells."""
        self._left.set()

    def wait(self, seconds: float) -> tuple[bool, T | BaseException] | None:
        """Give whether it succeeded and what came of it, or None if it is not done yet."""
        try:
            return self._done.get(timeout=seconds)
        except queue.Empty:
            return None

    def _tell(self, words: str) -> None:
        if self._left.is_set():
            raise _Left
        self.told = words

    def _run(self) -> None:
        try:
            result: tuple[bool, T | BaseException] = (True, self._function(self._tell))
        except BaseException as error:
            result = (False, error)
        self._done.put(result)


def watched(function: Callable[[Callable[[str], None]], T], stage: str) -> Generator[Status, None, T]:
    """Do some work, and tell a few times a second how far it is; closing the generator lets the work end.

    Parameters
    ----------
    function : callable
        See `Work`.
    stage : str
        Of the `Status` events.
    """
    work = Work(function)
    try:
        told = ""
        waited = 0.0
        while (result := work.wait(_POLL_SECONDS)) is None:
            waited += _POLL_SECONDS
            if waited >= _STATUS_SECONDS and work.told != told:
                told, waited = work.told, 0.0
                yield Status(stage, told)
    finally:
        work.leave()
    succeeded, value = result
    if not succeeded:
        assert isinstance(value, BaseException)
        raise value
    return value  # type: ignore[return-value]
