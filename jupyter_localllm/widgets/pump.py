"""The one thread that changes a panel's widgets.

ipykernel (7.4) sends a comm's next messages to the subshell of the parent under which the comm sent last. A widget that
was made or changed by a cell would therefore be heard only between cells; one that was sent without a parent is heard
on the subshell that the front end has for widgets, also while a cell runs. So all that goes out from here, beginning
with the making of the widgets, goes out in a context without a parent.
"""

from __future__ import annotations

import contextvars
import itertools
import logging
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Pump", "without_parent"]

_SECONDS = 0.05  # 20 times a second
_log = logging.getLogger("jupyter_localllm.widgets")

T = TypeVar("T")


def without_parent(shell: Any) -> contextvars.Context:
    """A copy of this context in which comms send without a parent; what is displayed still belongs to this cell."""
    context = contextvars.copy_context()
    parent = getattr(getattr(shell, "kernel", None), "_shell_parent", None)  # no public way; ipykernel 7
    if isinstance(parent, contextvars.ContextVar):
        context.run(parent.set, {})
    return context


class Pump:
    """Does jobs in turn, in a thread that comes with them and goes without.

    Parameters
    ----------
    context : Context
        In which they are done.

    Examples
    --------
    >>> pump, done = Pump(contextvars.copy_context()), threading.Event()
    >>> pump.put(done.set)
    >>> done.wait(5)
    True
    """

    def __init__(self, context: contextvars.Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._jobs: dict[Hashable, Callable[[], None]] = {}
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    @property
    def inside(self) -> bool:
        """Whether this is the thread of the jobs: a change that a widget tells of is then our own."""
        return threading.current_thread() is self._thread

    def do(self, job: Callable[[], T]) -> T:
        """Do a job here and now, in the context."""
        return self._context.copy().run(job)

    def put(self, job: Callable[[], None], *, key: Hashable = None) -> None:
        """Have a job done.

        Parameters
        ----------
        job : callable
        key : hashable
            A job that waits with the same key is forgotten.
        """
        with self._lock:
            name = ("job", next(self._numbers)) if key is None else ("key", key)
            self._jobs.pop(name, None)
            self._jobs[name] = job
            if self._thread is not None:
                return
            thread = self._thread = threading.Thread(target=self._work, name="jupyter_localllm-widgets", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is about to end
            self._thread = None

    def heard(self, job: Callable[[Any], None]) -> Callable[[Any], None]:
        """An observer of a value: what a person changed is a job, what a job changed is none.

        The job gets the value as it was then: until it is done, another job may have set the field again.
        """
        return lambda change: None if self.inside else self.put(lambda: job(change["new"]))

    def _work(self) -> None:
        pause = threading.Event()
        while True:
            with self._lock:
                jobs, self._jobs = list(self._jobs.values()), {}
                if not jobs:
                    self._thread = None
                    return
            for job in jobs:
                try:
                    self._context.copy().run(job)
                except Exception:
                    _log.exception("the panel could not show something")
            pause.wait(_SECONDS)
