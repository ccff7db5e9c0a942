"""A model from a folder, run in this process by Transformers or MLX, as an `Engine`.

Everything that touches the library runs on the owner's thread. One forward pass at a time is made, and tokens are
chosen here: constraints, seeds and stop strings mean the same as with llama.cpp.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator
from collections.abc import Sequence as Several
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.engine.constraint import Constraint, Matcher, Vocabulary
from jupyter_localllm.engine.inprocess.loaded import LoadedFolder
from jupyter_localllm.engine.inprocess.network import Library, Planner
from jupyter_localllm.engine.inprocess.settings import FolderSettings
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.engine.sequence import Clock
from jupyter_localllm.engine.ticket import LATER, Ticket
from jupyter_localllm.errors import EngineClosed
from jupyter_localllm.types import Event, Job, ModelFolder, ModelInfo, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FolderEngine"]

T = TypeVar("T")


class FolderEngine:
    """One model folder with one set of settings.

    Parameters
    ----------
    model : ModelFolder
        A folder that passed the checks of the room ``models``.
    settings : FolderSettings
    owner : Owner
        The thread that owns native models; all engines of a process share one.
    library : Library
        `jupyter_localllm.engine.inprocess.open_transformers` or `open_mlx`.
    plan : Planner
    check : callable, optional
        What must go well before the folder is loaded for the first time (`jupyter_localllm.engine.inprocess.check`).
    """

    def __init__(
        self,
        model: ModelFolder,
        settings: FolderSettings,
        owner: Owner,
        library: Library,
        plan: Planner,
        *,
        check: Callable[[], Generator[Status, None, None]] | None = None,
    ) -> None:
        self.model = model
        self.settings = settings
        self._library, self._plan, self._check = library, plan, check
        self._owner = owner
        self._loaded: LoadedFolder | None = None  # set and freed on the owner's thread only
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
        """Make the model resident. The libraries do not tell how far they are."""
        self._check_open()
        if self._loaded is None:
            if self._check is not None:
                yield from self._check()
            for event in self._owner.stream(self._load, group=self):
                if isinstance(event, Status):
                    yield event

    def info(self) -> ModelInfo:
        """What the model is (it is loaded for that)."""
        loaded = self._loaded
        return loaded.info if loaded is not None else self._call(lambda ticket: self._load(ticket).info)

    def count(self, texts: Several[str]) -> list[int]:
        """Tokens of each text as data."""
        return self._call(lambda ticket: [len(self._load(ticket).words.tokens(t, special=False)) for t in texts])

    def count_prompt(self, pieces: Several[str]) -> int:
        """Tokens of a rendered prompt."""
        return self._call(lambda ticket: len(self._load(ticket).words.prompt(pieces)))

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Answer; closing the generator ends the answer at its next step."""
        self._check_open()
        clock = Clock(time.perf_counter())
        # On this thread: a large grammar takes a while, and the others' answers must go on.
        matcher = job.constraint.start(self._call(self._vocabulary)) if job.constraint is not None else None
        yield from self._owner.stream(lambda ticket: self._generate(ticket, job, clock, matcher), group=self)

    def holds(self, constraint: Constraint) -> bool:
        """Always, by masks over the tokens."""
        return True

    def embed(self, texts: Several[str]) -> NDArray[np.float32]:
        """Vectors by the model's own pooling, the mean over all tokens if it has none; one text at a time."""
        import numpy as np

        rows = [self._call(functools.partial(self._embed, i, text)) for i, text in enumerate(texts)]
        if not rows:
            return np.empty((0, self.model.n_embd), np.float32)
        return np.stack(rows)

    def unload(self) -> None:
        """Give the memory back; what runs or waits ends with `EngineClosed`."""
        self._leave()
        if self._loaded is not None or self._owner.waiting:  # a load that is under way is freed when it is done
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
        self._loaded = None

    def _leave(self) -> None:
        self._owner.cancel_group(self, EngineClosed(f"{self.name} was unloaded while it answered", "Run it again."))

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed(f"{self.name} was closed", "Make a new handle.")

    def _call(self, task: Callable[[Ticket], T]) -> T:
        self._check_open()
        return self._owner.call(task, group=self)

    # What follows runs on the owner's thread.

    def _load(self, ticket: Ticket) -> LoadedFolder:
        self._check_open()
        if self._loaded is None:
            ticket.emit(Status("loading", f"loading {self.name}"))
            self._loaded = LoadedFolder(self.model, self.settings, self._library, self._plan)
            ticket.emit(Status("loading", f"loading {self.name}", 1.0))
        return self._loaded

    def _free(self, _ticket: Ticket) -> None:
        if self._loaded is not None:
            self._loaded.free()
            self._loaded = None

    def _generate(self, ticket: Ticket, job: Job, clock: Clock, matcher: Matcher | None) -> object:
        was_loaded, loading = self.loaded, time.perf_counter()
        loaded = self._load(ticket)
        if not was_loaded:
            clock.load_ms = (time.perf_counter() - loading) * 1000
        self._owner.attach(loaded.begin(job, ticket, clock, matcher))
        return LATER

    def _embed(self, number: int, text: str, ticket: Ticket) -> NDArray[np.float32]:
        return self._load(ticket).embed(number, text)

    def _vocabulary(self, ticket: Ticket) -> Vocabulary:
        return self._load(ticket).vocabulary
