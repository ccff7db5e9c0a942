"""Where a map is shown: a notebook that looks on, one that runs unattended, a terminal.

As for answers (`jupyter_localllm.show.surfaces`): one display that changes in place; unattended, a line for the log
which the outcome replaces; and all of it in the thread that runs the cell.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from jupyter_localllm.batch.progress import Progress
from jupyter_localllm.batch.view import Finished, moving_html, moving_plain, stopped_html, stopped_plain
from jupyter_localllm.show.bundle import METADATA_KEY
from jupyter_localllm.show.formatters import is_terminal
from jupyter_localllm.show.saved import named
from jupyter_localllm.show.surfaces import _Display

__all__ = ["Headless", "Notebook", "Surface", "Terminal", "map_surface_for"]

_FIRST_LINE_S = 10.0
_LINES_S = 30.0
_MOST_ERRORS = 1_000  # in the metadata of an output


class Surface(Protocol):
    """Something that shows a map."""

    def update(self, progress: Progress) -> None:
        """Show how far it is."""
        ...

    def finish(self, finished: Finished) -> None:
        """Show the outcome."""
        ...

    def stop(self, progress: Progress, after: str) -> None:
        """Show that it was broken off, and what to know then."""
        ...


def map_surface_for(shell: Any, *, live: bool) -> Surface:
    """The surface for a shell.

    Parameters
    ----------
    shell : InteractiveShell
    live : bool
        Whether somebody looks on.
    """
    if is_terminal(shell):
        return Terminal(live=live)
    return Notebook(shell) if live else Headless(shell)


class Headless:
    """A line for the log now and then; in the end one more, and the outcome in the place of all of them.

    What runs unattended is to leave the same notebook every time, so the lines with times and speeds are for the log
    alone (papermill's ``--log-output``), and are cleared.

    Parameters
    ----------
    shell : InteractiveShell
    clock : callable, optional
        Gives seconds.
    """

    def __init__(self, shell: Any, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._shell = shell
        self._display = _Display(shell)
        self._clock = clock
        self._next = clock() + _FIRST_LINE_S
        self._printed = False

    def update(self, progress: Progress) -> None:
        """A line, if it is time."""
        if self._clock() >= self._next and not progress.finished:
            self._next = self._clock() + _LINES_S
            self._printed = True
            print(f"llm map {moving_plain(progress)}", flush=True)

    def finish(self, finished: Finished) -> None:
        """Show the line and then the outcome."""
        self._clear()
        if not self._display.exists:
            line = f"llm map {finished.summary}"
            self._display.show({"text/plain": line}, {METADATA_KEY: {"complete": True}})
        data = {"text/html": finished.html(), "text/plain": finished.plain()}
        self._display.show(data, {METADATA_KEY: _metadata(finished)})

    def stop(self, progress: Progress, after: str) -> None:
        """Show how far it came."""
        self._clear()
        data = {"text/html": stopped_html(progress, after), "text/plain": stopped_plain(progress, after)}
        self._display.show(data, {METADATA_KEY: {"complete": False}})

    def _clear(self) -> None:
        if self._printed:
            self._printed = False
            self._shell.display_pub.clear_output()


class Notebook(Headless):
    """A bar that moves, and the outcome in its place."""

    def update(self, progress: Progress) -> None:
        """Move it."""
        if not progress.finished:  # the outcome comes at once
            data = {"text/html": moving_html(progress), "text/plain": moving_plain(progress)}
            self._display.show(data, {METADATA_KEY: {"complete": False}})


class Terminal:
    """A line that is written over, and the outcome below.

    Parameters
    ----------
    live : bool
    stream : TextIO or None
        Standard output of the moment if None. The line moves in a terminal only.
    """

    def __init__(self, *, live: bool = True, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._moves = live and bool(getattr(self._stream, "isatty", lambda: False)())

    def update(self, progress: Progress) -> None:
        """Write the line over."""
        if self._moves and not progress.finished:
            self._write(f"\r\x1b[2K\x1b[2m{moving_plain(progress)}\x1b[0m")

    def finish(self, finished: Finished) -> None:
        """Write the outcome."""
        self._end(finished.plain())

    def stop(self, progress: Progress, after: str) -> None:
        """Write how far it came."""
        self._end(stopped_plain(progress, after))

    def _end(self, text: str) -> None:
        self._write(("\r\x1b[2K" if self._moves else "") + text + "\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _metadata(finished: Finished) -> dict[str, Any]:
    """Where the answers come from, and apart from it what differs from run to run."""
    progress = finished.progress
    provenance = progress.provenance
    return {
        "complete": True,
        **named(finished.name, finished.question),
        "rows": progress.done,
        "failed": progress.failed,
        "errors": [error.plain() for error in finished.errors[:_MOST_ERRORS]],
        "model": provenance.model,
        "model_sha256": provenance.model_sha256,
        "sampling": dict(provenance.sampling),
        "max_tokens": provenance.max_tokens,
        "stop": list(provenance.stop),
        "versions": dict(provenance.versions),
        **{name: value for name in ("remote", "answered_by") if (value := getattr(provenance, name))},
        "volatile": {
            "cached": progress.cached,
            "seconds": round(progress.elapsed_s, 3),
            "tokens": progress.tokens,
        },
    }
