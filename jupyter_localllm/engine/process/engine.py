"""llama.cpp in a child process, as an `Engine`."""

from __future__ import annotations

import dataclasses
import os
import threading
import weakref
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm.engine.children import check_fork, command
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.llama import LlamaSettings, Surroundings
from jupyter_localllm.engine.process.link import Link
from jupyter_localllm.errors import EngineClosed
from jupyter_localllm.types import Event, Job, ModelFile, ModelInfo, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ProcessEngine"]

_GONE_SECONDS = 5.0


class ProcessEngine:
    """One model file with one set of context settings, in a process of its own.

    The child runs the ordinary engine. Whatever ends it is an `EngineError` for those who wait, and the next request
    starts a new one; nothing is asked twice by itself.

    Parameters
    ----------
    model : ModelFile
    settings : LlamaSettings
    around : Surroundings, optional
        As for `LlamaEngine`, without what cannot be pickled: no states are kept, and the child watches this process.
    argv : sequence of str, optional
        Another program for the child, for tests.
    """

    def __init__(
        self,
        model: ModelFile,
        settings: LlamaSettings,
        around: Surroundings | None = None,
        *,
        argv: Sequence[str] | None = None,
    ) -> None:
        self.model = model
        self.settings = settings
        self._around = around or Surroundings()
        self._argv = list(argv or command("jupyter_localllm.engine.process.child"))
        self._pid = os.getpid()
        self._lock = threading.RLock()  # a handle may be collected while this thread holds it
        self._link: Link | None = None
        self._finalizer: weakref.finalize[Any, ProcessEngine] | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """What people call the model."""
        return self.model.name

    @property
    def loaded(self) -> bool:
        """Whether the model is resident now."""
        link = self._link
        return link is not None and link.loaded and not link.over

    @property
    def pid(self) -> int:
        """Number of the child process; 0 if there is none."""
        link = self._link
        return link.pid if link is not None and not link.over else 0

    def load(self) -> Generator[Status, None, None]:
        """Make the model resident, telling the loaded part."""
        self._check_open()
        if not self.loaded:
            yield Status("loading", f"starting a process for {self.name}", 0.0)
            for event in self._running().stream("load"):
                if isinstance(event, Status):
                    yield event

    def info(self) -> ModelInfo:
        """What the model is (it is loaded for that)."""
        info: ModelInfo = self._call("info")
        # What we know ourselves is not left to the child.
        details = {**info.details, "path": self.model.path, "pid": self.pid}
        return dataclasses.replace(info, name=self.name, renders=False, details=details)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as data."""
        counts: list[int] = self._call("count", list(texts), len(texts))
        return counts

    def count_prompt(self, pieces: Sequence[str]) -> int:
        """Tokens of a rendered prompt."""
        count: int = self._call("count_prompt", list(pieces))
        return count

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Answer; closing the generator tells the child and waits for nothing."""
        tokens = min(job.max_tokens, self.settings.n_ctx or job.max_tokens) * (
            1 + (0 if job.logprobs is None else 1 + job.logprobs)
        )
        yield from self._running().stream("generate", job, tokens)

    def holds(self, constraint: Constraint) -> bool:
        """Always, by masks over the tokens."""
        return True

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts (see `Engine`)."""
        rows: NDArray[np.float32] = self._call("embed", list(texts), len(texts))
        return rows

    def unload(self) -> None:
        """End the child process, and all its memory with it; what runs or waits ends with `EngineClosed`."""
        check_fork(self._pid)
        link = self._leave()
        if link is not None:
            link.join(_GONE_SECONDS)

    @property
    def idle(self) -> bool:
        """Whether there is a child process, and nobody is being answered or waits."""
        link = self._link
        return link is not None and not link.over and not link.asked

    def retire(self) -> bool:
        """End the child process, unless somebody is being answered or waits (see `LlamaEngine.retire`)."""
        if self.idle:
            self.unload()
        return not self.loaded

    def close(self) -> None:
        """Unload for good."""
        if not self._closed:
            self._closed = True
            if os.getpid() == self._pid:
                self.unload()

    def discard(self) -> None:
        """Unload for good, without waiting: for finalizers."""
        if not self._closed:
            self._closed = True
            if os.getpid() == self._pid:
                self._leave()

    def _leave(self) -> Link | None:
        with self._lock:
            link, self._link = self._link, None
            if self._finalizer is not None:
                self._finalizer.detach()
        if link is not None:
            link.end(EngineClosed(f"{self.name} was unloaded while it answered", "Run it again."))
        return link

    def _check_open(self) -> None:
        check_fork(self._pid)
        if self._closed:
            raise EngineClosed(f"{self.name} was closed", "Make a new handle.")

    def _running(self) -> Link:
        """The link to a child that runs; a new one if there is none, or if it died."""
        self._check_open()
        with self._lock:
            self._check_open()
            link = self._link
            if link is None or link.over:
                if self._finalizer is not None:
                    self._finalizer.detach()
                link = self._link = Link(self.name, self._argv, self.settings.n_parallel, verbose=self.settings.verbose)
                # Also at exit: the child would end by itself then, but only after us.
                self._finalizer = weakref.finalize(self, link.end, EngineClosed(f"{self.name} was closed"))
                link.start((self.model, self.settings, self._around))
            return link

    def _call(self, method: str, argument: Any = None, expected: int = 0) -> Any:
        stream = self._running().stream(method, argument, expected)
        while True:
            try:
                next(stream)
            except StopIteration as stop:
                if stop.value is None:
                    raise EngineClosed("the request was stopped") from None
                return stop.value
