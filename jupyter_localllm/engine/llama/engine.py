"""llama.cpp in the kernel, as an `Engine`: every native call goes to the owner's thread."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Mapping
from collections.abc import Sequence as Several
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.engine.constraint import Matcher, Vocabulary
from jupyter_localllm.engine.llama.devices import Device, accelerators, libraries, where
from jupyter_localllm.engine.llama.draft import DraftModel, ModelDrafter, check_vocabularies
from jupyter_localllm.engine.llama.embedder import Embedder, batches
from jupyter_localllm.engine.llama.governor import Governor
from jupyter_localllm.engine.llama.keeping import StateKeeper
from jupyter_localllm.engine.llama.native import Native, open_library
from jupyter_localllm.engine.llama.neighbour import machine_clock, main_thread_clock
from jupyter_localllm.engine.llama.pace import Pace
from jupyter_localllm.engine.llama.resident import Aborted, Resident
from jupyter_localllm.engine.llama.sampler import Samplers
from jupyter_localllm.engine.llama.scheduler import Scheduler
from jupyter_localllm.engine.llama.sequence import Clock, Sequence
from jupyter_localllm.engine.llama.settings import LlamaSettings, usable_cores
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

_LEAST_IDLE = 1024  # tokens that idle sequences may hold beside a running one
_EMBED_TOKENS = 512  # in one native call: what others wait for between two of their steps

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
    step_ms : Mapping of int to float, optional
        What steps of so many tokens cost, in milliseconds, as far as it was measured.
    busy : callable, optional
        CPU seconds so far of whoever needs the cores, too; this process's main thread if not given.
    layers : callable, optional
        From the free bytes of all GPUs to the number of layers to put there; asked where the settings leave it open.
    """

    def __init__(
        self,
        model: ModelFile,
        settings: LlamaSettings,
        owner: Owner,
        *,
        states: StateStore | None = None,
        step_ms: Mapping[int, float] | None = None,
        busy: Callable[[], float] | None = None,
        layers: Callable[[int], int] | None = None,
    ) -> None:
        self.model = model
        self.settings = settings
        self._states = states
        self._step_ms = step_ms
        self._busy, self._layers = busy, layers
        self._owner = owner
        self._resident: Resident | None = None  # set and freed on the owner's thread only
        self._scheduler: Scheduler | None = None
        self._draft: DraftModel | None = None
        self._info: ModelInfo | None = None
        self._vocabulary: Vocabulary | None = None
        self._closed = False
        owner.keep(self)

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
        """Vectors by the model's own pooling, the mean over all tokens if it has none.

        Texts are read in batches, and the answers of others go on between them.
        """
        import numpy as np

        tokens, most = self._call(lambda ticket: self._tokens_of(self._load(ticket), texts))
        for i, one in enumerate(tokens):
            if len(one) > most:
                raise ContextOverflow(
                    f"text {i} has {len(one):,} tokens, and {self.name} reads at most {most:,} at once",
                    "Split it into parts: nothing is cut off silently.",
                )
        rows = []
        for run in batches([len(one) for one in tokens], _EMBED_TOKENS):
            part = [tokens[i] for i in run]
            rows.append(self._call(functools.partial(self._embed, part)))
        return np.concatenate(rows) if rows else np.empty((0, self._call(self._embedder).dimensions), np.float32)

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

    def lost(self) -> None:
        """Forget what the owner's thread had, without freeing it: the thread hangs in the middle of it."""
        self._draft = self._resident = self._scheduler = self._info = self._vocabulary = None

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
                # Before the loading: meanwhile it is seen what else runs on this machine.
                governor = Governor(self._threads, busy=self._busy or main_thread_clock(), others=machine_clock())
                devices = accelerators(libraries(native.lib))
                settings = self._placed(devices)
                resident = Resident(native, self.model.path, settings, progress)
                resident.device = where(settings.n_gpu_layers or 0, self.model.n_layer, devices)
                self._draft = self._load_draft(native, resident)
                self._scheduler = self._schedule(native, resident, governor) if resident.writes else None
                self._resident = resident
            except Aborted:
                raise EngineClosed(f"loading {Path(self.model.path).name} was stopped") from None
        return self._resident

    def _free(self, _ticket: Ticket) -> None:
        if self._resident is not None:
            if self._scheduler is not None:
                self._scheduler.stop()
            if self._draft is not None:
                self._draft.resident.free()
            self._resident.free()
            self._draft = self._resident = self._scheduler = self._info = self._vocabulary = None

    def _generate(self, ticket: Ticket, job: Job, clock: Clock, matcher: Matcher | None) -> object:
        was_loaded, loading = self.loaded, time.perf_counter()
        resident = self._load(ticket)
        if not was_loaded:
            clock.load_ms = (time.perf_counter() - loading) * 1000
        if self._scheduler is None:
            raise EngineError(
                f"{self.name} is an encoder (an embedding model or a reranker): it cannot write text",
                "Choose a chat model: %llm models",
            )
        tokens = resident.vocab.prompt(job.prompt.pieces)
        _check_fit(tokens, job, resident.n_ctx)
        sequence = Sequence(job, ticket, tokens, resident.vocab, clock, self.name, matcher)
        sequence.pins = sorted({resident.vocab.offset(job.prompt.pieces, pin) for pin in job.prompt.pins}, reverse=True)
        self._scheduler.add(sequence)
        self._owner.attach(self._scheduler)
        return LATER

    def _tokens_of(self, resident: Resident, texts: Several[str]) -> tuple[list[list[int]], int]:
        """Tokens of texts to embed, framed as the model wants; the most that it can read."""
        vocab = resident.vocab
        alone = [vocab.bos if vocab.bos >= 0 else max(0, vocab.eos)]  # an empty text has no token of its own
        return [vocab.tokens(text, special=False, frame=True) or alone for text in texts], resident.n_ctx_train

    def _embed(self, tokens: list[list[int]], ticket: Ticket) -> NDArray[np.float32]:
        return self._embedder(ticket).embed(tokens)

    def _embedder(self, ticket: Ticket) -> Embedder:
        embedder = self._load(ticket).embedder
        assert embedder is not None
        return embedder

    def _words(self) -> Vocabulary:
        words = self._vocabulary
        return words if words is not None else self._call(self._read_vocabulary)

    def _read_vocabulary(self, ticket: Ticket) -> Vocabulary:
        if self._vocabulary is None:
            self._vocabulary = self._load(ticket).vocab.vocabulary(self.model.sha256)
        return self._vocabulary

    def _load_draft(self, native: Native, resident: Resident) -> DraftModel | None:
        path = self.settings.draft_model
        if not path:
            return None
        settings = LlamaSettings(
            resident.n_ctx,
            self.settings.n_threads,
            self.settings.n_batch,
            n_ubatch=self.settings.n_ubatch,
            n_parallel=1,
        )
        try:
            draft = Resident(native, path, settings, lambda _fraction: True)
        except BaseException:
            resident.free()
            raise
        try:
            check_vocabularies(resident.vocab, draft.vocab, Path(path).name)
        except BaseException:
            draft.free()
            resident.free()
            raise
        return DraftModel(draft)

    @property
    def _threads(self) -> int:
        return self.settings.n_threads or usable_cores()

    def _placed(self, devices: Several[Device]) -> LlamaSettings:
        """The settings, with the layers that go to a GPU decided."""
        if self.settings.n_gpu_layers is not None:
            return self.settings
        free = sum(device.free_bytes for device in devices)
        return replace(self.settings, n_gpu_layers=self._layers(free) if devices and self._layers is not None else 0)

    def _schedule(self, native: Native, resident: Resident, governor: Governor) -> Scheduler:
        pace, memory = Pace(self._step_ms), resident.memory
        keeper = StateKeeper(memory, self._states) if self._states is not None else None
        idle = max(_LEAST_IDLE, resident.n_ctx // 8)
        slots = Slots(memory, resident.n_sequences, resident.n_ctx, idle_cells=idle, keeper=keeper)
        speculation = None
        if self.settings.speculation and not memory.whole:  # a guess that is wrong must be cut off again
            draft = self._draft
            speculation = Speculation(
                lambda sequence: (
                    LookupDrafter(sequence, pace.cost) if draft is None else ModelDrafter(sequence, draft, pace.cost)
                )
            )
        return Scheduler(
            resident,
            slots,
            Samplers(native, resident.vocab.size, resident.n_ctx),
            governor=governor,
            pace=pace,
            speculation=speculation,
        )

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
                    "kv_cache_type": self.settings.kv_cache_type,
                    "flash_attn": self.settings.flash_attn,
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
