"""The names of models, for completion: whoever presses a key waits for no disk."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_localllm.models import available

__all__ = ["Names"]

Search = tuple[str, ...]

_FIRST_S = 0.5  # a local disk needs some 10 ms
_NEXT_S = 0.05
_REST = 10  # times as long as a look took, the next one is not begun: completion while one types asks at each key


@dataclass(frozen=True)
class _Known:
    names: list[str]
    until: float


def _names(search: Search) -> list[str]:
    return [entry.name for entry in available(search)]


class Names:
    """Names of models as they were found last, looked for in a thread of their own.

    Parameters
    ----------
    look : callable
        From the folders to the names in them; another one for tests.
    """

    def __init__(self, look: Callable[[Search], list[str]] = _names) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._known: dict[Search, _Known] = {}
        self._running: dict[Search, threading.Event] = {}

    def of(self, search: Search) -> list[str]:
        """The names that the catalog and these folders have.

        Waits at most half a second the first time, and a twentieth later; where a folder is slower than that, the names
        are those of the last look, or the catalog's alone.
        """
        with self._lock:
            known = self._known.get(search)
            if known is not None and time.monotonic() < known.until:
                return known.names
            running = self._running.get(search)
            if running is None:
                running = self._running[search] = threading.Event()
                thread = threading.Thread(
                    target=self._run, args=(search, running), name="jupyter_localllm names", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:  # too many threads: the next one who asks may get one
                    del self._running[search]
                    running.set()
        running.wait(_FIRST_S if known is None else _NEXT_S)
        known = self._known.get(search, known)
        return known.names if known is not None else self._look(())

    def forget(self) -> None:
        """Look again, the next time; what is being looked for comes too late."""
        with self._lock:
            self._known.clear()
            self._running.clear()

    def _run(self, search: Search, mine: threading.Event) -> None:
        begun = time.monotonic()
        try:
            with contextlib.suppress(OSError):
                names = self._look(search)
                now = time.monotonic()
                with self._lock:
                    if self._running.get(search) is mine:
                        self._known[search] = _Known(names, now + _REST * (now - begun))
        finally:
            with self._lock:
                if self._running.get(search) is mine:
                    del self._running[search]
            mine.set()
