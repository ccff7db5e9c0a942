"""Requests that wait for their place in the batch, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from jupyter_localllm.engine.llama.resident import Resident
from jupyter_localllm.engine.llama.sequence import Sequence
from jupyter_localllm.engine.llama.slots import Slots
from jupyter_localllm.engine.words import common_length

__all__ = ["Waiting"]

_LOOK_AHEAD = 32  # requests that wait
_WORTH_WAITING = 32  # tokens that need not be read twice


class Waiting:
    """Who waits, and whose turn it is.

    Parameters
    ----------
    resident : Resident
    slots : Slots
    """

    def __init__(self, resident: Resident, slots: Slots) -> None:
        self._resident, self._slots = resident, slots
        self._queue: deque[Sequence] = deque()
        self._may_fit = True  # whether the first one has not been tried since somebody left

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, sequence: Sequence) -> int:
        """Take a request; how many are ahead of it."""
        ahead = len(self._queue)
        self._queue.append(sequence)
        self._may_fit = self._may_fit or ahead == 0
        return ahead

    def made_room(self) -> None:
        """Somebody left the batch: the first one may fit now."""
        self._may_fit = True

    def end_cancelled(self) -> None:
        """Let go of those in front who were cancelled."""
        # Those behind the first one are looked at when their turn comes: there may be thousands.
        while self._queue and self._queue[0].ticket.cancelled:
            self._queue.popleft().end()
            self._may_fit = True

    def end_all(self) -> None:
        """Let go of everybody."""
        for sequence in self._queue:
            sequence.end()
        self._queue.clear()

    def admit(self, running: Iterable[Sequence], let_in: Callable[[Sequence], bool]) -> None:
        """Let requests in, in their order, as long as there is room.

        Parameters
        ----------
        running : iterable of Sequence
            Those that are in the batch.
        let_in : callable
            Gives one its place, or its error; False if it has to wait.
        """
        place = 0
        while self._may_fit and place < min(len(self._queue), _LOOK_AHEAD):
            sequence = self._queue[place]
            if sequence.ticket.cancelled:
                del self._queue[place]
                sequence.end()
                continue
            if self._follows(sequence, running):
                place += 1
                continue
            self._may_fit = let_in(sequence)
            if self._may_fit:
                del self._queue[place]

    def _follows(self, sequence: Sequence, running: Iterable[Sequence]) -> bool:
        """Whether another request is just reading what this one begins with: it is read once, and shared then."""
        reach = 0
        for other in running:
            if other.reading:
                common = min(common_length(other.tokens, sequence.tokens), len(sequence.tokens) - 1)
                if self._resident.memory.whole:  # a state is shared where it is pinned
                    common = max((pin for pin in other.pins if pin <= common), default=0)
                if common > other.position:
                    reach = max(reach, common)
        return reach >= _WORTH_WAITING and reach - self._slots.known(sequence.tokens) >= _WORTH_WAITING
