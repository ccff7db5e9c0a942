"""Telling how things stand: soon after a change, at most ten times a second."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable

__all__ = ["Notices"]

_SECONDS = 0.1
_log = logging.getLogger("jupyter_localllm.chat")


class Notices:
    """Calls `tell` after `changed`, in a thread that comes with changes and goes without.

    Parameters
    ----------
    tell : callable
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._wanted = self._running = False

    def changed(self) -> None:
        """Something may look otherwise than before."""
        with self._lock:
            self._wanted = True
            if self._running:
                return
            self._running = True
        thread = threading.Thread(target=self._work, name="jupyter_localllm-notices", daemon=True)
        try:
            contextvars.Context().run(thread.start)
        except RuntimeError:  # too many threads, or the interpreter is about to end: the next change tells
            with self._lock:
                self._running = False

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wanted:
                    self._running = False
                    return
                self._wanted = False
            try:
                self._tell()
            except BaseException:
                _log.exception("the state cannot be told")
            time.sleep(_SECONDS)
