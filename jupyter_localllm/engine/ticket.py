"""One task on its way to the owner's thread, and what comes back from it."""

from __future__ import annotations

import ctypes
import queue
from collections.abc import Callable
from typing import Any

from jupyter_localllm.errors import EngineError, LocalLLMError
from jupyter_localllm.types import Event

__all__ = ["LATER", "POLL_SECONDS", "Ticket"]

POLL_SECONDS = 0.05  # Windows does not interrupt a wait, so no wait is longer than this

LATER: Any = object()
"""What a task returns whose ticket somebody else will finish (`Ticket.finish`, `Ticket.fail`)."""


class Ticket:
    """One task on its way: what the person who waits holds, and what the owner reads.

    Attributes
    ----------
    cancelled : bool
        Whether nobody waits for the rest.
    abort : ctypes array of 2 bytes
        A C string that is empty until the ticket is cancelled. Native code reads it between the nodes of a graph (see
        `jupyter_localllm.engine.llama.native`). Each ticket has its own, so a late cancel never hits the next task.
    """

    def __init__(self, task: Callable[[Ticket], Any], group: object, ended: Callable[[Ticket], None]) -> None:
        self.task = task
        self.group = group
        self._ended = ended
        self.abort = ctypes.create_string_buffer(2)
        self.cancelled = False
        self.started = False
        self.open = True
        self.reason: LocalLLMError | None = None
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def cancel(self, reason: LocalLLMError | None = None) -> None:
        """Ask the owner to leave the task as soon as it can; `reason` is raised where somebody still waits."""
        self.reason = self.reason or reason
        self.cancelled = True
        self.abort[0] = b"\x01"

    def emit(self, event: Event) -> None:
        """Send an event to whoever waits."""
        self._events.put(("event", event))

    def run(self) -> None:
        """Begin the task; called by the owner's thread."""
        self.started = True
        try:
            value = None if self.cancelled else self.task(self)
            if value is not LATER:
                self.finish(value)
        except BaseException as error:  # whatever it was, the thread lives on and the waiting person hears of it
            self.fail(error)

    def finish(self, value: object = None) -> None:
        """End the task with a value; None if it was cancelled."""
        self._end(("error", self.reason) if self.reason else ("value", value))

    def fail(self, error: BaseException) -> None:
        """End the task with an error."""
        if not isinstance(error, LocalLLMError):
            what = f"the engine failed: {type(error).__name__}: {error}"
            cause, error = error, EngineError(what, "Run it again; if it stays so: %llm unload")
            error.__cause__ = cause
        self._end(("error", self.reason or error))

    def _end(self, message: tuple[str, Any]) -> None:
        self.open = False
        self._ended(self)
        self._events.put(message)

    def poll(self) -> tuple[str, Any] | None:
        """The next message, or None after 50 ms without one."""
        try:
            return self._events.get(timeout=POLL_SECONDS)
        except queue.Empty:
            return None
