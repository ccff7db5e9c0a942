"""Which tokens lie where in the KV cache, and who may use them again.

Every sequence of the context is a `Slot`. When a request is done its slot stays as it is, so that a prompt with the
same beginning need not be read again. With a unified cache, copying a prefix to another slot copies nothing: the cells
are shared, and counted here by reference. Room is made by letting go of what was not used for the longest time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from jupyter_localllm.engine.llama.cells import Cells
from jupyter_localllm.engine.llama.slot_memory import Keeper, Memory
from jupyter_localllm.engine.words import common_length

__all__ = ["Slot", "Slots"]


_WORTH_KEEPING = 256  # tokens that no other slot holds; fewer are read again as fast as they are fetched


@dataclass(eq=False)
class Slot:
    """One sequence of the context.

    Attributes
    ----------
    number : int
        Its id in llama.cpp.
    tokens : list of int
        What it holds, by position.
    cells : list of int
        The cell of each token; two slots that share a prefix share its cells.
    prompt : int
        How many of its tokens were the prompt of the request that wrote it.
    reserved : int
        Cells that its request may still take; 0 if it is idle.
    busy, pinned, saved : bool
        Whether a request runs in it; whether it is kept longer than others; whether the keeper has it.
    answered : bool
        Whether what its request found there reaches into an earlier answer: a conversation goes on.
    used : int
        When it was used last, by the slots' own clock.
    """

    number: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    prompt: int = 0
    reserved: int = 0
    busy: bool = False
    pinned: bool = False
    saved: bool = False
    answered: bool = False
    used: int = 0


class Slots:
    """All sequences of a context.

    Parameters
    ----------
    memory : Memory
    count : int
        How many sequences the context has.
    cells : int
        How many tokens it holds, of all sequences together.
    idle_cells : int
        Most cells that idle slots may hold while another request runs: attention looks at each of them in each step.
    keeper : Keeper, optional
        Gets the states that are let go.
    """

    def __init__(
        self, memory: Memory, count: int, cells: int, *, idle_cells: int, keeper: Keeper | None = None
    ) -> None:
        self._memory = memory
        self._keeper = keeper
        self._idle_cells = idle_cells
        self._most_pinned = max(1, count // 4)
        self._clock = itertools.count(1)
        self._cells = Cells(cells)
        self.all = [Slot(i) for i in range(count)]

    @property
    def free_cells(self) -> int:
        """Cells that hold nothing and are promised to nobody."""
        return self._cells.free - sum(slot.reserved for slot in self.all)

    def place(self, tokens: Sequence[int], most: int) -> Slot | None:
        """A slot for a prompt, with the longest prefix of it that is known already in place.

        Parameters
        ----------
        tokens : sequence of int
            The prompt. At least its last token is left to be read: its logits are needed.
        most : int
            Cells that the request may take, prompt and answer together.

        Returns
        -------
        Slot or None
            Busy, its ``tokens`` a prefix of the prompt; None while there is no room.
        """
        source, shared = self._longest(tokens)
        if self._spare(source.cells[:shared] if source is not None else ()) < most - shared:
            return None  # and nothing is let go in vain
        answered = source is not None and shared > source.prompt
        slot = self._slot_with(source, shared)
        if slot is None:
            return None
        slot.answered = answered
        self._recall(slot, tokens, most)
        slot.busy = True  # from here on it is not let go
        self._make_room(most - len(slot.tokens))
        slot.reserved = most - len(slot.tokens)
        slot.prompt, slot.used = len(tokens), next(self._clock)
        self._trim()
        return slot

    def known(self, tokens: Sequence[int]) -> int:
        """How many tokens of a prompt would not have to be read."""
        return self._longest(tokens)[1]

    def wrote(self, slot: Slot, tokens: Sequence[int]) -> None:
        """Note that `tokens` were evaluated behind what `slot` held."""
        slot.tokens.extend(tokens)
        slot.cells += self._cells.take(len(tokens))
        slot.reserved = max(0, slot.reserved - len(tokens))

    def cut(self, slot: Slot, length: int) -> None:
        """Drop everything of `slot` from position `length` on; all of it, if the memory cannot be cut there."""
        if length >= len(slot.tokens):
            return
        if not self._memory.cut(slot.number, length):
            self._memory.cut(slot.number, length := 0)
        freed = self._cells.give_back(slot.cells[length:])
        if slot.busy:
            slot.reserved += freed
        del slot.tokens[length:], slot.cells[length:]

    def release(self, slot: Slot) -> None:
        """The request of `slot` is done; what it read and wrote stays for others."""
        slot.busy, slot.reserved, slot.used = False, 0, next(self._clock)
        if any(other.busy for other in self.all):
            self._trim()

    def pin(self, slot: Slot) -> Slot | None:
        """Keep what `slot` holds now in a slot of its own; None if there is no free one."""
        for other in self.all:
            if other.pinned and other.tokens == slot.tokens:
                other.used = next(self._clock)
                return other
        pinned = sorted((s for s in self.all if s.pinned and not s.busy), key=lambda s: s.used)
        if len(pinned) >= self._most_pinned:
            self.drop(pinned[0])
        target = self._free_slot(kept=slot)
        if target is not None:
            if target.tokens:
                self.drop(target)
            self._share(slot, target, len(slot.tokens))
            target.pinned, target.prompt, target.used = True, len(slot.tokens), next(self._clock)
        return target

    def drop(self, slot: Slot) -> None:
        """Empty an idle slot; its state goes to the keeper."""
        own = self._cells.own(slot.cells)  # the others know the rest
        if self._keeper is not None and own >= _WORTH_KEEPING and self._usable(slot, len(slot.tokens)):
            self._keeper.put(slot.number, slot.tokens, keep=slot.pinned and not slot.saved)
        self.empty(slot)

    def save_pinned(self) -> None:
        """Give the keeper what is worth more than this process; when nobody waits."""
        for slot in self.all:
            worth = slot.pinned and not slot.saved and self._usable(slot, len(slot.tokens))
            if self._keeper is not None and worth:
                self._keeper.put(slot.number, slot.tokens, keep=True)
                slot.saved = True

    def drop_idle(self) -> bool:
        """Empty all idle slots; whether there were any."""
        idle = list(self._idle())
        for slot in idle:
            self.drop(slot)
        return bool(idle)

    def empty(self, slot: Slot) -> None:
        """Forget what a slot holds, whatever state it is in."""
        self._memory.cut(slot.number, 0)
        self._cells.give_back(slot.cells)
        slot.tokens, slot.cells, slot.prompt, slot.reserved = [], [], 0, 0
        slot.pinned = slot.saved = False

    def _longest(self, tokens: Sequence[int]) -> tuple[Slot | None, int]:
        """The slot that shares the longest usable prefix, and its length."""
        best: Slot | None = None
        most = 0
        for slot in self.all:
            if len(slot.tokens) <= most:
                continue
            shared = min(common_length(slot.tokens, tokens), len(tokens) - 1)
            better = shared > most or (shared == most and best is not None and best.busy and not slot.busy)
            if better and self._usable(slot, shared):
                best, most = slot, shared
        return best, most

    def _usable(self, slot: Slot, shared: int) -> bool:
        if self._memory.whole:
            return shared == len(slot.tokens)
        if self._memory.window:
            # Cells that had left the window may have been used for others: what a prefix of `shared` tokens would still
            # see must be there. llama.cpp leaves no gaps behind the first one. All of a slot's tokens are no exception:
            # a step that was stopped half way may have used cells that are still needed.
            return 0 <= self._memory.first(slot.number) <= max(0, shared - self._memory.window + 1)
        return True

    @staticmethod
    def _may_take_over(slot: Slot, shared: int) -> bool:
        """Whether nothing worth keeping is lost: it is continued, or the same prompt comes again."""
        return not slot.pinned and (shared == len(slot.tokens) or shared >= slot.prompt - 1)

    def _slot_with(self, source: Slot | None, shared: int) -> Slot | None:
        """An idle slot that holds the first `shared` tokens of `source`; None if all are taken."""
        idle = source is not None and not source.busy
        if source is not None and idle and self._may_take_over(source, shared):
            self.cut(source, shared)
            return source
        free = self._free_slot(kept=source)
        if source is not None and idle and not source.pinned and (free is None or free.pinned):
            self.cut(source, shared)  # there is no other: better this one's end than something pinned, or to wait
            return source
        if free is None:
            return None
        if free.tokens:
            self.drop(free)
        if source is not None:
            self._share(source, free, shared)
        return free

    def _share(self, source: Slot, target: Slot, length: int) -> None:
        self._memory.copy(source.number, target.number, length)
        target.tokens, target.cells = source.tokens[:length], source.cells[:length]
        self._cells.share(target.cells)

    def _recall(self, slot: Slot, tokens: Sequence[int], most: int) -> None:
        """Use a kept state if it spares more than the cache itself does."""
        kept = self._keeper.find(tokens[:-1], len(slot.tokens)) if self._keeper is not None else None
        if kept is None:
            return
        # All of it is put back before it is cut, and what the slot holds already is not needed then. What the slot
        # shared with others counts for it now.
        own = self._cells.own(slot.cells)
        if len(kept.tokens) > self.free_cells + own or most > self._spare(()):
            return
        held = [int(token) for token in kept.tokens]
        self.cut(slot, 0)
        if self._keeper.load(kept, slot.number):  # type: ignore[union-attr]
            self.wrote(slot, held)
            self.cut(slot, common_length(held, tokens[:-1]))
        else:
            self._memory.cut(slot.number, 0)

    def _free_slot(self, kept: Slot | None) -> Slot | None:
        """An empty slot, or else the one that is least worth keeping and is not `kept`."""
        empty = (slot for slot in self.all if not slot.tokens and not slot.busy)
        return next(itertools.chain(empty, (slot for slot in self._idle() if slot is not kept)), None)

    def _spare(self, cells: Iterable[int]) -> int:
        """Cells that could be had beside `cells` and those of running requests."""
        taken = set(cells).union(*(slot.cells for slot in self.all if slot.busy))
        return self._cells.count - len(taken) - sum(slot.reserved for slot in self.all)

    def _idle(self) -> Iterable[Slot]:
        """Idle slots that hold something, the least worth keeping first."""
        idle = [slot for slot in self.all if slot.tokens and not slot.busy]
        return sorted(idle, key=lambda slot: (slot.pinned, slot.used))

    def _make_room(self, needed: int) -> None:
        for slot in self._idle():
            if self.free_cells >= needed:
                return
            self.drop(slot)

    def _trim(self) -> None:
        """Let idle slots go until they hold no more cells of their own than is allowed."""
        busy = [slot for slot in self.all if slot.busy]
        running = set().union(*(slot.cells for slot in busy))
        for slot in self._idle():
            used = self._cells.used
            if used - len(running) <= self._idle_cells // max(1, len(busy)):  # each of them looks at all cells
                return
            if not running.issuperset(slot.cells):
                self.drop(slot)
