"""Checking an answer again, against the variables as they are now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_localllm.answering.passages import passage_of
from jupyter_localllm.cite.again import check_again
from jupyter_localllm.compute.candidates import Candidate
from jupyter_localllm.compute.reading import Reading
from jupyter_localllm.compute.run import run
from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from jupyter_localllm.sources.held import Held
from jupyter_localllm.sources.snapshot import take_snapshot
from jupyter_localllm.types import Answer, Locator, Passage

if TYPE_CHECKING:
    from jupyter_localllm.answering.select import Selected
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["Checker", "checker_of"]

Checker = Callable[[Answer, "Mapping[str, Any] | None"], Answer]


def checker_of(
    latest: Callable[[], Mapping[str, Any]], readings: Sequence[Reading], selected: Selected | None = None
) -> Checker:
    """What `Answer.check` calls.

    Parameters
    ----------
    latest : callable
        The variables as they are now.
    readings : sequence of Reading
        What was computed; it is computed again.
    selected : Selected, optional
        A SELECT; it is run again.
    """
    keepers = {reading.source.name: reading.source.keeper for reading in readings}
    computed = {(reading.source.name, passage_of(reading).locator): _Computed.of(reading) for reading in readings}

    def check(answer: Answer, sources: Mapping[str, Any] | None = None) -> Answer:
        now = sources if sources is not None else latest()
        snapshots: dict[str, Snapshot | None] = {}

        def latest_of(name: str) -> Snapshot | None:
            if name not in snapshots:
                snapshot = snapshots[name] = _snapshot(now, name)
                if isinstance(snapshot, FrameSnapshot):
                    snapshot.keep_in(keepers.get(name))
            return snapshots[name]

        def resolve(name: str, locator: Locator) -> Passage | None:
            if selected is not None:
                held = [latest_of(source) for source in selected.sources]
                frames = [snapshot for snapshot in held if isinstance(snapshot, FrameSnapshot)]
                return selected.again(frames) if len(frames) == len(held) else None
            snapshot = latest_of(name)
            if snapshot is None:
                return None
            again = computed.get((name, locator))
            if again is None or not isinstance(snapshot, FrameSnapshot):
                return snapshot.resolve(locator)
            return again.on(snapshot)

        return check_again(answer, resolve)

    return check


@dataclass(frozen=True)
class _Computed:
    """A computation, and what the columns that it reads by their places were called."""

    candidate: Candidate
    labels: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, reading: Reading) -> _Computed:
        columns = reading.source.table.columns
        places = reading.candidate.operation.columns()
        return cls(reading.candidate, tuple((place, columns[place].label) for place in places))

    def on(self, snapshot: FrameSnapshot) -> Passage | None:
        """What comes out now; None if a column is gone, or nothing comes out."""
        now = {column.label: column.position for column in reversed(snapshot.table.columns)}
        if any(label not in now for _, label in self.labels):
            return None
        operation = self.candidate.operation.moved({place: now[label] for place, label in self.labels})
        outcome = run(operation, snapshot.table, snapshot.values)
        candidate = replace(self.candidate, operation=operation)
        return passage_of(Reading(snapshot, candidate, outcome)) if outcome is not None else None


def _snapshot(now: Mapping[str, Any], name: str) -> Snapshot | None:
    """The variable as it is now, or None if it cannot be read any more."""
    if name not in now:
        return None
    value = now[name]
    if isinstance(value, (Held, FrameSnapshot)):  # a cell or its output
        return value
    try:
        return take_snapshot(value, name)
    except LocalLLMError:
        return None
