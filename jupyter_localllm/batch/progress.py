"""How far a map is."""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from jupyter_localllm.batch.run import Outcome, Step
from jupyter_localllm.types import Provenance, Status, Token, of_several

__all__ = ["Meter", "Pace", "Progress", "Reporter"]

_WINDOW_S = 20.0  # the speed is that of the last seconds
_BURST = 8  # so many rows at once without the model, as at a rerun, say nothing about the others
_SAMPLE_S = 0.25
_RATE_NEEDS_S = 0.5  # below this a speed is noise


@dataclass(frozen=True)
class Progress:
    """How far a map is.

    Parameters
    ----------
    done : int
        Rows that are finished, failed ones among them.
    total : int or None
        All rows; None if that is not known.
    failed : int
        Rows with an error.
    cached : int
        Rows whose answer came out of the cache.
    repeated : int
        Rows whose prompt was the same as another row's.
    elapsed_s : float
        Seconds since the beginning.
    rows_per_second : float
        Over the last 20 seconds; 0 while it is not known.
    tokens : int
        Tokens generated, without what came out of the cache.
    tokens_per_second : float
        Over the last 20 seconds; 0 while it is not known.
    model : str
    stage : str
        What the model is doing instead of answering (``"loading …"``); mostly empty.
    notes : Mapping of str to int
        Rows by the code of what should be said about their answers (`jupyter_localllm.types.Note`): ``"length"``, …
    provenance : Provenance
        Of the last answer.
    finished : bool
        Whether no more will come.
    """

    done: int = 0
    total: int | None = None
    failed: int = 0
    cached: int = 0
    repeated: int = 0
    elapsed_s: float = 0.0
    rows_per_second: float = 0.0
    tokens: int = 0
    tokens_per_second: float = 0.0
    model: str = ""
    stage: str = ""
    notes: Mapping[str, int] = field(default_factory=dict)
    provenance: Provenance = field(default_factory=Provenance)
    finished: bool = False

    @property
    def seconds_left(self) -> float | None:
        """Time to the end at the present speed; None if it is not known."""
        if self.total is None or self.rows_per_second <= 0:
            return None
        return (self.total - self.done) / self.rows_per_second


class Pace:
    """How fast a count grows, over the last seconds.

    Parameters
    ----------
    now : float
        Seconds, of any clock.
    """

    def __init__(self, now: float) -> None:
        self._samples: deque[tuple[float, int]] = deque([(now, 0)])
        self._last = (now, 0)

    def add(self, now: float, count: int) -> None:
        """Take note of how far it has grown."""
        self._last = (now, count)
        if now - self._samples[-1][0] >= _SAMPLE_S:
            self._samples.append(self._last)
            while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW_S:
                self._samples.popleft()

    def restart(self) -> None:
        """Forget what came before the last note."""
        self._samples = deque([self._last])

    def rate(self, now: float) -> float:
        """Per second; 0 while it is not known."""
        since, before = self._samples[0]
        passed = now - since
        return max(0.0, (self._last[1] - before) / passed) if passed >= _RATE_NEEDS_S else 0.0


class Meter:
    """Counts steps.

    Parameters
    ----------
    total : int or None
    model : str
    clock : callable, optional
        Gives seconds.
    """

    def __init__(self, total: int | None, model: str = "", clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._total = total
        self._model = model
        self._begun = clock()
        self._rows, self._written = Pace(self._begun), Pace(self._begun)
        self._burst = 0
        self._done = self._failed = self._cached = self._repeated = self._tokens = 0
        self._stage = ""
        self._notes: Counter[str] = Counter()
        self._provenance = Provenance()

    def add(self, step: Step) -> None:
        """Count a step."""
        if isinstance(step, Status):
            self._stage = step.text
        elif isinstance(step, Token):
            self._stage = ""
        else:
            self._count(step)

    def progress(self, *, finished: bool = False) -> Progress:
        """How far it is now."""
        now = self._clock()
        return Progress(
            done=self._done,
            total=self._total,
            failed=self._failed,
            cached=self._cached,
            repeated=self._repeated,
            elapsed_s=now - self._begun,
            rows_per_second=self._rows.rate(now),
            tokens=self._tokens,
            tokens_per_second=self._written.rate(now),
            model=self._model,
            stage=self._stage,
            notes=dict(self._notes),
            provenance=self._provenance,
            finished=finished,
        )

    def _count(self, outcome: Outcome) -> None:
        self._done += 1
        self._stage = ""
        self._repeated += outcome.repeated
        self._failed += outcome.error is not None
        result = outcome.result
        if result is not None:
            self._notes.update({note.code for note in result.notes})
            if not outcome.repeated:
                self._cached += result.cached
                self._tokens += 0 if result.cached else result.usage.completion_tokens
                self._provenance = of_several(self._provenance, result.provenance)
                self._model = result.model or self._model
        self._sample(asked=not outcome.repeated and result is not None and not result.cached)

    def _sample(self, *, asked: bool) -> None:
        if asked and self._burst >= _BURST:
            self._rows.restart()
            self._written.restart()
        self._burst = 0 if asked else self._burst + 1
        now = self._clock()
        self._rows.add(now, self._done)
        self._written.add(now, self._tokens)


class Counts(Protocol):
    """Something that knows how far it is."""

    def add(self, step: Step) -> None:
        """Count a step."""
        ...

    def progress(self, *, finished: bool = False) -> Progress:
        """How far it is now."""
        ...


class Reporter:
    """Tells somebody how far it is, not more often than every `every_s` seconds, and at the beginning and the end.

    A context: entering it is the beginning, leaving it the end.

    Parameters
    ----------
    meter : Counts
        What counts, as a `Meter` does.
    tell : callable or None
        Gets a `Progress`.
    every_s : float, optional
    clock : callable, optional
        Gives seconds.
    """

    def __init__(
        self,
        meter: Counts,
        tell: Callable[[Progress], object] | None,
        every_s: float = 0.25,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._meter = meter
        self._tell = tell
        self._every = every_s
        self._clock = clock
        self._last = float("-inf")

    def __enter__(self) -> Reporter:
        """Tell the beginning."""
        self.tell_if_due()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Tell the end, or how far it came; whatever the time."""
        if self._tell is None:
            return
        if error is None:
            self._tell(self._meter.progress(finished=True))
        else:
            with contextlib.suppress(Exception):  # the first error is the one to tell
                self._tell(self._meter.progress())

    def step(self, step: Step) -> None:
        """Count a step, and tell if it is time."""
        self._meter.add(step)
        self.tell_if_due()

    def tell_if_due(self) -> None:
        """Tell if it is time."""
        if self._tell is not None and (now := self._clock()) - self._last >= self._every:
            self._last = now
            self._tell(self._meter.progress())
