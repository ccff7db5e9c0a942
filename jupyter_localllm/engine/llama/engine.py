"""llama.cpp in the kernel, as an `Engine`: every native call goes to the owner's thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.engine.llama.native import open_library
from jupyter_localllm.engine.llama.resident import Aborted, Resident
from jupyter_localllm.engine.llama.sequence import Sequence as Running
from jupyter_localllm.engine.llama.settings import LlamaSettings
from jupyter_localllm.engine.owner import Owner, Ticket
from jupyter_localllm.errors import EngineClosed, EngineError
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
    """

    def __init__(self, model: ModelFile, settings: LlamaSettings, owner: Owner) -> None:
        self.model = model
        self.settings = settings
        self._owner = owner
        self._resident: Resident | None = None  # set and freed on the owner's thread only
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

        def look(ticket: Ticket) -> ModelInfo:
            resident = self._load(ticket)
            vocab = resident.vocab
            return ModelInfo(
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
                    "device": resident.device,
                },
            )

        return self._call(look)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as data."""
        return self._call(lambda ticket: [len(self._load(ticket).vocab.tokens(t, special=False)) for t in texts])

    def count_prompt(self, pieces: Sequence[str]) -> int:
        """Tokens of a rendered prompt."""
        return self._call(lambda ticket: len(self._load(ticket).vocab.prompt(pieces)))

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Answer; closing the generator stops the native call within milliseconds."""
        self._check_open()
        begun = time.perf_counter()
        yield from self._owner.stream(lambda ticket: self._generate(ticket, job, begun), group=self)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
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
                self._resident = Resident(open_library(), self.model.path, self.settings, progress)
            except Aborted:
                raise EngineClosed(f"loading {Path(self.model.path).name} was stopped") from None
        return self._resident

    def _free(self, _ticket: Ticket) -> None:
        if self._resident is not None:
            self._resident.free()
            self._resident = None

    def _generate(self, ticket: Ticket, job: Job, begun: float) -> None:
        loading = time.perf_counter()
        was_loaded = self.loaded
        resident = self._load(ticket)
        load_ms = 0.0 if was_loaded else (time.perf_counter() - loading) * 1000
        resident.watch(ticket.abort)
        running = Running(open_library(), resident, job, name=self.name, begun=begun, load_ms=load_ms)
        try:
            for events in running.steps():
                if ticket.cancelled:
                    return
                for event in events:
                    ticket.emit(event)
        except Aborted:
            return
