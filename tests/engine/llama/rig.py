"""A scheduler over a tiny model, driven step by step on the test's own thread, with the logits of every choice kept."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_localllm.engine.constraint import Matcher
from jupyter_localllm.engine.llama.governor import Governor
from jupyter_localllm.engine.llama.keeping import StateKeeper
from jupyter_localllm.engine.llama.native import open_library
from jupyter_localllm.engine.llama.pace import Pace
from jupyter_localllm.engine.llama.resident import Resident
from jupyter_localllm.engine.llama.sampler import Samplers
from jupyter_localllm.engine.llama.scheduler import Scheduler
from jupyter_localllm.engine.llama.sequence import Clock, Sequence
from jupyter_localllm.engine.llama.settings import LlamaSettings
from jupyter_localllm.engine.llama.slot_memory import Keeper
from jupyter_localllm.engine.llama.slots import Slots
from jupyter_localllm.engine.llama.speculation import Speculation
from jupyter_localllm.engine.llama.states import StateStore
from jupyter_localllm.engine.owner import Ticket
from jupyter_localllm.types import Done, Job, ModelFile, Prompt, Result, Status, Token

__all__ = ["Asked", "Rig", "agree", "equal", "file_of", "no_end", "rig", "words"]

KL = 1e-5
"""Most that logits of the same text may diverge if it was read in other chunks, or beside others."""
MARGIN = 0.01
"""Where the best logit leads by more, the choice must be the same."""

Logits = NDArray[np.float32]


def file_of(path: Path) -> ModelFile:
    """A model file as the room ``models`` would give it; only name, path and sha256 are looked at."""
    return ModelFile(path.stem, str(path), "0" * 64, path.stat().st_size, "tiny", 512, 1, 1, 512, 64, 128, 2, 4)


@dataclass
class _Recorded(Sequence):
    """Keeps the logits that each token was chosen from; `script` changes them first."""

    script: Callable[[int, Logits], None] | None = None
    logits: list[Logits] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)

    def _choose(self, logits: Logits) -> int:
        if self.script is not None:
            self.script(len(self.chosen), logits)
        self.logits.append(logits.copy())
        token = super()._choose(logits)
        self.chosen.append(token)
        return token


@dataclass
class Asked:
    """One request and what came of it."""

    sequence: _Recorded
    ticket: Ticket
    _messages: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def messages(self) -> list[tuple[str, Any]]:
        """All that its reader was told so far: ``("event", …)``, then ``("value", None)`` or ``("error", …)``."""
        while not self.ticket._events.empty():
            self._messages.append(self.ticket._events.get_nowait())
        return self._messages

    @property
    def events(self) -> list[Any]:
        return [value for kind, value in self.messages if kind == "event"]

    @property
    def ends(self) -> list[tuple[str, Any]]:
        """How often, and how it ended."""
        return [message for message in self.messages if message[0] != "event"]

    @property
    def result(self) -> Result:
        done = [event for event in self.events if isinstance(event, Done)]
        assert len(done) == 1, self.messages
        streamed = "".join(e.text for e in self.events if isinstance(e, Token) and e.channel == "answer")
        assert streamed == done[0].result.text
        return done[0].result

    @property
    def statuses(self) -> list[Status]:
        return [event for event in self.events if isinstance(event, Status)]

    @property
    def tokens(self) -> list[int]:
        return self.sequence.chosen

    @property
    def logits(self) -> list[Logits]:
        return self.sequence.logits


class Rig:
    """See the module; `pace` says what a step costs, so that chunks have the same sizes each time."""

    def __init__(
        self,
        path: Path,
        settings: LlamaSettings,
        *,
        store: StateStore | None = None,
        speculation: Callable[[Sequence], Any] | None = None,
        step_tokens: int = 64,
        idle_cells: int | None = None,
    ) -> None:
        self.native = open_library()
        self.resident = Resident(self.native, str(path), settings, lambda _fraction: True)
        keeper: Keeper | None = StateKeeper(self.resident.memory, store) if store is not None else None
        self.slots = Slots(
            self.resident.memory,
            self.resident.n_sequences,
            self.resident.n_ctx,
            idle_cells=self.resident.n_ctx if idle_cells is None else idle_cells,
            keeper=keeper,
        )
        self.samplers = Samplers(self.native, self.resident.vocab.size, self.resident.n_ctx)
        self.scheduler = Scheduler(
            self.resident,
            self.slots,
            self.samplers,
            governor=Governor(1, busy=None),
            pace=_Fixed(step_tokens),
            speculation=Speculation(speculation) if speculation is not None else None,
            grid=max(64, step_tokens),
        )
        self.scheduler.realigns = False  # these tests count all that can be shared
        self.scheduler.unasked_seconds = 0.0  # one token in each step, however fast they are
        self.steps = 0

    @property
    def vocab(self) -> Any:
        return self.resident.vocab

    def ask(
        self,
        prompt: str | Iterable[int],
        *,
        pins: Iterable[int] = (),
        matcher: Matcher | None = None,
        script: Callable[[int, Logits], None] | None = None,
        reasoning: str = "",
        **options: Any,
    ) -> Asked:
        """Send a request; `pins` are token offsets."""
        tokens = self.vocab.prompt((prompt,)) if isinstance(prompt, str) else list(prompt)
        job = Job(Prompt((), (prompt if isinstance(prompt, str) else "",), reasoning=reasoning), **options)
        ticket = Ticket(lambda _ticket: None, None, lambda _ticket: None)
        ticket.started = True
        clock = Clock(time.perf_counter())
        sequence = _Recorded(job, ticket, tokens, self.vocab, clock, "tiny", matcher, script=script)
        sequence.pins = sorted(set(pins), reverse=True)
        asked = Asked(sequence, ticket)
        self.scheduler.add(sequence)
        return asked

    def set_step(self, tokens: int) -> None:
        """From now on a step may take so many prompt tokens."""
        self.scheduler._pace = _Fixed(tokens)
        self.scheduler._grid = max(64, tokens)

    def step(self) -> bool:
        self.steps += 1
        return self.scheduler.step()

    def run(self, most: int = 5000) -> None:
        """Step until there is nothing more to do."""
        for _ in range(most):
            if not self.step():
                self.check()
                return
        raise AssertionError(f"not done after {most} steps")

    def answer(self, prompt: str | Iterable[int], **options: Any) -> Asked:
        """Ask, and wait for it."""
        asked = self.ask(prompt, **options)
        self.run()
        assert asked.result
        return asked

    def check(self) -> None:
        """The slots' account agrees with llama.cpp: each sequence ends where its slot says."""
        lib, memory = self.native.quick, self.native.quick.llama_get_memory(self.resident.context)
        for slot in self.slots.all:
            end = lib.llama_memory_seq_pos_max(memory, slot.number)
            lost = self.resident.memory.window and end == -1  # by a step that was stopped: the slots see that
            assert lost or end == len(slot.tokens) - 1, slot
            assert len(slot.cells) == len(slot.tokens)
        busy = [slot for slot in self.slots.all if slot.busy]
        assert len(busy) == len(self.scheduler._running)
        assert all(slot.reserved == 0 for slot in self.slots.all if not slot.busy)
        assert self.slots.free_cells >= 0

    def close(self) -> None:
        self.scheduler.stop()
        self.resident.free()


class _Fixed(Pace):
    """A step takes at most so many tokens, whatever the machine does."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self._tokens = tokens

    def observe(self, tokens: int, seconds: float) -> None:
        pass

    def tokens_within(self, ms: float, most: int = 1 << 16) -> int:
        return min(most, self._tokens)


@contextmanager
def rig(path: Path, **options: Any) -> Iterator[Rig]:
    """A rig with a window of 512 tokens, one thread and no flash attention unless `options` say otherwise."""
    own = {name: options.pop(name) for name in ("store", "speculation", "step_tokens", "idle_cells") if name in options}
    settings = {"n_ctx": 512, "n_threads": 1, "n_parallel": 8, "flash_attn": "off", "speculation": False, **options}
    made = Rig(path, LlamaSettings(**settings), **own)
    try:
        yield made
    finally:
        made.close()


def words(count: int, seed: int = 0) -> list[int]:
    """Random tokens."""
    rng = random.Random(seed)
    return [rng.randrange(5, 261) for _ in range(count)]


def no_end(_index: int, logits: Logits) -> None:
    """The answer is as long as it may be."""
    logits[[0, 1, 2, 3, 4]] = -100


def divergence(one: Logits, other: Logits) -> float:
    def log_softmax(logits: Logits) -> Any:
        shifted = logits.astype(np.float64) - logits.max()
        return shifted - np.log(np.exp(shifted).sum())

    p, q = log_softmax(one), log_softmax(other)
    return float((np.exp(p) * (p - q)).sum())


def agree(one: Asked, other: Asked, *, kl: float = KL, margin: float = MARGIN) -> None:
    """Both were told the same by the model, up to where their answers part for want of a margin."""
    assert one.logits
    assert other.logits
    for a, b, first, second in zip(one.logits, other.logits, one.tokens, other.tokens, strict=False):
        assert divergence(a, b) < kl
        best, next_best = np.sort(a)[-1], np.sort(a)[-2]
        if first != second:
            assert best - next_best <= margin
            return


def equal(one: Asked, other: Asked) -> None:
    """Bit for bit."""
    assert one.tokens == other.tokens
    assert all(np.array_equal(a, b) for a, b in zip(one.logits, other.logits, strict=True))
