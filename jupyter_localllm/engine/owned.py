"""What all engines have in common whose model lies in this process, on the owner's thread.

Whoever asks is on a thread of their own: what touches the model is a task for the owner, and the asking thread waits in
short naps. A subclass says how a model is loaded and how it embeds.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from jupyter_localllm.engine.constraint import Constraint, Matcher, Vocabulary
from jupyter_localllm.engine.owner import Owner, Stepper
from jupyter_localllm.engine.sequence import Clock
from jupyter_localllm.engine.ticket import LATER, Ticket
from jupyter_localllm.engine.words import Lexicon
from jupyter_localllm.errors import EngineClosed
from jupyter_localllm.types import Event, Job, ModelInfo, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["InMemory", "OwnedEngine"]

T = TypeVar("T")


class InMemory(Protocol):
    """A model in memory with all that drives it. Made, used and freed on the owner's thread only.

    Attributes
    ----------
    info : ModelInfo
        Plain values, which any thread may read.
    """

    info: ModelInfo

    @property
    def words(self) -> Lexicon:
        """Its tokenizer."""
        ...

    @property
    def vocabulary(self) -> Vocabulary:
        """All its tokens, for constraints."""
        ...

    def begin(self, job: Job, ticket: Ticket, clock: Clock, matcher: Matcher | None) -> Stepper:
        """Take a request; what finishes its ticket, step by step."""
        ...

    def free(self) -> None:
        """Give everything back."""
        ...


M = TypeVar("M", bound=InMemory)


class OwnedEngine(ABC, Generic[M]):
    """An `Engine` over a model on the owner's thread.

    Parameters
    ----------
    name : str
        What people call the model.
    owner : Owner
        The thread that owns native models; all engines of a process share one.
    """

    def __init__(self, name: str, owner: Owner) -> None:
        self._name, self._owner = name, owner
        self._loaded: M | None = None  # set and freed on the owner's thread only
        self._closed = False
        owner.keep(self)

    @abstractmethod
    def _opened(self, ticket: Ticket) -> M:
        """Load the model, on the owner's thread, telling how far it is."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts (see `Engine`)."""

    def _before(self) -> Generator[Status, None, None]:
        """What must go well before it is loaded, on the asking thread."""
        yield from ()

    @property
    def name(self) -> str:
        """What people call the model."""
        return self._name

    @property
    def loaded(self) -> bool:
        """Whether the model is resident now."""
        return self._loaded is not None

    def load(self) -> Generator[Status, None, None]:
        """Make the model resident, telling how far it is."""
        self._check_open()
        if self._loaded is None:
            yield from self._before()
            for event in self._owner.stream(self._load, group=self):
                if isinstance(event, Status):
                    yield event

    def info(self) -> ModelInfo:
        """What the model is (it is loaded for that)."""
        loaded = self._loaded
        return loaded.info if loaded is not None else self._call(lambda ticket: self._load(ticket).info)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as data."""
        return self._call(lambda ticket: [len(self._load(ticket).words.tokens(t, special=False)) for t in texts])

    def count_prompt(self, pieces: Sequence[str]) -> int:
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

    def _load(self, ticket: Ticket) -> M:
        self._check_open()
        if self._loaded is None:
            self._loaded = self._opened(ticket)
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

    def _vocabulary(self, ticket: Ticket) -> Vocabulary:
        return self._load(ticket).vocabulary
