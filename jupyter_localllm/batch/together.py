"""Several rows at a time: the engine decodes them in one batch.

Each row in flight is driven by a thread of its own, for an answer is a generator that waits. The thread of the person,
which an interrupt must reach, waits for all of them at once and is woken when a row is finished, and four times a
second for the progress: not for every token, because the engine decodes on the same cores.
"""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass

from jupyter_localllm.batch.run import Ask, Outcome, RowPrompt, Step
from jupyter_localllm.config.threads import begin
from jupyter_localllm.engine.asynchronous import stopped
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import EngineError, LocalLLMError
from jupyter_localllm.types import Done, Status, Token

__all__ = ["Together"]

_POLL_SECONDS = 0.05  # Windows does not interrupt a wait, so no wait is longer than this
_TOKEN_SECONDS = 0.25  # tokens only show that it goes on
_PATIENCE_SECONDS = 0.5  # for rows to leave, when they are told to


@dataclass(frozen=True)
class _Failure:
    """What ends the map, whatever is done with rows that fail."""

    error: BaseException


class Together:
    """Up to `width` prompts in flight; outcomes come as they are ready.

    Parameters
    ----------
    ask : callable
        Called, and its generators driven and closed, in threads that see the context variables of the caller's.
        `jupyter_localllm.engine.owner.cancel_scope` lets them go when the map is closed.
    width : int
    """

    def __init__(self, ask: Ask, width: int) -> None:
        self._ask = ask
        self._width = max(1, width)
        self._outer = cancel_scope.get()  # whoever waits for the whole map
        self._released = threading.Event()
        self._todo: queue.SimpleQueue[RowPrompt | None] = queue.SimpleQueue()
        self._arrived: queue.SimpleQueue[Step | _Failure] = queue.SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._in_flight = 0
        self._woken = 0.0

    def submit(self, prompt: RowPrompt) -> Generator[Step, None, None]:
        """Wait for a free place, ask, and give what has come meanwhile."""
        while self._in_flight >= self._width:
            yield from self._steps(_POLL_SECONDS)
        self._in_flight += 1
        self._todo.put(prompt)
        if len(self._workers) < self._in_flight:
            self._start_worker()
        yield from self._steps(0)

    def finish(self) -> Generator[Step, None, None]:
        """Give what is still to come."""
        while self._in_flight:
            yield from self._steps(_POLL_SECONDS)

    def close(self) -> None:
        """Let all rows go, and wait a moment for them: what they hold should be free when the next cell runs."""
        self._released.set()
        for _ in range(self._width):
            self._todo.put(None)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for worker in self._workers:
            # An interrupt may have come between making a thread and starting it.
            if worker.ident is not None and worker is not threading.current_thread():
                worker.join(max(0.0, deadline - time.monotonic()))

    def _steps(self, wait_s: float) -> Generator[Step, None, None]:
        """What has come; if that is nothing, what comes next within so many seconds."""
        while (message := self._message(wait_s)) is not None:
            wait_s = 0
            if isinstance(message, _Failure):
                raise message.error
            self._in_flight -= isinstance(message, Outcome)
            yield message
        if self._outer is not None and self._outer.is_set():
            raise stopped()

    def _message(self, wait_s: float) -> Step | _Failure | None:
        try:
            return self._arrived.get(timeout=wait_s) if wait_s else self._arrived.get_nowait()
        except queue.Empty:
            return None

    def _start_worker(self) -> None:
        context = contextvars.copy_context()
        worker = threading.Thread(target=context.run, args=(self._work,), name="jupyter_localllm-row", daemon=True)
        self._workers.append(worker)
        try:
            begin(worker)
        except EngineError:
            self._workers.pop()
            if not self._workers:
                raise
            self._width = len(self._workers)  # those that there are do all of it

    # What follows runs in the workers' threads.

    def _work(self) -> None:
        cancel_scope.set(self._released)
        while (prompt := self._todo.get()) is not None and not self._released.is_set():
            self._arrived.put(self._answer(prompt))

    def _answer(self, prompt: RowPrompt) -> Outcome | _Failure:
        try:
            with contextlib.closing(self._ask(prompt.parts)) as events:
                for event in events:
                    if isinstance(event, Done):
                        return Outcome(prompt.position, event.result)
                    if self._released.is_set():
                        break
                    self._show(event)
        except LocalLLMError as error:
            return Outcome(prompt.position, error=error)
        except BaseException as error:  # raised again where somebody waits
            return _Failure(error)
        return _Failure(stopped())

    def _show(self, event: Status | Token) -> None:
        now = time.monotonic()
        if isinstance(event, Status) or now - self._woken >= _TOKEN_SECONDS:
            self._woken = now
            self._arrived.put(event)
