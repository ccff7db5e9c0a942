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

_good: dict[str, float] = {}
_waiting: dict[str, threading.Thread] = {}


def check_reach(path: str | os.PathLike[str]) -> None:
    """Wait until the file system of a path answers, whatever it says.

    Parameters
    ----------
    path : path

    Raises
    ------
    TimeoutError
        It did not, in `PATIENCE` seconds; or somebody else waits for it already.

    Notes
    -----
    It is looked at once a second at most. A mount that begins to hang in between holds up who uses it.
    """
    name = os.fspath(path)
    now = time.monotonic()
    if now < _good.get(name, 0.0):
        return
    earlier = _waiting.get(name)
    if earlier is None or not earlier.is_alive():
        earlier = threading.Thread(target=_look, args=(name,), name="localllm-reach", daemon=True)
        try:
            earlier.start()
        except RuntimeError:  # no memory for one, or the interpreter is about to end: then nobody looks first
            return
        _waiting[name] = earlier
        earlier.join(PATIENCE)
    if earlier.is_alive():
        raise TimeoutError(f"{name} does not answer; a network mount may have lost its server")
    _waiting.pop(name, None)
    _good[name] = now + _GOOD_FOR


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


def _look(name: str) -> None:
    with suppress(OSError, ValueError):
        os.stat(name)
