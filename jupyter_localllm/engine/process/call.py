"""One request that is under way in the child."""

from __future__ import annotations

import dataclasses
import queue
import time
from typing import Any

from jupyter_localllm.engine.process import wire
from jupyter_localllm.engine.process.frames import BadFrame, Frame, Kind
from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.types import Done, Event, ModelInfo, Status, Timings

__all__ = ["Call"]

_POLL_SECONDS = 0.05  # as `Owner`: no wait is longer, so that an interrupt is heard
_BYTES = 8 << 20  # what any answer may have; a template or a list of control tokens is the most in it
_DIMENSIONS = 1 << 15


class Call:
    """What the person who waits holds, and what frames about a request are judged by.

    Parameters
    ----------
    name : str
        The model's.
    method : {"load", "info", "count", "count_prompt", "embed", "generate"}
    expected : int
        Texts of an "embed" or "count", tokens of a "generate" (their log-probabilities counted as tokens).
    """

    def __init__(self, name: str, method: str, expected: int = 0) -> None:
        self.method = method
        self.number = 0
        self.begun = time.monotonic()
        self.left_at: float | None = None  # when whoever waited went away
        self._name = name
        self._expected = expected
        self._room = _BYTES + expected * (_DIMENSIONS * 4 if method == "embed" else 1024)
        self._rows = bytearray()
        self._done = False
        self._messages: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def room(self, size: int) -> int:
        """Bytes that may still come, and takes `size` of them: a child must not fill the parent's memory."""
        room, self._room = self._room, max(0, self._room - size)
        return room

    def poll(self) -> tuple[str, Any] | None:
        """The next message ("event", "value" or "error" with what it is); None after 50 ms without one."""
        try:
            return self._messages.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return None

    def fail(self, reason: LocalLLMError) -> None:
        """Let whoever waits raise `reason`."""
        self._messages.put(("error", reason))

    def take(self, frame: Frame) -> bool:
        """Pass a frame on; whether it was the last.

        Raises
        ------
        BadFrame
            It is not what this request may be answered with.
        """
        if frame.kind == Kind.ERROR:
            self._messages.put(("error", wire.unpack_error(frame.payload)))
            return True
        if frame.kind == Kind.VALUE:
            self._messages.put(("value", self._value(wire.unpack(frame.payload))))
            return True
        if self.left_at is not None:
            return False
        if frame.kind == Kind.EVENT:
            self._messages.put(("event", self._event(frame.payload)))
        elif frame.kind == Kind.ROWS and self.method == "embed":
            self._rows += frame.payload
        else:
            raise BadFrame(f"a frame of kind {frame.kind}")
        return False

    def _event(self, payload: bytes) -> Event:
        event = wire.unpack_event(payload, self._name)
        if self._done or (self.method != "generate" and not (self.method == "load" and isinstance(event, Status))):
            raise BadFrame("an event out of place")
        if isinstance(event, Done):
            self._done = True
            return Done(dataclasses.replace(event.result, timings=self._seen_from_here(event.result.timings)))
        return event

    def _seen_from_here(self, timings: Timings) -> Timings:
        """Times from when the request was made: starting the process and waiting for its turn included."""
        before = max(0.0, (time.monotonic() - self.begun) * 1000 - timings.latency_ms)
        return dataclasses.replace(timings, ttft_ms=timings.ttft_ms + before, latency_ms=timings.latency_ms + before)

    def _value(self, value: Any) -> Any:
        if self.left_at is not None:
            return None
        if self.method == "info":
            return wire.build(ModelInfo, value)
        if self.method == "count":
            return list(wire.build(tuple[int, ...], value, self._expected))
        if self.method == "count_prompt":
            return wire.build(int, value)
        if self.method == "embed":
            return self._array(*wire.build(tuple[int, int], value))
        if value is not None or (self.method == "generate" and not self._done):
            raise BadFrame("an answer without an end")
        return None

    def _array(self, rows: int, columns: int) -> Any:
        import numpy as np

        if rows != self._expected or columns > _DIMENSIONS or rows * columns * 4 != len(self._rows):
            raise BadFrame(f"an array of {rows} x {columns}")
        return np.frombuffer(bytes(self._rows), dtype="<f4").astype(np.float32).reshape(rows, columns)
