"""Where an answer is shown: a notebook that looks on, a notebook that runs unattended, a terminal, nowhere.

A surface gets a `View` after each event and one last view; it decides what of them is worth showing. All of it
happens in the thread that runs the cell: messages from another thread would go to whichever cell ran last.
"""

from __future__ import annotations

import re
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol, TextIO

from jupyter_localllm.show.bundle import bundle, speed, summary
from jupyter_localllm.show.pace import Pace
from jupyter_localllm.show.plain import PlainStream, clean
from jupyter_localllm.show.view import View
from jupyter_localllm.types import Status

__all__ = ["AtEnd", "HeadlessSurface", "NotebookSurface", "SilentSurface", "Surface", "TerminalSurface", "now_ms"]

Clock = Callable[[], float]

_SENTENCE_END = re.compile(r"(?:[.!?]+[\])\"']*\s|[\u3002\uff01\uff1f]|\n)\s*")


def now_ms() -> float:
    """A clock that does not go back, in milliseconds."""
    return time.perf_counter() * 1000


class Surface(Protocol):
    """Something that shows views."""

    def update(self, view: View) -> None:
        """The answer has grown, or something is going on."""
        ...

    def finish(self, view: View) -> None:
        """Nothing more will come. May be called again with the same view, and then shows nothing twice."""
        ...


class SilentSurface:
    """Shows nothing."""

    def update(self, view: View) -> None:
        """Nothing."""

    def finish(self, view: View) -> None:
        """Nothing."""


class AtEnd:
    """Another surface, without the growing: it sees the last view only."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface

    def update(self, view: View) -> None:
        """Nothing."""

    def finish(self, view: View) -> None:
        """Show the last view."""
        self._surface.finish(view)


class _Display:
    """One output of a cell, made by the first `show` and changed by the later ones."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._id = uuid.uuid4().hex
        self.exists = False

    def show(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        # An interrupt between the message and the note that it was sent would make a second output, or none.
        with _interrupts_wait():
            self._shell.display_pub.publish(
                data=data, metadata=metadata, transient={"display_id": self._id}, update=self.exists
            )
            self.exists = True


class NotebookSurface:
    """One display that grows, at a pace that neither page nor kernel feels.

    Parameters
    ----------
    shell : InteractiveShell
        Its display publisher is used.
    clock : callable
        Milliseconds.
    """

    def __init__(self, shell: Any, *, clock: Clock = now_ms) -> None:
        from jupyter_localllm.show.html import BlockRenderer

        self._display = _Display(shell)
        self._clock = clock
        self._pace = Pace()
        self._blocks = BlockRenderer()
        self._blocks.feed("The first text *costs* more than others.")
        self._last: View | None = None

    def update(self, view: View) -> None:
        """Show the view if its time has come."""
        begun = self._clock()
        characters = len(view.text) + len(view.reasoning)
        if not self._pace.due(begun, characters=characters):
            return
        self._display.show(*bundle(view, self._blocks))
        ended = self._clock()
        self._pace.shown(ended, cost_ms=ended - begun, characters=characters)

    def finish(self, view: View) -> None:
        """Show the last view, always; but an error with nothing to show leaves no output of its own."""
        if view == self._last or not (view.ended and (self._display.exists or _worth_showing(view))):
            return
        self._display.show(*bundle(view, self._blocks))
        self._last = view


class HeadlessSurface:
    """Nothing until the end; then a line for the log, which the whole answer replaces.

    ``papermill --log-output`` logs the first display of an identifier, and nbclient saves the last: so the log has one
    line for each answer, and the notebook has the answer.

    Parameters
    ----------
    shell : InteractiveShell
    """

    def __init__(self, shell: Any) -> None:
        self._display = _Display(shell)
        self._last: View | None = None

    def update(self, view: View) -> None:
        """Nothing."""

    def finish(self, view: View) -> None:
        """Show the line and then the answer."""
        if view == self._last or not _worth_showing(view):
            return
        data, metadata = bundle(view)
        if not self._display.exists:
            self._display.show({"text/plain": summary(view)}, metadata)
        self._display.show(data, metadata)
        self._last = view


class TerminalSurface:
    """Plain text as it comes.

    Parameters
    ----------
    stream : TextIO or None
        Standard output of the moment if ``None``. Escape sequences of our own (for progress and reasoning) are written
        to a terminal only; those of a model never.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._fancy = bool(getattr(self._stream, "isatty", lambda: False)())
        self._said = {"reasoning": "", "text": ""}
        self._channels = {"reasoning": PlainStream(), "text": PlainStream()}
        self._channel = ""
        self._progress = False
        self._finished = False
        self._told_calls = 0

    def update(self, view: View) -> None:
        """Write what is new."""
        if view.status is not None:
            self._show_progress(view.status)
        self._write_calls(view)
        # Spaces before the first word would only push it aside.
        self._write_new("reasoning", view.reasoning.lstrip())
        self._write_new("text", view.text.lstrip())
        self._stream.flush()

    def finish(self, view: View) -> None:
        """Write the rest, a line break and what must be said about the answer."""
        if self._finished:
            return
        self._finished = True
        if not _worth_showing(view):
            self._clear_progress()
            return
        self.update(view)
        self._clear_progress()
        self._leave_channel()
        self._write_sources(view)
        for note in (*view.notes, *view.passing_notes):
            self._stream.write(f"[{clean(note.text)}]\n")
        if self._fancy and view.result and view.tokens_per_second and not view.result.cached:
            self._stream.write(f"\x1b[2m{view.tokens:,} tokens, {speed(view.tokens_per_second)}\x1b[0m\n")
        self._stream.flush()

    def _write_calls(self, view: View) -> None:
        from jupyter_localllm.show.calls import as_plain

        for call in view.calls[self._told_calls :]:
            self._clear_progress()
            self._leave_channel()
            self._stream.write(f"{as_plain([call])}\n")
            self._told_calls += 1

    def _write_sources(self, view: View) -> None:
        from jupyter_localllm.show.footnotes import as_plain

        if view.answer is not None and view.ended and (under := as_plain(view.answer)):
            self._stream.write(f"\n{under}\n")

    def _write_new(self, channel: str, whole: str) -> None:
        said = self._said[channel]
        if not whole.startswith(said):
            said = self._take_back(channel, whole)
        new = self._channels[channel].feed(whole[len(said) :])
        self._said[channel] = whole
        if new:
            self._enter_channel(channel)
            self._stream.write(new)

    def _take_back(self, channel: str, whole: str) -> str:
        """What stands on a terminal stays there: the sentence that was corrected is written again, and says so."""
        said = self._said[channel]
        if said.rstrip() == whole:
            return whole
        pairs = enumerate(zip(said, whole, strict=False))
        same = next((index for index, (one, other) in pairs if one != other), min(len(said), len(whole)))
        begin = max((match.end() for match in _SENTENCE_END.finditer(whole, 0, same)), default=0)
        self._leave_channel()
        self._enter_channel(channel)
        self._stream.write("[corrected] ")
        return whole[:begin]

    def _enter_channel(self, channel: str) -> None:
        if channel == self._channel:
            return
        self._clear_progress()
        self._leave_channel()
        self._channel = channel
        if channel == "reasoning":
            self._stream.write("\x1b[2m" if self._fancy else "[reasoning] ")

    def _leave_channel(self) -> None:
        if self._channel:
            self._stream.write(self._channels[self._channel].close())
            self._stream.write("\x1b[0m\n" if self._fancy and self._channel == "reasoning" else "\n")
        self._channel = ""

    def _show_progress(self, status: Status) -> None:
        if not self._fancy or self._channel:
            return
        share = "" if status.fraction is None else f" {status.fraction:.0%}"
        self._stream.write(f"\r\x1b[2K\x1b[2m{clean(status.text or status.stage)}{share}\x1b[0m")
        self._stream.flush()
        self._progress = True

    def _clear_progress(self) -> None:
        if self._progress:
            self._stream.write("\r\x1b[2K")
            self._progress = False


def _worth_showing(view: View) -> bool:
    """Whether there is an answer, or part of one; an error without text is shown by whoever catches it."""
    return view.result is not None or bool(view.text or view.reasoning) or view.error == "interrupted"


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold back Ctrl-C for the few milliseconds in which a message is sent, and let it through then."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    frames: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda _number, frame: frames.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if frames:
            handler(signal.SIGINT, frames[0])
