"""Threads that fit what else the machine does.

Threads that decode wait for each other after every operation, so one that does not get a core stops all: on two cores
beside a busy Python main thread two of them give 6 tokens/s instead of 120, and one alone gives 44 to 59. The
neighbour that matters most is known (the kernel's own main thread, or the process that started this one) and its CPU
time can be asked for; other programs show only in how long the steps take.
"""

from __future__ import annotations

import statistics
import time
from collections import deque

from jupyter_localllm.engine.llama.neighbour import Clock, Neighbour, SwitchInterval, main_thread_clock, process_clock
from jupyter_localllm.engine.llama.settings import usable_cores

__all__ = ["Governor", "SwitchInterval", "main_thread_clock", "process_clock"]

_SLOW = 3.0  # times the best recent median
_SLOW_STEPS = 4  # so many in a row; a single one is anybody's
_RECENT = 7  # steps of a median
_BEST = 64  # so many medians back is recent
_TRIAL_STEPS = 4
_BETTER = 0.9  # of the other's time: less is chance
_RETRY_S = 1.0
_RETRY_MOST_S = 60.0
_AGAIN_S = 10.0  # slowness that is back so soon after all threads were: wait longer the next time


class Governor:
    """Decides before each step how many threads it gets.

    Parameters
    ----------
    most : int
        Threads when nobody else needs the cores.
    busy : callable or None
        CPU seconds so far of the neighbour (`main_thread_clock`, `process_clock`); None where that cannot be known.
    others : callable or None
        CPU seconds so far of all other processes (`machine_clock`).
    clock : callable, optional
        Gives seconds.
    cores : int, optional
        Cores that this process may use. While there are more of them than threads, the neighbour has one of its own.

    Examples
    --------
    >>> governor = Governor(2, busy=None)
    >>> governor.before_step()
    2
    >>> governor.after_step(1, 0.008)
    """

    def __init__(
        self,
        most: int,
        *,
        busy: Clock | None,
        others: Clock | None = None,
        clock: Clock = time.perf_counter,
        cores: int | None = None,
    ) -> None:
        self._most = max(1, most)
        self._clock = clock
        self._neighbour = Neighbour(busy, clock) if busy is not None else None
        self._programs = Neighbour(others, clock, lasting=True) if others is not None else None
        self._neighbours = [one for one in (self._neighbour, self._programs) if one is not None]
        for one in self._neighbours:
            one.look()  # from now on it is known what they do
        self._crowds = self._most > 1 and self._most >= (usable_cores() if cores is None else cores)
        self._others = _Others(self._most, clock)
        self._threads = self._most

    @property
    def neighbour_busy(self) -> bool:
        """Whether the neighbour is at work (see `SwitchInterval`)."""
        return self._neighbour is not None and self._neighbour.busy

    @property
    def _crowded(self) -> bool:
        """Whether all threads and a neighbour want more cores than there are."""
        return self._crowds and any(one.busy for one in self._neighbours)

    def before_step(self) -> int:
        """Threads for the next step."""
        for one in self._neighbours:
            one.look()
        if self._most == 1:
            return 1
        if self._crowded:
            self._others.disturbed()
            self._threads = min(self._most - 1, self._others.threads())
        else:
            self._threads = self._others.threads()
        return self._threads

    def after_step(self, n_tokens: int, seconds: float) -> None:
        """Tell what the step took; steps with more than one token are the neighbour's business only."""
        for one in self._neighbours:
            one.stepped()
        if self._most == 1 or self._crowded:
            return
        if n_tokens == 1:
            self._others.step(self._threads, seconds)
        else:
            self._others.other_step(self._threads)


class _Others:
    """Whether one thread fewer is faster, as it is beside programs that nobody told us about.

    Steps are compared with earlier ones of as many threads. When they have become much slower, one thread fewer is
    tried for a few steps and kept if it is faster; then all threads are tried again now and then, for one step each
    time, and come back when that step is faster.
    """

    def __init__(self, most: int, clock: Clock) -> None:
        self._most, self._clock = most, clock
        self._kept = most
        self._trial: list[float] | None = None  # steps with one thread fewer, while that is tried
        self._slow: list[float] = []  # the slow steps in a row
        self._steps: deque[float] = deque(maxlen=_RECENT)  # the last ones with as many threads as are kept
        self._medians: dict[int, deque[float]] = {}  # of steps, by threads
        self._wait_s = _RETRY_S
        self._retry_at = self._trial_at = self._restored_at = float("-inf")

    def threads(self) -> int:
        """Threads for the next step, whatever it is."""
        if self._trial is not None:
            return self._kept - 1
        if self._kept < self._most and self._clock() >= self._retry_at:
            return self._most
        return self._kept

    def disturbed(self) -> None:
        """Forget steps that the neighbour may have slowed."""
        self._slow.clear()
        self._trial = None

    def other_step(self, threads: int) -> None:
        """Take note of a step with more tokens: it cannot be compared, so nothing speaks against all threads."""
        if self._trial is None and threads == self._most > self._kept:
            self._restore()

    def step(self, threads: int, seconds: float) -> None:
        """Count a step with one token."""
        if threads == self._kept:
            self._ordinary(seconds)
        elif self._trial is not None:
            self._trial.append(seconds)
            if len(self._trial) >= _TRIAL_STEPS:
                self._decide(statistics.median(self._trial))
        elif not self._steps or seconds < _BETTER * statistics.median(self._steps):
            self._restore()
        else:
            self._wait_s = min(2 * self._wait_s, _RETRY_MOST_S)
            self._retry_at = self._clock() + self._wait_s

    def _ordinary(self, seconds: float) -> None:
        medians = self._medians.setdefault(self._kept, deque(maxlen=_BEST))
        if medians and seconds > _SLOW * min(medians):
            self._slow.append(seconds)
            if len(self._slow) < _SLOW_STEPS:
                return
            if self._kept > 1 and self._clock() >= self._trial_at:
                self._trial = []
                return
            self._slow.pop(0)  # nothing to be tried now, and perhaps it is so from now on
        else:
            self._slow.clear()
        self._steps.append(seconds)
        if len(self._steps) == _RECENT:
            medians.append(sorted(self._steps)[_RECENT // 2])

    def _decide(self, fewer: float) -> None:
        """Compare the steps with one thread fewer with the slow ones before them."""
        now, slow = self._clock(), statistics.median(self._slow)
        if fewer < _BETTER * slow:
            again = now - self._restored_at < _AGAIN_S
            self._wait_s = min(2 * self._wait_s, _RETRY_MOST_S) if again else _RETRY_S
            self._retry_at = now + self._wait_s
            self._keep(self._kept - 1)
        else:  # the machine is slow with any number of threads: that is its speed now
            self._medians[self._kept].clear()
            self._wait_s = min(2 * self._wait_s, _RETRY_MOST_S)
            self._trial_at = now + self._wait_s
            self._keep(self._kept)

    def _restore(self) -> None:
        self._restored_at = self._clock()
        self._keep(self._most)

    def _keep(self, threads: int) -> None:
        self._kept, self._trial = threads, None
        self._slow.clear()
        self._steps.clear()
