"""Generators in another thread, for ``async`` code."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, TypeVar

from jupyter_localllm.config.threads import begin
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import EngineError

__all__ = ["iterate", "stopped"]

T = TypeVar("T")


def stopped(what: str = "generation") -> EngineError:
    """The error of something whose events just end."""
    return EngineError(f"the {what} was stopped before it was done")


async def iterate(make: Callable[[], Generator[T, None, Any]]) -> AsyncIterator[T]:
    """Run the generator that `make` gives in a thread and yield what it yields.

    Leaving the loop, or cancelling the task, lets the generator go within 50 ms and closes it.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    released = threading.Event()

    def send(kind: str, value: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(arrived.put_nowait, (kind, value))

    def pump() -> None:
        cancel_scope.set(released)
        stream = make()
        try:
            for value in stream:
                if released.is_set():
                    return
                send("value", value)
            send("end", None)
        except BaseException as error:
            send("error", error)
        finally:
            stream.close()

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(pump,), name="jupyter_localllm-async", daemon=True)
    begin(thread)
    try:
        while True:
            kind, value = await arrived.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        released.set()
