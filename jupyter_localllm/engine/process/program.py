"""The process itself: started out of reach of the person's signals, its last words kept, waited for, ended."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from jupyter_localllm.errors import printable

__all__ = ["Program"]

_WORDS_BYTES = 4096


class Program:
    """A running program with pipes.

    Parameters
    ----------
    argv : sequence of str
    verbose : bool
        Whether what it says on stderr is said here as well.

    Attributes
    ----------
    stdin, stdout : binary files
        Without buffers of Python's.
    pid : int

    Raises
    ------
    OSError
        The system starts no process.
    """

    def __init__(self, argv: Sequence[str], *, verbose: bool) -> None:
        # In a session of its own, Ctrl-C in a terminal and the signals for a kernel's process group miss it.
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # see FrameReader
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self.stdin: Any = self._process.stdin
        self.stdout: Any = self._process.stdout
        self.pid = self._process.pid
        self._verbose = verbose
        self._words = b""

    @property
    def words(self) -> str:
        """The end of what it said on stderr."""
        return self._words.decode("utf-8", "replace")

    def keep_words(self) -> None:
        """Read what it says on stderr until it has ended."""
        stderr: Any = self._process.stderr
        with stderr:
            while chunk := stderr.read(_WORDS_BYTES):
                self._words = (self._words + chunk)[-_WORDS_BYTES:]
                if self._verbose:
                    with contextlib.suppress(Exception):  # no stderr, or one that is closed
                        sys.stderr.write(printable(chunk.decode("utf-8", "replace")))

    def kill(self) -> None:
        """End it. Waits for nothing."""
        self._process.kill()

    def wait(self, seconds: float) -> int | None:
        """Its exit status, None if it has none within `seconds`."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
