"""A model in memory with all that drives it. Made, used and freed on the owner's thread only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_localllm.engine.constraint import Matcher, Vocabulary
from jupyter_localllm.engine.llama.devices import Device, accelerators, libraries, where
from jupyter_localllm.engine.llama.draft import DraftModel, ModelDrafter, check_vocabularies
from jupyter_localllm.engine.llama.embedder import Embedder
from jupyter_localllm.engine.llama.governor import Governor
from jupyter_localllm.engine.llama.keeping import StateKeeper
from jupyter_localllm.engine.llama.native import Native
from jupyter_localllm.engine.llama.neighbour import machine_clock, main_thread_clock
from jupyter_localllm.engine.llama.pace import Pace
from jupyter_localllm.engine.llama.resident import Resident
from jupyter_localllm.engine.llama.sampler import Samplers
from jupyter_localllm.engine.llama.scheduler import Scheduler
from jupyter_localllm.engine.llama.sequence import Clock, Sequence, check_fit
from jupyter_localllm.engine.llama.settings import LlamaSettings, usable_cores
from jupyter_localllm.engine.llama.slots import Slots
from jupyter_localllm.engine.llama.speculation import Drafter, LookupDrafter, Speculation
from jupyter_localllm.engine.llama.states import StateStore
from jupyter_localllm.engine.ticket import Ticket
from jupyter_localllm.engine.words import Lexicon
from jupyter_localllm.errors import EngineError
from jupyter_localllm.types import Job, ModelFile, ModelInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Loaded", "Surroundings"]

_LEAST_IDLE = 1024  # tokens that idle sequences may hold beside a running one


@dataclass(frozen=True)
class Surroundings:
    """What an engine is given besides its model and settings.

    Parameters
    ----------
    states : StateStore or None
        Keeps what was read of long prompts, when the window has no room for it and when the notebook is closed.
    step_ms : Mapping of int to float
        What steps of so many tokens cost, in milliseconds, as far as it was measured.
    busy : callable or None
        CPU seconds so far of whoever needs the cores, too; None: this process's main thread.
    layers : callable or None
        From the free bytes of all GPUs to the number of layers to put there; asked where the settings leave it open.
    """

    states: StateStore | None = None
    step_ms: Mapping[int, float] = field(default_factory=dict)
    busy: Callable[[], float] | None = None
    layers: Callable[[int], int] | None = None


class Loaded:
    """What one engine has in memory.

    Parameters
    ----------
    native : Native
    model : ModelFile
    settings : LlamaSettings
    around : Surroundings
    progress : callable
        See `Resident`.
    """

    def __init__(
        self,
        native: Native,
        model: ModelFile,
        settings: LlamaSettings,
        around: Surroundings,
        progress: Callable[[float], bool],
    ) -> None:
        self._native, self._model, self._around = native, model, around
        # Before the loading: meanwhile it is seen what else runs on this machine.
        threads = settings.n_threads or usable_cores()
        governor = Governor(threads, busy=around.busy or main_thread_clock(), others=machine_clock())
        devices = accelerators(libraries(native.lib))
        self.settings = self._placed(settings, devices)
        self.device = where(self.settings.n_gpu_layers or 0, model.n_layer, devices)
        self.resident = Resident(native, model.path, self.settings, progress)
        self._draft: DraftModel | None = None
        self.scheduler: Scheduler | None = None  # an encoder has none
        try:
            self._draft = self._load_draft()
            if self.resident.writes:
                self.scheduler = self._schedule(governor)
        except BaseException:
            self.free()
            raise
        self.info = self._look()  # plain values, which any thread may read

    @property
    def words(self) -> Lexicon:
        """The model's tokenizer."""
        return self.resident.vocab

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """All tokens, for constraints."""
        return self.resident.vocab.vocabulary(self._model.sha256)

    def begin(self, job: Job, ticket: Ticket, clock: Clock, matcher: Matcher | None) -> Scheduler:
        """Hand a request to the scheduler, which finishes its ticket.

        Raises
        ------
        ContextOverflow
            Prompt and answer do not fit.
        EngineError
            The model cannot write.
        """
        if self.scheduler is None:
            raise EngineError(
                f"{self._model.name} is an encoder (an embedding model or a reranker): it cannot write text",
                "Choose a chat model: %llm models",
            )
        vocab, pieces = self.resident.vocab, job.prompt.pieces
        tokens = vocab.prompt(pieces)
        check_fit(tokens, job, self.resident.n_ctx)
        sequence = Sequence(job, ticket, tokens, vocab, clock, self._model.name, matcher)
        sequence.pins = sorted({vocab.offset(pieces, pin) for pin in job.prompt.pins}, reverse=True)
        self.scheduler.add(sequence)
        return self.scheduler

    def tokens_of(self, texts: Several[str]) -> list[list[int]]:
        """Tokens of texts to embed, framed as the model wants."""
        vocab = self.resident.vocab
        alone = [vocab.bos if vocab.bos >= 0 else max(0, vocab.eos)]  # an empty text has no token of its own
        return [vocab.tokens(text, special=False, frame=True) or alone for text in texts]

    def embed(self, tokens: list[list[int]], ticket: Ticket) -> NDArray[np.float32]:
        """Vectors of texts that fit in one batch."""
        return self.embedder.embed(tokens, ticket.abort)

    @property
    def embedder(self) -> Embedder:
        """The context that embeds."""
        assert self.resident.embedder is not None  # while the model is loaded
        return self.resident.embedder

    def free(self) -> None:
        """Give everything back."""
        if self.scheduler is not None:
            self.scheduler.stop()
        if self._draft is not None:
            self._draft.resident.free()
        self.resident.free()
        if self._around.states is not None:
            self._around.states.clear()
        self._native.trim()

    def _grid(self) -> int:
        """Tokens of a piece of a prompt: the same for the same model, whatever the machine does meanwhile.

        Long pieces are read faster, and somebody else's question waits for the end of one. On two cores 128 tokens take
        0.3 s with 0.1 GB of weights and are read at 95 % of the speed of 512.
        """
        size = 128 if self.resident.bytes < 1e9 else 64 if self.resident.bytes < 4e9 else 32
        return self.resident.n_batch if self.settings.n_gpu_layers else min(size, self.resident.n_batch)

    def _look(self) -> ModelInfo:
        resident, vocab = self.resident, self.resident.vocab
        return ModelInfo(
            name=self._model.name,
            n_ctx=resident.n_ctx,
            chat_template=resident.chat_template,
            special={"bos_token": vocab.text(vocab.bos), "eos_token": vocab.text(vocab.eos)},
            control=vocab.control,
            details={
                "path": self._model.path,
                "kind": self._model.kind,
                "weights_bytes": resident.bytes,
                "n_ctx_train": resident.n_ctx_train,
                "threads": resident.threads,
                "n_batch": resident.n_batch,
                "n_parallel": resident.n_parallel,
                "device": self.device,
                "kv_cache_type": self.settings.kv_cache_type,
                "flash_attn": self.settings.flash_attn,
                "fim": vocab.fim(),
            },
        )

    def _placed(self, settings: LlamaSettings, devices: Several[Device]) -> LlamaSettings:
        """The settings, with the layers that go to a GPU decided."""
        if settings.n_gpu_layers is not None:
            return settings
        layers, free = self._around.layers, sum(device.free_bytes for device in devices)
        return replace(settings, n_gpu_layers=layers(free) if devices and layers is not None else 0)

    def _load_draft(self) -> DraftModel | None:
        path = self.settings.draft_model
        if not path or not self.resident.writes:
            return None
        draft = Resident(
            self._native,
            path,
            replace(self.settings, n_ctx=self.resident.n_ctx, n_parallel=1, n_gpu_layers=0, adapter="", draft_model=""),
            lambda _fraction: True,
        )
        try:
            check_vocabularies(self.resident.vocab, draft.vocab, Path(path).name)
        except BaseException:
            draft.free()
            raise
        return DraftModel(draft)

    def _schedule(self, governor: Governor) -> Scheduler:
        resident, states = self.resident, self._around.states
        pace, memory = Pace(self._around.step_ms), resident.memory
        slots = Slots(
            memory,
            resident.n_sequences,
            resident.n_ctx,
            idle_cells=max(_LEAST_IDLE, resident.n_ctx // 8),
            keeper=StateKeeper(memory, states) if states is not None else None,
        )

        def drafter(sequence: Sequence) -> Drafter:
            if self._draft is None:
                return LookupDrafter(sequence, pace.cost)
            return ModelDrafter(sequence, self._draft, pace.cost)

        # A guess that is wrong must be cut off again.
        guesses = self.settings.speculation and not memory.whole
        return Scheduler(
            resident,
            slots,
            Samplers(self._native, resident.vocab.size, resident.n_ctx),
            governor=governor,
            pace=pace,
            speculation=Speculation(drafter) if guesses else None,
            grid=self._grid(),
        )
