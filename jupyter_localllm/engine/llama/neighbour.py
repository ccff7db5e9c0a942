"""Whoever needs the cores beside the engine: the kernel's main thread, or the process that started this one."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["Clock", "Neighbour", "SwitchInterval", "machine_clock", "main_thread_clock", "process_clock"]

Clock = Callable[[], float]

_WINDOW_S = 0.1  # the neighbour's share of a core is that of the last so many seconds …
_LEAST_S = 0.04  # … and not told before so many are seen
_BUSY = 0.5  # cores
_QUIET_S = 0.2  # without business before all threads come back
_QUIET_MOST_S = 2.0
_AGAIN_S = 1.0  # business that comes back sooner is a habit: wait longer the next time
_SAMPLE_S = 0.1  # psutil is asked no more often


class Neighbour:
    """Whether somebody whose CPU time is known is at work: at once if he is, no more after a while of quiet.

    Parameters
    ----------
    cpu : callable
        CPU seconds so far.
    clock : callable
        Gives seconds.
    lasting : bool
        Whether what he did while nobody generated tells what he does now: other programs go on, whereas a main thread
        that asks has stopped computing.

    Attributes
    ----------
    busy : bool
        As of the last `look`.
    """

    def __init__(self, cpu: Clock, clock: Clock, *, lasting: bool = False) -> None:
        self._cpu, self._clock, self._lasting = cpu, clock, lasting
        self._seen: deque[tuple[float, float]] = deque()  # (time, CPU seconds), over the window
        self._stepped = float("-inf")
        self._busy_at = self._freed_at = float("-inf")
        self._quiet_s = _QUIET_S
        self.busy = False

    def look(self) -> None:
        """Ask how much he did, at the beginning of a step."""
        now, cpu = self._clock(), self._cpu()
        seen = self._seen
        if seen and now - self._stepped > _WINDOW_S:  # between two answers; what he did then says little about now
            began, before = seen[-1]
            seen.clear()
            works = cpu - before > _BUSY * (now - began)
            if not works:
                self.busy = False
            elif self._lasting:
                self._judge(now, True)
        while len(seen) > 1 and now - seen[1][0] >= _WINDOW_S:
            seen.popleft()
        if seen:
            began, before = seen[0]
            if now - began >= _LEAST_S:
                self._judge(now, cpu - before > _BUSY * (now - began))
        seen.append((now, cpu))

    def stepped(self) -> None:
        """Take note that a step has ended."""
        self._stepped = self._clock()

    def _judge(self, now: float, works: bool) -> None:
        if works:
            if not self.busy:
                again = now - self._freed_at < _AGAIN_S
                self._quiet_s = min(2 * self._quiet_s, _QUIET_MOST_S) if again else _QUIET_S
            self.busy, self._busy_at = True, now
        elif self.busy and now - self._busy_at >= self._quiet_s:
            self.busy, self._freed_at = False, now


class SwitchInterval:
    """Python's switch interval, shorter while the main thread is busy and somebody generates.

    A thread that comes back from a native call waits for the GIL until the busy one's interval is over, 5 ms by
    default: a step of 1 ms took 6.5 ms so, and 1.7 ms with 0.5 ms. Leaving the context gives the person's own value
    back; if somebody changed it meanwhile, theirs stays.

    Parameters
    ----------
    seconds : float, optional

    Examples
    --------
    >>> with SwitchInterval() as interval:
    ...     interval.follow(True)
    ...     sys.getswitchinterval()
    0.0005
    """

    def __init__(self, seconds: float = 0.0005) -> None:
        self._seconds = seconds
        self._own: float | None = None  # the person's value, while ours stands

    def __enter__(self) -> SwitchInterval:
        """Nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the person's value back."""
        self.follow(False)

    def follow(self, busy: bool) -> None:
        """Make it short, or give it back; call it before each step."""
        if busy == (self._own is not None):
            return
        now = sys.getswitchinterval()
        if busy:
            if now > 1.01 * self._seconds:  # microseconds are all it keeps
                self._own = now
                sys.setswitchinterval(self._seconds)
            return
        own, self._own = self._own, None
        if own is not None and abs(now - self._seconds) < 0.01 * self._seconds:
            sys.setswitchinterval(own)


def main_thread_clock() -> Clock | None:
    """CPU seconds of this process's main thread; None where the system does not tell (Windows, macOS)."""
    find = getattr(time, "pthread_getcpuclockid", None)
    main = threading.main_thread()
    if find is None or main.ident is None or not main.is_alive():
        return None
    try:
        which: int = find(main.ident)
        time.clock_gettime(which)
    except OSError:
        return None
    return lambda: time.clock_gettime(which)


def machine_clock(clock: Clock = time.perf_counter) -> Clock | None:
    """CPU seconds of all other processes.

    None where this process may use a part of the machine's cores only (a container, an affinity): there the machine's
    counters tell of cores that are none of its business. They are read at most every 100 ms.
    """
    import psutil

    from jupyter_localllm.engine.llama.settings import usable_cores

    if usable_cores(logical=True) != (psutil.cpu_count() or 0):
        return None

    def read() -> float:
        times = psutil.cpu_times()
        # What another virtual machine took ("steal") is as lost as what another process took.
        return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - time.process_time())

    try:
        known, asked = read(), clock()
    except OSError:
        return None

    def cpu() -> float:
        nonlocal known, asked
        if clock() - asked >= _SAMPLE_S:
            asked = clock()
            with contextlib.suppress(OSError):  # it stands in a file, and this process may open no more
                # The counters go by hundredths of a second, and ours by nanoseconds: the difference must not run
                # backwards.
                known = max(known, read())
        return known

    return cpu


def process_clock(pid: int, clock: Clock = time.perf_counter) -> Clock | None:
    """CPU seconds of another process, asked for at most every 100 ms; None if there is none such."""
    import psutil

    def read() -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    try:
        process = psutil.Process(pid)
        known, asked = read(), clock()
    except (psutil.Error, OSError):
        return None

    def cpu() -> float:
        nonlocal known, asked
        if clock() - asked >= _SAMPLE_S:
            asked = clock()
            with contextlib.suppress(psutil.Error, OSError):  # it has ended: quiet from now on
                known = read()
        return known

    return cpu
