"""The one thread that owns native models, and the queue that leads to it.

llama.cpp's contexts are not safe to use from several threads, and a native call cannot be interrupted from Python. So
one daemon thread makes every native call, and everybody else sends it tasks and polls for what comes back: Ctrl-C is
obeyed within the polling time, whatever the thread is doing.

Short tasks (load, count, free) are done in turn. A generation is handed to the scheduler of its model, a `Stepper`:
between tasks each of them makes one step at a time, so that many generations go on together.
"""

from __future__ import annotations

import contextvars
import itertools
import os
import queue
import threading
import weakref
from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

from jupyter_localllm.config.threads import begin
from jupyter_localllm.engine import parking
from jupyter_localllm.engine.children import check_fork
from jupyter_localllm.engine.ticket import LATER, Ticket
from jupyter_localllm.errors import EngineClosed, EngineError, LocalLLMError
from jupyter_localllm.types import Event, Status

__all__ = ["LATER", "Holder", "Owner", "Stepper", "Ticket", "cancel_scope"]

_TASKS_BETWEEN = 32  # two steps
_STEP: Any = object()

# Whoever waits in a thread that cannot be interrupted (asyncio's helpers) sets an event here to be let go.
cancel_scope: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("cancel_scope", default=None)

T = TypeVar("T")


class Stepper(Protocol):
    """Work that goes on in steps between the tasks of the queue."""

    def step(self) -> bool:
        """Make one step; whether there is more to do."""
        ...


class Holder(Protocol):
    """Somebody who has native objects on the owner's thread."""

    def lost(self) -> None:
        """The thread is gone, and everything native with it: forget it, free nothing."""
        ...


class Owner:
    """A daemon thread that runs tasks in turn, and steppers between them.

    Examples
    --------
    >>> owner = Owner()
    >>> owner.call(lambda ticket: 1 + 1)
    2
    >>> owner.close()
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._queue: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._lock = threading.RLock()  # a handle may be collected while this thread holds it
        self._thread: threading.Thread | None = None
        self._open: dict[Ticket, None] = {}  # in order of arrival
        self._steppers: list[Stepper] = []  # of the owner's thread
        self._holders: weakref.WeakSet[Holder] = weakref.WeakSet()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Number of tasks that are running or waiting."""
        return len(self._open)

    def stream(self, task: Callable[[Ticket], T], *, group: object = None) -> Generator[Event, None, T | None]:
        """Run a task and yield the events it emits; the generator returns the task's value, None if it was cancelled.

        Closing the generator cancels the task.
        """
        if threading.current_thread() is self._thread:
            raise EngineError("the engine's thread cannot wait for itself")
        ticket = Ticket(task, group, self._forget)
        told = 0
        released = cancel_scope.get()
        try:  # from before it is sent: an interrupt at any moment leaves no task that nobody waits for
            self._submit(ticket)
            while True:
                if released is not None and released.is_set():
                    return None
                message = ticket.poll()
                if message is None:
                    self._check(ticket)
                    ahead = self._ahead(ticket)
                    if ahead and ahead != told:
                        told = ahead
                        yield Status("waiting", f"waiting for {ahead} request{'s' if ahead > 1 else ''} ahead")
                    continue
                kind, value = message
                if kind == "error":
                    raise value
                if kind == "value":
                    done: T | None = value
                    return done
                yield value
        finally:
            ticket.cancel()
            if not ticket.started:
                self._forget(ticket)

    def call(self, task: Callable[[Ticket], T], *, group: object = None) -> T:
        """Run a task and return its value; its events are dropped.

        Raises
        ------
        EngineClosed
            Somebody cancelled it.
        """
        stream = self.stream(lambda ticket: (task(ticket),), group=group)
        while True:
            try:
                next(stream)
            except StopIteration as stop:
                if stop.value is None:
                    raise EngineClosed("the request was stopped") from None
                value: T = stop.value[0]
                return value

    def post(self, task: Callable[[Ticket], object], *, group: object = None) -> None:
        """Have a task done some time, without waiting: safe in a finalizer, on any thread. Nothing to do if closed."""
        alive = self._thread is not None and self._given_up() is None
        if alive and not self._closed and os.getpid() == self._pid:
            ticket = Ticket(task, group, self._forget)
            self._open[ticket] = None
            self._queue.put(ticket)

    def attach(self, stepper: Stepper) -> None:
        """Step `stepper` until it has nothing more to do; on the owner's thread only."""
        if stepper not in self._steppers:
            self._steppers.append(stepper)

    def has(self, group: object) -> bool:
        """Whether a task of `group` is running or waiting."""
        return any(ticket.group is group for ticket in list(self._open))

    def cancel_group(self, group: object, reason: LocalLLMError) -> None:
        """Cancel every open task of `group`."""
        for ticket in list(self._open):
            if ticket.group is group:
                ticket.cancel(reason)

    def close(self, timeout: float = 5.0) -> None:
        """Cancel what is open and let the thread end (waits at most `timeout` seconds)."""
        with self._lock:
            self._closed = True
            thread = self._thread
        for ticket in list(self._open):
            ticket.cancel(EngineClosed("the engine was closed"))
        self._queue.put(None)
        if thread is not None and self._pid == os.getpid() and self._given_up() is None:
            thread.join(timeout)

    def _submit(self, ticket: Ticket) -> None:
        self._renew()
        self._check(ticket)
        with self._lock:
            if self._closed:
                raise EngineClosed("the engine was closed", "Make a new handle, or restart the kernel.")
            if self._thread is None:
                work = (self._queue, self._steppers)
                thread = threading.Thread(target=self._loop, args=work, name="jupyter_localllm-owner", daemon=True)
                begin(thread)
                self._thread = thread  # only now: others look whether it is alive
            self._open[ticket] = None
            self._queue.put(ticket)

    def keep(self, holder: Holder) -> None:
        """Tell `holder` if this thread is lost with all that is native in it; it is not kept alive by that."""
        self._holders.add(holder)

    def _renew(self) -> None:
        """After native code has given up: leave the thread to itself, and begin with a new one at the next task."""
        if self._given_up() is None:
            return
        with self._lock:
            why = self._given_up()
            if why is None:  # another thread was faster: what there is now is new
                return
            for holder in list(self._holders):  # before anything can run on the next thread
                holder.lost()
            lost, self._open = list(self._open), {}
            self._queue, self._steppers, self._thread = queue.SimpleQueue(), [], None
        for ticket in lost:
            ticket.fail(_gave_up(why))

    def _given_up(self) -> str | None:
        thread = self._thread
        return parking.reason(thread.ident) if thread is not None else None

    def _check(self, ticket: Ticket) -> None:
        check_fork(self._pid)
        if ticket in self._open and (why := self._given_up()) is not None:
            self._renew()
            raise ticket.reason or _gave_up(why)
        if self._closed:
            raise ticket.reason or EngineClosed("the engine was closed", "Make a new handle.")
        if self._thread is not None and not self._thread.is_alive():
            raise ticket.reason or EngineClosed("the engine's thread has ended", "Restart the kernel.")

    def _ahead(self, ticket: Ticket) -> int:
        """How many tasks stand before one that has not begun."""
        if ticket.started:
            return 0
        return sum(
            1 for other in itertools.takewhile(lambda other: other is not ticket, list(self._open)) if other.open
        )

    def _loop(self, tasks: queue.SimpleQueue[Ticket | None], steppers: list[Stepper]) -> None:
        taken = 0  # since the last step: however many ask for something, the answers go on
        while True:
            try:
                ticket = tasks.get(block=not steppers) if taken < _TASKS_BETWEEN or not steppers else _STEP
            except queue.Empty:
                ticket = _STEP
            if ticket is None:
                return
            with parking.engaged():
                if ticket is _STEP:
                    taken = 0
                    _step(steppers)
                else:
                    taken += 1
                    ticket.run()

    def _forget(self, ticket: Ticket) -> None:
        self._open.pop(ticket, None)


def _step(steppers: list[Stepper]) -> None:
    for stepper in list(steppers):
        try:
            more = stepper.step()
        except BaseException:  # a stepper tells its own tickets; this thread lives on
            more = False
        if not more:
            steppers.remove(stepper)


def _gave_up(why: str) -> EngineError:
    return EngineError(
        f"llama.cpp gave up: {why}",
        "Your variables are untouched. Ask again and the model is loaded anew; what it held is lost until the kernel "
        'ends. With isolation="process" not even that is.',
    )
