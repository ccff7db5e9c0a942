"""A cell that is to end: because a person says so, or because its time is over.

The kernel is interrupted, so that what the cell has so far, half an answer included, is in the notebook. A cell that
does not listen is given up after a while. A second signal ends everything at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["Stopped", "Stopper"]

_GRACE_S = 10.0
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(Exception):
    """The notebook is not run any further."""


class Stopper:
    """Ends a notebook's run.

    Parameters
    ----------
    timeout : float or None
        Most seconds that a cell may take.
    grace_s : float
        How long an interrupted cell may take to end.
    """

    def __init__(self, timeout: float | None, *, grace_s: float = _GRACE_S) -> None:
        self.timeout = timeout
        self.grace_s = grace_s
        self.signal: int | None = None
        self.timed_out = False
        self._client: Any = None
        self._waiting: list[asyncio.TimerHandle] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def stopped(self) -> bool:
        """Whether the run is to end."""
        return self.timed_out or self.signal is not None

    def begins(self, client: Any) -> None:
        """A cell of this client's notebook is sent to the kernel; called in its loop."""
        self._client = client
        self.refuse()
        if self.timeout is not None:
            self._waiting.append(asyncio.get_running_loop().call_later(self.timeout, self._too_long))

    def refuse(self) -> None:
        """Raise `Stopped` if the run is to end."""
        if self.stopped:
            raise Stopped

    def is_over(self) -> None:
        """The cell has ended, one way or the other."""
        for handle in self._waiting:
            handle.cancel()
        self._waiting.clear()
        self._client = None

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """While this lasts, the first signal that ends programs stops the notebook in order, the next one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        # One that is ignored stays so: nohup does that with the signal of a terminal that is closed.
        names = [one for one in _SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
        before = {one: signal.signal(one, self._on_signal) for one in names}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        again, self.signal = self.signal is not None, number
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if again or loop is None:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(self._interrupt)

    def _too_long(self) -> None:
        self.timed_out = True
        self._interrupt()

    def _interrupt(self) -> None:
        if self._client is None:
            return
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(_interrupt(self._client))
        self._waiting.append(loop.call_later(self.grace_s, self._give_up))

    def _give_up(self) -> None:
        if self._client is not None:  # nbclient finds the kernel dead, and tidies up
            self._task = asyncio.get_running_loop().create_task(_kill(self._client))


async def _interrupt(client: Any) -> None:
    from nbclient.util import ensure_async

    with contextlib.suppress(RuntimeError, OSError):  # the kernel has ended meanwhile
        await ensure_async(client.km.interrupt_kernel())


async def _kill(client: Any) -> None:
    from nbclient.util import ensure_async

    with contextlib.suppress(RuntimeError, OSError):
        await ensure_async(client.km.shutdown_kernel(now=True))
