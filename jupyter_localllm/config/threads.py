"""Threads, where the system may refuse to start one."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

from jupyter_localllm.errors import EngineError

__all__ = ["NO_PROCESS", "begin", "room_for"]

NO_PROCESS = "Whoever runs this has as many processes, threads or open files as he may: end some, as other kernels."
"""What to do where the system starts no thread or process, and opens no pipe."""

_GONE_S = 0.1  # threads that have ended still count for a moment


def begin(thread: threading.Thread) -> None:
    """Start a thread.

    Raises
    ------
    EngineError
        There may be no more threads, or there is no memory for one.
    """
    try:
        thread.start()
    except RuntimeError as error:
        raise EngineError(f"no thread could be started: {error}", NO_PROCESS) from None


def room_for(count: int) -> int:
    """How many threads of `count`, this one included, could compute together now; at least one.

    OpenMP ends the process where it gets fewer threads than it wants, so that is tried first, with a thread to spare.

    Examples
    --------
    >>> room_for(2)
    2
    """
    if count < 2:
        return 1
    over, threads = threading.Event(), []
    try:
        for _ in range(count):
            thread = threading.Thread(target=over.wait, name="jupyter_localllm-room", daemon=True)
            thread.start()
            threads.append(thread)
    except RuntimeError:
        pass
    finally:
        over.set()
        for thread in threads:
            thread.join()
        _wait_for(threads)
    return max(1, min(count, len(threads)))


def _wait_for(threads: list[threading.Thread]) -> None:
    """Wait until the system has forgotten threads that have ended (Linux tells)."""
    numbers, deadline = {str(thread.native_id) for thread in threads}, time.monotonic() + _GONE_S
    with suppress(OSError):
        while numbers & set(os.listdir("/proc/self/task")) and time.monotonic() < deadline:
            time.sleep(0.0005)
