"""How far a report is, where somebody reads it."""

from __future__ import annotations

import sys
import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from jupyter_localllm.cli.line import Line
from jupyter_localllm.cli.saying import say
from jupyter_localllm.types import Status

if TYPE_CHECKING:
    from jupyter_localllm.report.progress import Tracker

__all__ = ["Lines", "OnTerminal", "Quiet", "shown"]

_PACE_S = 0.5


class Quiet(AbstractContextManager["Quiet"]):
    """Nothing."""

    def at(self, tracker: Tracker) -> None:
        """A cell begins."""

    def answered(self, line: str) -> None:
        """There is an answer."""

    def __exit__(self, *_: object) -> None:
        return None


class Lines(Quiet):
    """A line for each cell and each answer, on standard error: for logs."""

    def at(self, tracker: Tracker) -> None:
        """A cell begins."""
        say(tracker.progress().text, sys.stderr)

    def answered(self, line: str) -> None:
        """There is an answer."""
        say(f"  {line}", sys.stderr)


class OnTerminal(Quiet):
    """One line that is written over twice a second, and answers above it."""

    def __init__(self) -> None:
        self._line = Line()
        self._tracker: Tracker | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="jupyter_localllm-report-line", daemon=True)

    def __enter__(self) -> OnTerminal:
        self._line.__enter__()
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._ticker.join()
        self._line.__exit__()

    def at(self, tracker: Tracker) -> None:
        """A cell begins."""
        self._tracker = tracker
        self._show()

    def answered(self, line: str) -> None:
        """There is an answer."""
        with self._lock:
            self._line.__exit__()  # it is empty now, and goes on below
            say(line, sys.stderr)
        self._show()

    def _tick(self) -> None:
        while not self._over.wait(_PACE_S):
            self._show()

    def _show(self) -> None:
        tracker = self._tracker
        if tracker is not None:
            progress = tracker.progress()
            with self._lock:
                self._line(Status("running", progress.text, progress.fraction))


def shown(*, quiet: bool) -> Quiet:
    """The way to show progress that suits standard error."""
    if quiet:
        return Quiet()
    return OnTerminal() if sys.stderr.isatty() else Lines()
