"""A thread in which the requests to one server run, so that whoever waits can always stop.

A read from a socket cannot be interrupted from another thread, but a task of asyncio can be cancelled at any moment,
and that closes its connection: the server hears of it and stops writing. So the clients are the asynchronous ones, and
their event loop has a daemon thread of its own.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from jupyter_localllm.config.threads import begin
from jupyter_localllm.engine.children import check_fork
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.engine.ticket import POLL_SECONDS
from jupyter_localllm.errors import EngineClosed, LocalLLMError
from jupyter_localllm.types import Event

__all__ = ["Emit", "Loop"]

T = TypeVar("T")
Emit = Callable[[Event], None]
_END: Any = object()
_CLOSING_SECONDS = 5.0


class Loop:
    """An event loop in a thread; it begins with the first request.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pid = os.getpid()
        self._lock = threading.RLock()  # a handle may be collected while this thread holds it
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._open: dict[Future[Any], LocalLLMError | None] = {}

    def stream(self, work: Callable[[Emit], Coroutine[Any, Any, T]]) -> Generator[Event, None, T | None]:
        """Run a coroutine and yield the events it emits; the generator returns its value, None if it was let go.

        Closing the generator cancels the coroutine.
        """
        check_fork(self._pid)
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        released = cancel_scope.get()
        future: Future[T] | None = None
        try:
            future = self._submit(work(events.put))
            future.add_done_callback(lambda _: events.put(_END))
            while True:
                if released is not None and released.is_set():
                    return None
                try:
                    event = events.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    continue
                if event is _END:
                    return self._outcome(future)
                yield event
        finally:
            if future is not None:
                future.cancel()
                self._open.pop(future, None)

    def call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine and return its value.

        Raises
        ------
        EngineClosed
            It was let go.
        """
        stream = self.stream(lambda _: _boxed(work))
        while True:
            try:
                next(stream)
            except StopIteration as stop:
                if stop.value is None:
                    raise EngineClosed("the request was stopped") from None
                value: T = stop.value[0]
                return value

    def cancel(self, reason: LocalLLMError) -> None:
        """Cancel all that runs; whoever waits for it gets `reason`."""
        for future in list(self._open):
            if not future.done():
                self._open[future] = reason
                future.cancel()

    def close(self, last: Callable[[], Coroutine[Any, Any, None]], *, wait: bool = True) -> None:
        """Cancel all, run a last coroutine, and end the thread for good."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._closed = True
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(lambda: loop.create_task(_end(loop, last)))
        if wait and thread is not threading.current_thread():
            deadline = time.monotonic() + _CLOSING_SECONDS
            while thread.is_alive() and time.monotonic() < deadline:
                thread.join(POLL_SECONDS)  # not all systems let a long wait be interrupted

    def _outcome(self, future: Future[T]) -> T:
        try:
            return future.result()
        except (CancelledError, asyncio.CancelledError):
            raise self._open.get(future) or EngineClosed("the request was stopped") from None

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:
            if self._closed:
                work.close()
                raise EngineClosed("the connections to the server were closed", "Make a new handle.")
            if self._loop is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=_run, args=(loop,), name=self._name, daemon=True)
                begin(thread)
                self._loop, self._thread = loop, thread
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._open[future] = None
            return future


async def _boxed(work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T]:
    return (await work(),)  # made here: who is let go before it begins leaves nothing that was never awaited


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _end(loop: asyncio.AbstractEventLoop, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.wait_for(last(), _CLOSING_SECONDS)
        await loop.shutdown_asyncgens()
    finally:
        loop.stop()
