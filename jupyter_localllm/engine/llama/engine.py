"""llama.cpp in the kernel, as an `Engine`: every native call goes to the owner's thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from collections.abc import Sequence as Several
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.engine.constraint import Matcher, Vocabulary
from jupyter_localllm.engine.llama.governor import Governor, main_thread_clock
from jupyter_localllm.engine.llama.keeping import StateKeeper
from jupyter_localllm.engine.llama.native import Native, open_library
from jupyter_localllm.engine.llama.pace import Pace
from jupyter_localllm.engine.llama.resident import Aborted, Resident
from jupyter_localllm.engine.llama.sampler import Samplers
from jupyter_localllm.engine.llama.scheduler import Scheduler
from jupyter_localllm.engine.llama.sequence import Clock, Sequence
from jupyter_localllm.engine.llama.settings import LlamaSettings
from jupyter_localllm.engine.llama.slots import Slots
from jupyter_localllm.engine.llama.speculation import LookupDrafter, Speculation
from jupyter_localllm.engine.llama.states import StateStore
from jupyter_localllm.engine.owner import LATER, Owner, Ticket
from jupyter_localllm.errors import ContextOverflow, EngineClosed, EngineError
from jupyter_localllm.types import Event, Job, ModelFile, ModelInfo, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LlamaEngine"]

T = TypeVar("T")


class LlamaEngine:
    """One model file with one set of context settings.

    Parameters
    ----------
    model : ModelFile
        A file that passed the checks of the room ``models``.
    settings : LlamaSettings
    owner : Owner
        The thread that owns native models; all engines of a process share one.
    states : StateStore, optional
        Keeps what was read of long prompts, when the window has no room for it and when the notebook is closed.
    """

    def __init__(
        self, model: ModelFile, settings: LlamaSettings, owner: Owner, *, states: StateStore | None = None
    ) -> None:
        self.model = model
        self.settings = settings
        self._states = states
        self._owner = owner
        self._resident: Resident | None = None  # set and freed on the owner's thread only
        self._scheduler: Scheduler | None = None
        self._info: ModelInfo | None = None
        self._vocabulary: Vocabulary | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """What people call the model."""
        return self.model.name

    @property
    def loaded(self) -> bool:
        """Whether the model is resident now."""
        return self._resident is not None

    def load(self) -> Generator[Status, None, None]:
        """Make the model resident, telling the loaded part."""
        self._check_open()
        if self._resident is None:
            for event in self._owner.stream(self._load, group=self):
                if isinstance(event, Status):
                    yield event

    def info(self) -> ModelInfo:
        """What the model is (it is loaded for that)."""
        info = self._info
        return info if info is not None else self._call(lambda ticket: self._look(self._load(ticket)))

    def count(self, texts: Several[str]) -> list[int]:
        """Tokens of each text as data."""
        return self._call(lambda ticket: [len(self._load(ticket).vocab.tokens(t, special=False)) for t in texts])

    def count_prompt(self, pieces: Several[str]) -> int:
        """Tokens of a rendered prompt."""
        return self._call(lambda ticket: len(self._load(ticket).vocab.prompt(pieces)))

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Answer; closing the generator stops the native call within milliseconds."""
        self._check_open()
        clock = Clock(time.perf_counter())
        # On this thread: a large grammar takes a while, and the others' answers must go on.
        matcher = job.constraint.start(self._words()) if job.constraint is not None else None
        yield from self._owner.stream(lambda ticket: self._generate(ticket, job, clock, matcher), group=self)

    def embed(self, texts: Several[str]) -> NDArray[np.float32]:
        """Not built yet."""
        raise EngineError("embeddings are not built yet")

    def unload(self) -> None:
        """Give the memory back; what runs or waits ends with `EngineClosed`."""
        self._leave()
        if self._resident is not None or self._owner.waiting:  # a load that is under way is freed when it is done
            self._owner.call(self._free)

    def close(self) -> None:
        """Unload for good."""
        if not self._closed:
            self._closed = True
            self.unload()

    def discard(self) -> None:
        """Unload for good, some time: for finalizers, which must not wait."""
        if not self._closed:
            self._closed = True
            self._leave()
            self._owner.post(self._free)

    def _leave(self) -> None:
        self._owner.cancel_group(self, EngineClosed(f"{self.name} was unloaded while it answered", "Run it again."))

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed(f"{self.name} was closed", "Make a new handle.")

    def _call(self, task: Callable[[Ticket], T]) -> T:
        self._check_open()
        return self._owner.call(task, group=self)

    # What follows runs on the owner's thread.

    def _load(self, ticket: Ticket) -> Resident:
        self._check_open()
        if self._resident is None:
            told = -1.0

            def progress(fraction: float) -> bool:
                nonlocal told
                if fraction - told >= 0.05 or fraction >= 1.0:
                    told = fraction
                    ticket.emit(Status("loading", f"loading {self.name}", fraction))
                return not ticket.cancelled

            ticket.emit(Status("loading", f"loading {self.name}", 0.0))
            try:
                native = open_library()
                resident = Resident(native, self.model.path, self.settings, progress)
                self._scheduler = _scheduler(native, resident, self._states)
                self._resident = resident
            except Aborted:
                raise EngineClosed(f"loading {Path(self.model.path).name} was stopped") from None
        return self._resident

    def _free(self, _ticket: Ticket) -> None:
        if self._resident is not None:
            assert self._scheduler is not None
            self._scheduler.stop()
            self._resident.free()
            self._resident = self._scheduler = self._info = self._vocabulary = None

    def _generate(self, ticket: Ticket, job: Job, clock: Clock, matcher: Matcher | None) -> object:
        was_loaded, loading = self.loaded, time.perf_counter()
        resident = self._load(ticket)
        if not was_loaded:
            clock.load_ms = (time.perf_counter() - loading) * 1000
        tokens = resident.vocab.prompt(job.prompt.pieces)
        _check_fit(tokens, job, resident.n_ctx)
        sequence = Sequence(job, ticket, tokens, resident.vocab, clock, self.name, matcher)
        sequence.pins = sorted({resident.vocab.offset(job.prompt.pieces, pin) for pin in job.prompt.pins}, reverse=True)
        assert self._scheduler is not None
        self._scheduler.add(sequence)
        self._owner.attach(self._scheduler)
        return LATER

    def _words(self) -> Vocabulary:
        words = self._vocabulary
        return words if words is not None else self._call(self._read_vocabulary)

    def _read_vocabulary(self, ticket: Ticket) -> Vocabulary:
        if self._vocabulary is None:
            self._vocabulary = self._load(ticket).vocab.vocabulary(self.model.sha256)
        return self._vocabulary

    def _look(self, resident: Resident) -> ModelInfo:
        vocab = resident.vocab
        if self._info is None:
            self._info = ModelInfo(
                name=self.name,
                n_ctx=resident.n_ctx,
                chat_template=resident.chat_template,
                special={"bos_token": vocab.text(vocab.bos), "eos_token": vocab.text(vocab.eos)},
                control=vocab.control,
                details={
                    "path": self.model.path,
                    "weights_bytes": resident.bytes,
                    "n_ctx_train": resident.n_ctx_train,
                    "threads": resident.threads,
                    "n_batch": resident.n_batch,
                    "n_parallel": resident.n_parallel,
                    "device": resident.device,
                },
            )
        return self._info


def _check_fit(tokens: list[int], job: Job, n_ctx: int) -> None:
    if not tokens:
        raise ContextOverflow("the prompt is empty: there is nothing to answer", "Write something in the cell.")
    if len(tokens) + job.max_tokens > n_ctx:
        raise ContextOverflow(
            f"the prompt has {len(tokens):,} tokens and the answer may have {job.max_tokens:,}, together "
            f"more than the window of {n_ctx:,}",
            "Shorten the prompt, lower --max-tokens, or raise the window: %config LocalLLM.n_ctx",
        )


def _scheduler(native: Native, resident: Resident, states: StateStore | None) -> Scheduler:
    pace = Pace()
    keeper = StateKeeper(resident.memory, states) if states is not None else None
    slots = Slots(
        resident.memory, resident.n_parallel, resident.n_ctx, idle_cells=max(1024, resident.n_ctx // 8), keeper=keeper
    )
    speculation = None
    if resident.settings.speculation and not resident.memory.whole:  # a guess that is wrong must be cut off again
        speculation = Speculation(lambda sequence: LookupDrafter(sequence, pace.cost))
    governor = Governor(resident.threads, busy=main_thread_clock())
    samplers = Samplers(native, resident.vocab.size, resident.n_ctx)
    return Scheduler(resident, slots, samplers, governor=governor, pace=pace, speculation=speculation)
