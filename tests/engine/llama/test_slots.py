"""The account of what lies in which sequence, over a memory that does what llama.cpp's does.

`tests/test_tiny_kinds.py` measures what llama.cpp does; `FakeMemory` here repeats it with plain lists, so that
hypothesis can try any order of calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jupyter_localllm.engine.llama.slot_memory import Kept
from jupyter_localllm.engine.llama.slots import Slot, Slots
from jupyter_localllm.engine.words import common_length


class FakeMemory:
    """Sequences of (cell, token); a cell that is shared has one number.

    Attributes
    ----------
    sequences : list
        By position, what each sequence holds; None where a window's cell was used for something else.
    """

    def __init__(self, *, count: int, cells: int, whole: bool = False, window: int = 0) -> None:
        self.whole, self.window, self.size = whole, window, cells
        self.sequences: list[list[tuple[int, int] | None]] = [[] for _ in range(count)]
        self._next = 0

    def copy(self, source: int, target: int, length: int) -> None:
        assert not self.sequences[target], "seq_cp onto a sequence that is not empty mixes both"
        if self.whole:
            assert length == len(self.sequences[source]), "a part of a state cannot be copied"
        self.sequences[target] = self.sequences[source][:length]

    def cut(self, sequence: int, length: int) -> bool:
        if self.whole and 0 < length < len(self.sequences[sequence]):
            return False
        del self.sequences[sequence][length:]
        return True

    def first(self, sequence: int) -> int:
        held = self.sequences[sequence]
        return next((i for i, cell in enumerate(held) if cell is not None), -1)

    def decode(self, sequence: int, tokens: Sequence[int], *, forget: bool = False) -> None:
        """Evaluate; with `forget` a sliding window uses what nobody sees any more, all that it may."""
        held = self.sequences[sequence]
        if self.whole or not self.window:
            assert None not in held
        else:
            assert all(held[max(0, len(held) - self.window + 1) :]), "the next token would see a cell that is gone"
        for token in tokens:
            held.append((self._next, token))
            self._next += 1
        assert len(self.used()) <= self.size, "NoRoom"
        if forget and self.window:
            others = {cell for i, other in enumerate(self.sequences) if i != sequence for cell in other}
            last = max((i for i in range(len(held) - self.window) if held[i] not in others), default=-1)
            held[: last + 1] = [None] * (last + 1)  # llama.cpp removes all that is older, too

    def used(self) -> set[tuple[int, int]]:
        return {cell for held in self.sequences for cell in held if cell is not None}


@dataclass(frozen=True)
class FakeKept:
    tokens: list[int]


class FakeKeeper:
    """Keeps everything; a load can fail and leave half of the state behind, as llama.cpp does."""

    def __init__(self, memory: FakeMemory) -> None:
        self.memory = memory
        self.kept: dict[tuple[int, ...], bool] = {}
        self.fails = False
        self.loads = 0

    def put(self, number: int, tokens: Sequence[int], *, keep: bool) -> None:
        held = self.memory.sequences[number]
        assert len(held) == len(tokens)
        seen = max(0, len(held) - self.memory.window + 1) if self.memory.window else 0
        assert [cell and cell[1] for cell in held[seen:]] == list(tokens[seen:]), "a damaged state was kept"
        self.kept[tuple(tokens)] = keep or self.kept.get(tuple(tokens), False)

    def find(self, tokens: Sequence[int], more_than: int) -> Kept | None:
        exact = self.memory.whole or self.memory.window
        best: Kept | None = None
        most = more_than
        for held in self.kept:
            shared = common_length(held, tuple(tokens))
            if shared > most and (not exact or shared == len(held)):
                best, most = FakeKept(list(held)), shared
        return best

    def load(self, kept: Kept, number: int) -> bool:
        assert not self.memory.sequences[number]
        self.loads += 1
        if self.fails:
            self.memory.sequences[number] = [None, (-1, 0)]
            return False
        self.memory.decode(number, kept.tokens)
        if self.memory.window:
            held = self.memory.sequences[number]
            gone = max(0, len(held) - self.memory.window)
            held[:gone] = [None] * gone
        return True


def usable(memory: FakeMemory, slot: Slot, tokens: Sequence[int]) -> int:
    """How much of `slot` can be used for a prompt: read off what the memory really holds."""
    held = memory.sequences[slot.number]
    shared = 0
    for token, mine in zip(tokens[:-1], slot.tokens, strict=False):
        if token != mine:
            break
        shared += 1
    if memory.whole and shared != len(held):
        return 0
    if memory.window and not all(held[max(0, shared - memory.window + 1) : shared]):
        return 0
    return shared


tokens_of = st.lists(st.integers(0, 2), min_size=1, max_size=14)


class SlotsMachine(RuleBasedStateMachine):
    """Any order of calls that a scheduler may make."""

    @initialize(
        kind=st.sampled_from(["dense", "window", "whole"]),
        count=st.integers(1, 5),
        cells=st.integers(12, 50),
        idle=st.integers(1, 50),
        keeper=st.booleans(),
    )
    def begin(self, kind: str, count: int, cells: int, idle: int, keeper: bool) -> None:
        self.memory = FakeMemory(count=count, cells=cells, whole=kind == "whole", window=3 if kind == "window" else 0)
        self.keeper = FakeKeeper(self.memory) if keeper else None
        self.idle = idle
        self.slots = Slots(self.memory, count, cells, idle_cells=idle, keeper=self.keeper)
        self.prompts: dict[int, list[int]] = {}

    @property
    def running(self) -> list[Slot]:
        return [slot for slot in self.slots.all if slot.busy]

    def pick(self, data: st.DataObject, slots: list[Slot]) -> Slot:
        assume(slots)
        return data.draw(st.sampled_from(slots))

    @rule(tokens=tokens_of, answer=st.integers(1, 10), fails=st.booleans())
    def place(self, tokens: list[int], answer: int, fails: bool) -> None:
        most = len(tokens) + answer
        assume(most <= self.memory.size)
        longest = max(usable(self.memory, slot, tokens) for slot in self.slots.all)
        busy_cells = {cell for slot in self.running for cell in slot.cells}
        promised = sum(slot.reserved for slot in self.running)
        idle = [slot for slot in self.slots.all if not slot.busy]
        before, loads = len(self.running), 0
        if self.keeper is not None:
            self.keeper.fails, loads = fails, self.keeper.loads
        slot = self.slots.place(tokens, most)
        if slot is None:
            assert len(self.running) == before
            assert not idle or all(s.pinned for s in idle) or self.memory.size - len(busy_cells) - promised < most
            assert before, "nobody would make room"
            return
        assert slot.busy
        assert not slot.pinned
        assert slot.tokens == tokens[: len(slot.tokens)]
        assert len(slot.tokens) < len(tokens)
        if self.keeper is None or self.keeper.loads == loads:
            assert len(slot.tokens) == longest
        else:
            assert len(slot.tokens) == 0 if fails else len(slot.tokens) > longest
        assert usable(self.memory, slot, tokens) == len(slot.tokens)
        assert len(slot.tokens) + slot.reserved == most
        self.prompts[slot.number] = tokens
        self.trimmed()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), count=st.integers(1, 12), forget=st.booleans())
    def write(self, data: st.DataObject, count: int, forget: bool) -> None:
        slot = self.pick(data, self.running)
        self.feed(slot, count, forget, data)

    def feed(self, slot: Slot, count: int, forget: bool, data: st.DataObject) -> list[int]:
        count = min(count, slot.reserved)
        rest = self.prompts[slot.number][len(slot.tokens) :][:count]
        tokens = rest or data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
        self.memory.decode(slot.number, tokens, forget=forget)
        reserved = slot.reserved
        self.slots.wrote(slot, tokens)
        assert slot.reserved == reserved - len(tokens)
        return tokens

    @precondition(lambda self: self.running and not self.memory.whole)
    @rule(data=st.data(), count=st.integers(1, 6))
    def draft(self, data: st.DataObject, count: int) -> None:
        """A step that reads a guess, and takes back what was wrong of it."""
        slot = self.pick(data, [s for s in self.running if len(s.tokens) >= len(self.prompts[s.number]) and s.reserved])
        reserved, length = slot.reserved, len(slot.tokens)
        drafted = self.feed(slot, count, False, data)
        kept = data.draw(st.integers(1, len(drafted)))
        self.slots.cut(slot, length + kept)
        assert len(slot.tokens) == length + kept
        assert slot.reserved == reserved - kept

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def pin(self, data: st.DataObject) -> None:
        slot = self.pick(data, [s for s in self.running if s.tokens])
        pinned = self.slots.pin(slot)
        if pinned is not None:
            assert pinned is not slot
            assert pinned.pinned
            assert not pinned.busy
            assert pinned.tokens == slot.tokens
        assert sum(s.pinned for s in self.slots.all) <= max(1, len(self.slots.all) // 4)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.slots.release(self.pick(data, self.running))
        if self.running:
            self.trimmed()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), forget=st.booleans())
    def abort(self, data: st.DataObject, forget: bool) -> None:
        """A step was stopped half way: the cache is cut to what the slot says, and its request leaves."""
        slot = self.pick(data, [s for s in self.running if s.reserved])
        self.memory.decode(slot.number, [7] * slot.reserved, forget=forget)
        if self.memory.whole or not self.memory.cut(slot.number, len(slot.tokens)):
            self.slots.empty(slot)
        self.slots.release(slot)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        slot = self.pick(data, self.running)
        self.slots.release(slot)
        self.slots.empty(slot)

    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        slot = self.pick(data, [s for s in self.slots.all if not s.busy])
        self.slots.drop(slot)
        assert not slot.tokens

    @rule()
    def drop_idle(self) -> None:
        held = any(slot.tokens and not slot.busy for slot in self.slots.all)
        assert self.slots.drop_idle() == held
        assert not any(slot.tokens and not slot.busy for slot in self.slots.all)

    @rule()
    def save_pinned(self) -> None:
        self.slots.save_pinned()
        if self.keeper is not None:
            assert all(self.keeper.kept[tuple(slot.tokens)] for slot in self.slots.all if slot.pinned)

    def trimmed(self) -> None:
        """Idle slots hold no more cells of their own than is allowed."""
        running = {cell for slot in self.running for cell in slot.cells}
        idle = {cell for slot in self.slots.all if not slot.busy for cell in slot.cells}
        assert len(idle - running) <= self.idle

    @invariant()
    def agrees(self) -> None:
        """The account is what the memory holds; each cell is counted once, and as often as it is shared."""
        if not hasattr(self, "slots"):
            return
        owner: dict[int, tuple[int, int]] = {}
        for slot in self.slots.all:
            held = self.memory.sequences[slot.number]
            assert len(held) == len(slot.tokens) == len(slot.cells)
            for cell, token, number in zip(held, slot.tokens, slot.cells, strict=True):
                assert cell is None or cell[1] == token
                assert cell is None or owner.setdefault(number, cell) == cell, "two tokens in one cell"
            assert slot.busy or slot.reserved == 0
            assert slot.reserved >= 0
        cells = [cell for slot in self.slots.all for cell in slot.cells]
        counts = self.slots._cells._references
        assert all(counts[cell] == cells.count(cell) for cell in range(len(counts)))
        assert sorted(self.slots._cells._free) == [cell for cell, count in enumerate(counts) if count == 0]
        assert self.slots.free_cells >= 0, "a reserved cell was given away"


TestSlots = SlotsMachine.TestCase
TestSlots.settings = settings(
    max_examples=300, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def made(count: int = 4, cells: int = 100, idle: int = 100, **kind: Any) -> tuple[Slots, FakeMemory]:
    memory = FakeMemory(count=count, cells=cells, **kind)
    return Slots(memory, count, cells, idle_cells=idle), memory


def used(slots: Slots, memory: FakeMemory, tokens: list[int], answer: int = 2) -> Slot:
    """A request that has come and gone."""
    slot = slots.place(tokens, len(tokens) + answer)
    assert slot is not None
    new = [*tokens[len(slot.tokens) :], *[9] * answer]
    memory.decode(slot.number, new)
    slots.wrote(slot, new)
    slots.release(slot)
    return slot


@given(st.lists(st.integers(0, 1), max_size=30), st.lists(st.integers(0, 1), max_size=30))
def test_the_common_length_is_that_of_a_loop(a: list[int], b: list[int]) -> None:
    """Halving finds the same place as comparing one by one."""
    same = 0
    while same < min(len(a), len(b)) and a[same] == b[same]:
        same += 1
    assert common_length(a, b) == same


def test_the_same_prompt_takes_its_slot_over() -> None:
    """All but its last token is there, and no other slot is used."""
    slots, memory = made()
    first = used(slots, memory, [1, 2, 3, 4])
    again = slots.place([1, 2, 3, 4], 6)
    assert again is first
    assert first.tokens == [1, 2, 3]


def test_another_prompt_leaves_the_slot_alone() -> None:
    """What a prompt shares with one that may come again is copied, and its cells are shared."""
    slots, memory = made()
    first = used(slots, memory, [1, 2, 3, 4, 5, 6])
    other = slots.place([1, 2, 3, 7, 8], 7)
    assert other is not None
    assert other is not first
    assert first.tokens == [1, 2, 3, 4, 5, 6, 9, 9]
    assert other.cells == first.cells[:3]
    assert slots.free_cells == 100 - 8 - 4


@pytest.mark.parametrize("kind", [{}, {"window": 3}, {"whole": True}])
def test_a_single_slot_serves_any_prompts(kind: dict[str, Any]) -> None:
    """With one sequence there is always room for the next request, whatever it shares with the last one."""
    slots, memory = made(count=1, **kind)
    for tokens in ([1, 2, 3, 4, 5], [1, 2, 8], [1, 2, 8, 9, 9, 4], [1], [5, 5], [5, 5]):
        used(slots, memory, tokens)


@pytest.mark.parametrize("kind", [{}, {"window": 3}, {"whole": True}])
def test_pinned_go_last(kind: dict[str, Any]) -> None:
    """What is pinned outlives everything that is not, and is used from again."""
    slots, memory = made(count=4, cells=40, idle=40, **kind)
    slot = slots.place([1, 2, 3, 4], 8)
    assert slot is not None
    memory.decode(slot.number, [1, 2, 3])
    slots.wrote(slot, [1, 2, 3])
    pinned = slots.pin(slot)
    assert pinned is not None
    slots.release(slot)
    for i in range(10, 20):
        used(slots, memory, [i] * 25)
        assert pinned.tokens == [1, 2, 3]
    assert slots.place([1, 2, 3, 8, 8], 6).tokens == [1, 2, 3]  # type: ignore[union-attr]


def test_pins_of_equal_tokens_are_one() -> None:
    """Who pins the same again gets the same slot, which is used last then."""
    slots, memory = made(count=8)
    slot = slots.place([1, 2, 3], 5)
    assert slot is not None
    memory.decode(slot.number, [1, 2])
    slots.wrote(slot, [1, 2])
    first = slots.pin(slot)
    assert first is not None
    before = first.used
    assert slots.pin(slot) is first
    assert first.used > before


def test_what_cannot_fit_lets_nothing_go() -> None:
    """A request that has to wait for the running ones anyway costs nobody a prefix."""
    slots, memory = made(count=4, cells=40, idle=40)
    kept = used(slots, memory, [1, 2, 3, 4, 5, 6])
    assert slots.place([7] * 5, 20) is not None
    assert slots.place([8] * 5, 25) is None
    assert kept.tokens == [1, 2, 3, 4, 5, 6, 9, 9]


def test_a_recalled_state_does_not_take_reserved_cells() -> None:
    """A slot that shares its cells with a running one needs new ones for a state that is put back."""
    slots, memory = made(count=4, cells=30, idle=30)
    keeper = FakeKeeper(memory)
    slots._keeper = keeper
    running = slots.place([1] * 12, 20)
    assert running is not None
    memory.decode(running.number, [1] * 12)
    slots.wrote(running, [1] * 12)
    keeper.kept[tuple([1] * 14 + [2] * 4)] = False
    second = slots.place([*[1] * 14, 3], 16)
    assert second is None or slots.free_cells >= 0
    memory.decode(running.number, [5] * 8)
    slots.wrote(running, [5] * 8)


def test_a_state_that_is_longer_than_the_prompt_leaves_the_account_right() -> None:
    """What is cut off again after it was put back is free, and not promised twice."""
    slots, memory = made(count=2, cells=30, idle=30)
    keeper = FakeKeeper(memory)
    slots._keeper = keeper
    keeper.kept[tuple(range(20))] = False
    slot = slots.place([*range(10), 99], 26)
    assert slot is not None
    assert slot.tokens == list(range(10))
    assert slots.free_cells == 4


def test_a_window_that_lost_its_cells_is_not_used() -> None:
    """After a step that was stopped half way, even all of a slot's tokens may not be enough."""
    slots, memory = made(window=3)
    slot = slots.place([1, 2, 3, 4, 5, 6, 7, 8], 10)
    assert slot is not None
    memory.decode(slot.number, [1, 2, 3])
    slots.wrote(slot, [1, 2, 3])
    memory.decode(slot.number, [4, 5, 6, 7, 8], forget=True)
    assert memory.cut(slot.number, 3)
    slots.release(slot)
    again = slots.place([1, 2, 3, 4], 6)
    assert again is not None
    assert again.tokens == []


def test_idle_slots_are_trimmed_while_others_run() -> None:
    """Who leaves while others run leaves no more cells behind than is allowed: each step would look at them."""
    slots, memory = made(count=4, cells=100, idle=10)
    running = slots.place([1] * 5, 10)
    for i in range(2, 4):
        used(slots, memory, [i] * 8)
    assert running is not None
    assert sum(len(slot.tokens) for slot in slots.all if not slot.busy) <= 10
