"""How far all partitions of a collection are together."""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Callable

from jupyter_localllm.batch.progress import Pace, Progress
from jupyter_localllm.batch.run import Step
from jupyter_localllm.errors import UsageError
from jupyter_localllm.types import Provenance, Status, of_several

__all__ = ["COUNTED", "Tally"]

COUNTED = ("done", "failed", "cached", "repeated", "tokens")
"""What a partition tells of itself."""


class Tally:
    """How far all partitions are together.

    Parameters
    ----------
    parts : int
    model : str
    """

    def __init__(self, parts: int, model: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self._parts = parts
        self._model = model
        self._clock = clock
        self._begun = clock()
        self._rows, self._written = Pace(self._begun), Pace(self._begun)
        self._counts: dict[int, dict[str, int]] = {}
        self._ended: set[int] = set()
        self._stage = ""
        self._notes: Counter[str] = Counter()
        self._provenance = Provenance()
        self.words: queue.SimpleQueue[dict[str, int]] = queue.SimpleQueue()

    def add(self, step: Step) -> None:
        """Take note of what is in the way."""
        self._stage = step.text if isinstance(step, Status) else ""

    def listen(self) -> None:
        """Take in what the workers have said since."""
        while not self.words.empty():
            word = self.words.get()
            number = word.pop("partition")
            if number not in self._ended:  # whose answers were lost runs again, and counts as it did
                self._count(number, word)

    def finish(self, number: int, progress: Progress) -> None:
        """A partition is done.

        Raises
        ------
        UsageError
            Its model was another one than that of the others.
        """
        self._ended.add(number)
        self._count(number, {name: getattr(progress, name) for name in COUNTED})
        self._notes.update(progress.notes)
        sha256, known = progress.provenance.model_sha256, self._provenance.model_sha256
        if known and sha256 and sha256 != known:
            raise UsageError(
                f"the workers have different files under the name {self._model}, so the answers would not be those of"
                " one model",
                "Put the same file everywhere, or name it by a path that is the same on all machines.",
            )
        self._provenance = of_several(self._provenance, progress.provenance)

    def progress(self, *, finished: bool = False) -> Progress:
        """How far it is now."""
        now = self._clock()
        sums = {name: sum(counts.get(name, 0) for counts in self._counts.values()) for name in COUNTED}
        return Progress(
            **sums,
            total=sums["done"] if finished else None,
            elapsed_s=now - self._begun,
            rows_per_second=self._rows.rate(now),
            tokens_per_second=self._written.rate(now),
            model=self._model,
            stage="" if finished else self._stage or f"{len(self._ended):,} of {self._parts:,} partitions",
            notes=dict(self._notes),
            provenance=self._provenance,
            finished=finished,
        )

    def _count(self, number: int, counts: dict[str, int]) -> None:
        self._counts[number] = counts
        now = self._clock()
        self._rows.add(now, sum(one.get("done", 0) for one in self._counts.values()))
        self._written.add(now, sum(one.get("tokens", 0) for one in self._counts.values()))
