"""llama.cpp in the kernel, as an `Engine`: every native call goes to the owner's thread."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator
from collections.abc import Sequence as Several
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.engine.constraint import Constraint, Matcher, Vocabulary
from jupyter_localllm.engine.llama.embedder import batches
from jupyter_localllm.engine.llama.loaded import Loaded, Surroundings
from jupyter_localllm.engine.llama.native import open_library
from jupyter_localllm.engine.llama.resident import Aborted
from jupyter_localllm.engine.llama.sequence import Clock
from jupyter_localllm.engine.llama.settings import LlamaSettings
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.engine.ticket import LATER, Ticket
from jupyter_localllm.errors import ContextOverflow, EngineClosed
from jupyter_localllm.types import Event, Job, ModelFile, ModelInfo, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LlamaEngine"]

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
    around : Surroundings, optional
    """

    def __init__(
        self,
        model: ModelFile,
        settings: LlamaSettings,
        owner: Owner,
        around: Surroundings | None = None,
    ) -> None:
        self.model = model
        self.settings = settings
        self._around = around or Surroundings()
        self._owner = owner
        self._loaded: Loaded | None = None  # set and freed on the owner's thread only
        self._closed = False
        owner.keep(self)

    @property
    def name(self) -> str:
        """What people call the model."""
        return self.model.name

    @property
    def loaded(self) -> bool:
        """Whether the model is resident now."""
        return self._loaded is not None

    def load(self) -> Generator[Status, None, None]:
        """Make the model resident, telling the loaded part."""
        self._check_open()
        if self._loaded is None:
            for event in self._owner.stream(self._load, group=self):
                if isinstance(event, Status):
                    yield event

    def info(self) -> ModelInfo:
        """What the model is (it is loaded for that)."""
        loaded = self._loaded
        return loaded.info if loaded is not None else self._call(lambda ticket: self._load(ticket).info)

    def count(self, texts: Several[str]) -> list[int]:
        """Tokens of each text as data."""
        return self._call(
            lambda ticket: [len(self._load(ticket).resident.vocab.tokens(t, special=False)) for t in texts]
        )

    def count_prompt(self, pieces: Several[str]) -> int:
        """Tokens of a rendered prompt."""
        return self._call(lambda ticket: len(self._load(ticket).resident.vocab.prompt(pieces)))

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Answer; closing the generator stops the native call within milliseconds."""
        self._check_open()
        clock = Clock(time.perf_counter())
        # On this thread: a large grammar takes a while, and the others' answers must go on.
        matcher = job.constraint.start(self._call(self._words)) if job.constraint is not None else None
        yield from self._owner.stream(lambda ticket: self._generate(ticket, job, clock, matcher), group=self)

    def holds(self, constraint: Constraint) -> bool:
        """Always, by masks over the tokens."""
        return True

    def embed(self, texts: Several[str]) -> NDArray[np.float32]:
        """Vectors by the model's own pooling, the mean over all tokens if it has none.

        Texts are read in batches, and the answers of others go on between them.
        """
        import numpy as np

        tokens = self._call(lambda ticket: self._load(ticket).tokens_of(texts))
        most = self.info().details["n_ctx_train"]
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
        if not rows:
            return np.empty((0, self._call(lambda ticket: self._load(ticket).embedder.dimensions)), np.float32)
        return np.concatenate(rows)

    def unload(self) -> None:
        """Give the memory back; what runs or waits ends with `EngineClosed`."""
        self._leave()
        if self._loaded is not None or self._owner.waiting:  # a load that is under way is freed when it is done
            self._owner.call(self._free)

    @property
    def idle(self) -> bool:
        """Whether the model is resident, and nobody is being answered or waits."""
        return self._loaded is not None and not self._owner.has(self)

    def retire(self) -> bool:
        """Give the memory back, unless somebody is being answered or waits; whoever comes later loads it again.

        Returns
        -------
        bool
            Whether it is unloaded now.
        """
        if self.idle:
            self._owner.call(self._free_idle)
        return self._loaded is None

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
        loaded, self._loaded = self._loaded, None
        if loaded is not None and loaded.scheduler is not None:
            loaded.scheduler.yield_interval()

    def _leave(self) -> None:
        self._owner.cancel_group(self, EngineClosed(f"{self.name} was unloaded while it answered", "Run it again."))

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed(f"{self.name} was closed", "Make a new handle.")

    def _call(self, task: Callable[[Ticket], T]) -> T:
        self._check_open()
        return self._owner.call(task, group=self)

    # What follows runs on the owner's thread.

    def _load(self, ticket: Ticket) -> Loaded:
        self._check_open()
        if self._loaded is None:
            told = -1.0

            def progress(fraction: float) -> bool:
                nonlocal told
                if fraction - told >= 0.05 or fraction >= 1.0:
                    told = fraction
                    ticket.emit(Status("loading", f"loading {self.name}", fraction))
                return not ticket.cancelled

            ticket.emit(Status("loading", f"loading {self.name}", 0.0))
            try:
                self._loaded = Loaded(open_library(), self.model, self.settings, self._around, progress)
            except Aborted:
                raise EngineClosed(f"loading {Path(self.model.path).name} was stopped") from None
        return self._loaded

    def _free(self, _ticket: Ticket) -> None:
        if self._loaded is not None:
            self._loaded.free()
            self._loaded = None

    def _free_idle(self, ticket: Ticket) -> None:
        if not self._owner.has(self):
            self._free(ticket)

    def _generate(self, ticket: Ticket, job: Job, clock: Clock, matcher: Matcher | None) -> object:
        was_loaded, loading = self.loaded, time.perf_counter()
        loaded = self._load(ticket)
        if not was_loaded:
            clock.load_ms = (time.perf_counter() - loading) * 1000
        self._owner.attach(loaded.begin(job, ticket, clock, matcher))
        return LATER

    def _embed(self, tokens: list[list[int]], ticket: Ticket) -> NDArray[np.float32]:
        return self._load(ticket).embed(tokens, ticket)

    def _words(self, ticket: Ticket) -> Vocabulary:
        return self._load(ticket).vocabulary
