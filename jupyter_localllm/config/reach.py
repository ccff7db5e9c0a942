"""Whether a disk answers: who looks at a network mount without its server waits for ever, out of reach of Ctrl-C.

So directories that people name are looked at by another thread first. It may wait as long as it likes.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

__all__ = ["PATIENCE", "check_reach", "forget", "reachable"]

PATIENCE = 10.0  # seconds; an automounter may take some
_GOOD_FOR = 1.0  # seconds after which is looked again: a look costs 0.1 ms, a lookup in the cache little more


class _Look:
    """One look at a path; it may last."""

    def __init__(self, name: str) -> None:
        self.name, self.begun, self.answered = name, time.monotonic(), False

    def run(self) -> None:
        with suppress(OSError, ValueError):
            os.stat(self.name)
        self.answered = True


_good: dict[str, float] = {}
_looks: dict[str, _Look] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_looks.clear)  # the threads that look are the parent's


def check_reach(path: str | os.PathLike[str]) -> None:
    """Wait until the file system of a path answers, whatever it says.

    Parameters
    ----------
    path : path

    Raises
    ------
    TimeoutError
        It did not, in `PATIENCE` seconds since somebody began to look.

    Notes
    -----
    It is looked at once a second at most. A mount that begins to hang in between holds up who uses it.
    """
    name = os.fspath(path)
    if time.monotonic() < _good.get(name, 0.0):
        return
    look = _looks.get(name)
    if look is None or look.answered:
        look = _Look(name)
        try:
            threading.Thread(target=look.run, name="localllm-reach", daemon=True).start()
        except RuntimeError:  # no memory for one, or the interpreter is about to end: then nobody looks first
            look.answered = True
        _looks[name] = look  # not before: one that never began would never end
    pause = 0.0001
    while not look.answered:
        # Not by a lock or by `Thread.join`: Ctrl-C in the middle of those can leave them locked for ever.
        if time.monotonic() > look.begun + PATIENCE:
            raise TimeoutError(f"{name} does not answer; a network mount may have lost its server")
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
    _good[name] = time.monotonic() + _GOOD_FOR


def reachable(path: str | os.PathLike[str]) -> bool:
    """Whether the file system of a path answers: see `check_reach`."""
    try:
        check_reach(path)
    except TimeoutError:
        return False
    return True


def forget() -> None:
    """Look again at the next call."""
    _good.clear()
