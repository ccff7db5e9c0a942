"""Work in threads: what is in one lane is done in turn, different lanes at the same time."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable

__all__ = ["Lanes"]

_log = logging.getLogger("jupyter_localllm.chat")


class Lanes:
    """Threads that come with work and go without.

    Examples
    --------
    >>> lanes, done = Lanes(), threading.Event()
    >>> lanes.submit("a", done.set)
    >>> done.wait(5)
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, deque[Callable[[], None]]] = {}

    def submit(self, lane: Hashable, job: Callable[[], None]) -> None:
        """Have `job` done after all that stands in this lane.

        Raises
        ------
        RuntimeError
            No thread can be started, so it will not be done: there are too many, or the interpreter is about to end.
        """
        with self._lock:
            jobs = self._waiting.get(lane)
            if jobs is not None:
                jobs.append(job)
                return
            self._waiting[lane] = deque([job])
            thread = threading.Thread(target=self._work, args=(lane,), name="jupyter_localllm-chat", daemon=True)
            try:
                # In a context of its own: what a thread prints or sends belongs to no cell.
                contextvars.Context().run(thread.start)
            except BaseException:  # nobody else can have joined this lane: the lock is held
                del self._waiting[lane]
                raise

    def _work(self, lane: Hashable) -> None:
        while True:
            with self._lock:
                jobs = self._waiting[lane]
                if not jobs:
                    del self._waiting[lane]
                    return
                job = jobs.popleft()
            try:
                contextvars.Context().run(job)
            except BaseException:  # also what an object of the person raises, as SystemExit: the lane goes on
                _log.exception("a job of the chat failed")
