"""What a command says where perhaps nobody listens any more.

A terminal that was closed, a full disk under a log, or a pipe that nobody reads costs the words, not the work: who has
asked for a report wants its files.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

__all__ = ["open_standard_streams", "put", "say"]


def say(text: str, stream: TextIO) -> None:
    """Write a line without what controls a terminal: it may hold names of anybody's files, and what errors quote."""
    from jupyter_localllm.show.plain import clean

    put(f"{clean(text)}\n", stream)


def put(text: str, stream: TextIO) -> None:
    """Write a text, as far as somebody takes it; once it was refused, nothing is written there any more."""
    try:
        print(text, end="", file=stream, flush=True)
    except (OSError, ValueError):  # ValueError: it was closed
        with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
            # what waits in its buffer would be an error at the end of the process
            os.dup2(nowhere.fileno(), stream.fileno())


def open_standard_streams() -> None:
    """Give a process that was started without them streams that lead nowhere.

    Its files would take their numbers else, and what a library or a kernel says would be written into them.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number and not _is_open(number):
            os.dup2(nowhere, number, inheritable=True)
            os.close(nowhere)
            nowhere = number
        setattr(sys, name, os.fdopen(nowhere, "r" if number == 0 else "w", encoding="utf-8", closefd=False))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
