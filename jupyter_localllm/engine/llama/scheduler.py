"""Many requests in one batch: what place each gets, how many tokens in the next step, who leaves.

One step is one ``llama_decode``: a token for each answer that is being written, and pieces of prompts in the rest. Used
on the owner's thread only.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass

from jupyter_localllm.engine.llama.governor import Governor, SwitchInterval
from jupyter_localllm.engine.llama.pace import Pace
from jupyter_localllm.engine.llama.resident import Aborted, NoRoom, Resident
from jupyter_localllm.engine.llama.sampler import Samplers
from jupyter_localllm.engine.llama.sequence import Sequence
from jupyter_localllm.engine.llama.slots import Slot, Slots
from jupyter_localllm.engine.llama.speculation import Speculation
from jupyter_localllm.engine.llama.waiting import Waiting
from jupyter_localllm.errors import EngineError, LocalLLMError
from jupyter_localllm.types import Status

__all__ = ["Scheduler"]

_SHARED_MS = 50.0  # a step that several requests share: nobody waits longer for the next one
_GOVERNED_S = 0.02


@dataclass(frozen=True)
class _Turn:
    """What one sequence has in the batch: the rows from `first` on."""

    sequence: Sequence
    first: int
    tokens: list[int]
    drafted: int = 0


class Scheduler:
    """The requests of one resident model.

    Parameters
    ----------
    resident : Resident
    slots : Slots
    governor : Governor
    pace : Pace
    speculation : Speculation or None
        Guesses tokens of an answer that is alone.
    grid : int
        A prompt that is read alone is read in pieces that end at multiples of so many tokens.

    Attributes
    ----------
    realigns : bool
        Whether a prompt that is alone goes on from an end of such a piece only. Logits depend in their last digits on
        how a prompt was cut, and a small model's answer can hang on these: what was asked before must not decide it.
    unasked_seconds : float
        So long an answer that is alone goes on without a look at who else is there.
    """

    realigns = True
    unasked_seconds = 0.02

    def __init__(
        self,
        resident: Resident,
        slots: Slots,
        samplers: Samplers,
        *,
        governor: Governor,
        pace: Pace,
        speculation: Speculation | None,
        grid: int = 128,
    ) -> None:
        self._grid = grid
        self._resident, self._slots, self._samplers = resident, slots, samplers
        self._governor, self._pace, self._speculation = governor, pace, speculation
        self._waiting = Waiting(resident, slots)
        self._running: list[Sequence] = []
        self._stopped = False
        self._governed = float("-inf")
        self._interval = SwitchInterval()
        self._nobody = ctypes.create_string_buffer(2)  # a flag that is never raised

    def add(self, sequence: Sequence) -> None:
        """Take a request."""
        ahead = self._waiting.add(sequence)
        self._waiting.admit(self._running, self._let_in)
        if sequence.slot is None and not sequence.finished:
            what = f"{ahead} request{'s' if ahead != 1 else ''} ahead" if ahead else "room in the window"
            sequence.ticket.emit(Status("waiting", f"waiting for {what} ({len(self._running)} running)"))

    def step(self) -> bool:
        """Make one step; whether there is more to do."""
        if self._stopped:  # the owner may come by once more when the model is gone
            return False
        try:
            self._leave()
            self._waiting.admit(self._running, self._let_in)
            turns = self._fill()
            if turns:
                self._decode(turns)
                if len(self._running) == 1 and not self._waiting:
                    self._go_on(turns[0].sequence)
                self._leave()
        except Exception as error:  # nobody must wait for a sequence that nobody drives
            self._fail(self._running, error)
        if self._running or self._waiting:
            return True
        self._interval.follow(False)
        self._slots.save_pinned()
        return False

    def stop(self) -> None:
        """End everything; the tickets say why. Nothing of the model is touched afterwards."""
        self._stopped = True
        for sequence in self._running:
            sequence.end()
        self._waiting.end_all()
        self._interval.follow(False)
        self._samplers.close()
        self._running.clear()

    def _go_on(self, sequence: Sequence) -> None:
        """More tokens of the only answer, without asking each time who else is there."""
        until = time.perf_counter() + self.unasked_seconds
        while not (sequence.finished or sequence.ticket.cancelled or sequence.reading):
            if time.perf_counter() >= until:
                return
            self._resident.batch.clear()
            self._decode([self._write_turn(sequence, alone=True)])

    def yield_interval(self) -> None:
        """Give Python's switch interval back to the person whose it is; nothing native is touched."""
        self._interval.follow(False)

    def _leave(self) -> None:
        """Let go of what is finished or cancelled."""
        for sequence in [s for s in self._running if s.finished or s.ticket.cancelled]:
            self._running.remove(sequence)
            self._waiting.made_room()
            sequence.end()
            if sequence.slot is not None:
                self._slots.release(sequence.slot)
            if self._speculation is not None:
                self._speculation.forget(sequence)
        self._waiting.end_cancelled()

    def _let_in(self, sequence: Sequence) -> bool:
        """Give a request its place, or its error; False if it has to wait."""
        try:
            return self._placed(sequence)
        except Exception as error:  # a sampling value that llama.cpp does not take, say: nobody else's trouble
            self._fail([sequence], error)
            return True

    def _placed(self, sequence: Sequence) -> bool:
        full = len(self._running) >= self._resident.n_parallel
        slot = None if full else self._slots.place(sequence.tokens, sequence.most)
        if slot is None and self._running:
            return False
        if slot is None:  # nobody will make room
            raise EngineError("the window has no room for this prompt and its answer")
        sequence.slot = slot
        if self.realigns and not self._running:
            self._slots.cut(slot, self._end_of_piece(sequence, slot))
        sequence.admitted(slot, self._samplers.start(sequence.job.sampling, sequence.tokens))
        self._running.append(sequence)
        return True

    def _end_of_piece(self, sequence: Sequence, slot: Slot) -> int:
        """Where to go on with a prompt of which `slot` knows the beginning, so that it is cut as if it were new.

        A conversation that goes on is no repetition, and is read on from where it stands.
        """
        known = len(slot.tokens)
        if slot.answered or self._resident.memory.whole or self._resident.memory.window:
            return known
        return max(known // self._grid * self._grid, *(pin for pin in (0, *sequence.pins) if pin <= known))

    def _fill(self) -> list[_Turn]:
        """The next batch."""
        batch = self._resident.batch
        batch.clear()
        writing = [s for s in self._running if not s.reading]
        reading = sorted((s for s in self._running if s.reading), key=lambda s: len(s.tokens) - s.position)
        turns = [self._write_turn(s, alone=len(self._running) == 1) for s in writing]
        left = self._prompt_tokens(len(writing), len(reading)) if reading else 0
        if len(reading) == 1 and not writing:
            left = self._grid - reading[0].position % self._grid
        for i, sequence in enumerate(reading):  # the shortest first: what it does not need is the others'
            chunk = sequence.next_chunk(max(1, left // (len(reading) - i)))
            chunk = chunk[: batch.size - batch.count]
            if chunk:
                left -= len(chunk)
                last = sequence.position + len(chunk) == len(sequence.tokens)
                turns.append(_Turn(sequence, self._add(sequence, chunk, wanted=int(last)), chunk))
        return turns

    def _write_turn(self, sequence: Sequence, *, alone: bool) -> _Turn:
        drafted: list[int] = []
        if alone and self._speculation is not None:
            room = min(sequence.job.max_tokens - sequence.used - 1, self._resident.batch.size - 1)
            drafted = self._speculation.draft(sequence, room)
        tokens = [sequence.last, *drafted]
        return _Turn(sequence, self._add(sequence, tokens, wanted=len(tokens)), tokens, len(drafted))

    def _add(self, sequence: Sequence, tokens: list[int], *, wanted: int) -> int:
        assert sequence.slot is not None
        return self._resident.batch.add(tokens, sequence.position, sequence.slot.number, wanted=wanted)

    def _prompt_tokens(self, writing: int, reading: int) -> int:
        """How many prompt tokens the step may take."""
        return max(reading, self._pace.tokens_within(_SHARED_MS, self._resident.n_batch) - writing)

    def _decode(self, turns: list[_Turn]) -> None:
        resident = self._resident
        resident.watch(turns[0].sequence.ticket.abort if len(turns) == 1 else self._nobody)
        begun = time.perf_counter()
        governed = begun - self._governed >= _GOVERNED_S  # to ask costs some 50 us, and steps may take 5 ms
        if governed:
            self._governed = begun
            resident.use_threads(self._governor.before_step())
            self._interval.follow(self._governor.neighbour_busy)
        try:
            resident.decode()
        except (Aborted, NoRoom, EngineError) as error:
            self._recover(turns, error)
            return
        seconds = time.perf_counter() - begun
        self._pace.observe(resident.batch.count, seconds)
        if governed:
            self._governor.after_step(resident.batch.count, seconds)
        for turn in turns:
            self._take(turn, seconds * 1000 if len(turns) == 1 else None)

    def _take(self, turn: _Turn, alone_ms: float | None) -> None:
        """What a sequence makes of its rows; the milliseconds of the step if it was alone."""
        sequence, slot = turn.sequence, turn.sequence.slot
        assert slot is not None
        was_reading = sequence.reading
        self._slots.wrote(slot, turn.tokens)
        if was_reading:
            sequence.read()
            if sequence.pins and sequence.position == sequence.pins[-1]:
                sequence.pins.pop()
                self._slots.pin(slot)
            if not sequence.reading:
                sequence.write(self._resident.logits(turn.first + len(turn.tokens) - 1))
            return
        accepted = 0
        for i in range(turn.drafted + 1):
            token = sequence.write(self._resident.logits(turn.first + i))
            if sequence.finished or i == turn.drafted or token != turn.tokens[i + 1]:
                break
            accepted += 1
        if turn.drafted:
            self._slots.cut(slot, sequence.position - turn.drafted + accepted)
        if self._speculation is not None and alone_ms is not None and not sequence.finished:
            self._speculation.observe(sequence, turn.drafted, accepted, alone_ms)

    def _recover(self, turns: list[_Turn], error: Exception) -> None:
        """After a native call that did not go through: the cache holds what the slots say, or nothing."""
        for turn in turns:
            slot = turn.sequence.slot
            assert slot is not None
            if isinstance(error, NoRoom):  # nothing was evaluated
                continue
            # Of a recurrent state nothing is left that could be trusted, whatever the memory says.
            if self._resident.memory.whole or not self._resident.memory.cut(slot.number, len(slot.tokens)):
                self._slots.empty(slot)
        if isinstance(error, Aborted):
            return  # the one who asked for it leaves in the next step
        if isinstance(error, NoRoom) and self._slots.drop_idle():
            return  # the next step tries again
        if isinstance(error, NoRoom):
            error = EngineError(
                "the KV cache has no room left for this batch", "Run it again, or free memory: %llm unload"
            )
        self._fail([turn.sequence for turn in turns], error)

    def _fail(self, sequences: list[Sequence], error: Exception) -> None:
        failed = list(sequences)
        hint = "Run it again; if it stays so: %llm unload"
        for sequence in failed:  # first of all: whatever goes wrong below, nobody waits for ever
            ours = isinstance(error, LocalLLMError)
            sequence.end(error if ours else EngineError(f"the engine failed: {error!r}", hint))
        for sequence in failed:
            if sequence.slot is not None:
                self._slots.release(sequence.slot)
                self._slots.empty(sequence.slot)
            if self._speculation is not None:
                self._speculation.forget(sequence)
            if sequence in self._running:
                self._running.remove(sequence)
        self._waiting.made_room()
