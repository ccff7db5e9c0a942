"""A model behind a server, as an `Engine`."""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.served import trouble
from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.engine.served.estimate import estimated
from jupyter_localllm.engine.served.loop import Emit, Loop
from jupyter_localllm.engine.served.once import made, mended
from jupyter_localllm.engine.served.talk import Talk
from jupyter_localllm.engine.served.wire import Described, Ended, Piece, Wire
from jupyter_localllm.errors import (
    ContextOverflow,
    EngineClosed,
    EngineError,
    LocalLLMError,
    ModelNotFound,
    ToolsRefused,
    UsageError,
)
from jupyter_localllm.types import Done, Event, Job, ModelInfo, Note, Status, Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ServedEngine"]

T = TypeVar("T")
_BATCH = 64  # texts that are embedded by one request
_REMEMBERED = 512  # texts whose tokens were counted
_SLACK = 64  # pieces beyond max_tokens, after which a server is not listened to any more
_LONGEST_REMEMBERED = 4096  # characters of one
_TRUSTED_SECONDS = 3.0  # so long nobody looks whether the model is still the one that was found
_LOOKING_SECONDS = 5.0
_TRUSTED_ELSEWHERE_SECONDS = 60.0  # there the look takes as long as the way to the first token


class ServedEngine:
    """One model of one server.

    Parameters
    ----------
    name : str
        What people call it.
    address : Address
    wire : callable
        Makes the `Wire`; called on the event loop, before the first request.
    learnt : callable, optional
        Takes what names the content of the model (`Described`), each time the server is found.
    """

    def __init__(
        self, name: str, address: Address, wire: Callable[[], Wire], learnt: Callable[[str], None] | None = None
    ) -> None:
        self._name, self.address, self._make = name, address, wire
        self._learnt = learnt
        self._loop = Loop(f"jupyter_localllm-{name}")
        self._wire: Wire | None = None
        self._described: Described | None = None
        self._looked = 0.0  # when it was found, or seen to be the same
        self._turns: asyncio.Semaphore | None = None  # of a server that takes few requests at once
        self._counted: dict[str, int] = {}
        self._closed = False
        self._unloads = 0
        self._finalizer = weakref.finalize(self, self._loop.close, _nothing, wait=False)
        self._finalizer.atexit = False

    @property
    def name(self) -> str:
        """What people call the model."""
        return self._name

    @property
    def remote(self) -> str:
        """Its address, or where it sends prompts on to as far as that is known, if that is not on this machine."""
        return self.address.told or (self._described.remote if self._described is not None else "")

    @property
    def loaded(self) -> bool:
        """Whether the server was found, with the model on it."""
        return self._described is not None

    def load(self) -> Generator[Status, None, None]:
        """Find the server and the model; whether it lies in the server's memory is the server's affair."""
        self._check_open()
        if self._described is None:
            yield Status("loading", f"asking {self.address.url} for {self._name}")
            self._described = said = self._loop.call(lambda: self._told(lambda wire: wire.describe()))
            self._looked = time.monotonic()
            if self._learnt is not None:
                self._learnt(said.content)

    def info(self) -> ModelInfo:
        """What the server says of the model."""
        self._check_open()
        said = self._known()
        details = {"address": self.address.url, **said.details}
        return ModelInfo(self._name, said.n_ctx, renders=True, details=details, tools=said.tools, remote=self.remote)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text: the server's count, or about a token for three bytes where it does not count."""
        self._check_open()
        self._known()
        new = [text for text in dict.fromkeys(texts) if text and text not in self._counted]
        counts: dict[str, int] = {}
        if new:
            found = self._loop.call(lambda: self._in_turn(lambda wire: wire.count(new)))
            counts = dict(zip(new, found if found is not None else map(estimated, new), strict=True))
            self._remember(counts)
        return [(counts[text] if text in counts else self._counted[text]) if text else 0 for text in texts]

    def count_prompt(self, pieces: Sequence[str]) -> int:
        """Tokens of all pieces."""
        return sum(self.count(pieces))

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Ask, and tell what comes; closing the generator closes the connection, so that the server stops."""
        begun, unloads = time.perf_counter(), self._unloads
        self._look_again()
        yield from self.load()
        n_ctx = self._known().n_ctx
        if job.max_tokens >= n_ctx:
            raise ContextOverflow(
                f"the answer may have {job.max_tokens:,} tokens, and the window of {self._name} has {n_ctx:,}",
                "Lower max_tokens; or set n_ctx, if the server's window is larger than it says.",
            )
        yield Status("waiting", f"asking {self.address.url}", remote=self.remote)
        self._check_open()
        yield from self._loop.stream(lambda emit: self._answer(job, emit, begun, unloads))

    def _look_again(self) -> None:
        """Forget what was found if another model stands there now: a server that was restarted is not heard to go."""
        self._check_open()
        said, trusted = self._described, _TRUSTED_ELSEWHERE_SECONDS if self.address.remote else _TRUSTED_SECONDS
        busy = self._turns is not None and self._turns.locked()  # somebody has looked, and some servers take no other
        if said is None or busy or time.monotonic() - self._looked < trusted:
            return
        self._looked = time.monotonic()
        try:
            now = self._loop.call(lambda: self._told(lambda wire: asyncio.wait_for(wire.content(), _LOOKING_SECONDS)))
        except (EngineClosed, ModelNotFound, UsageError):
            raise
        except LocalLLMError:  # if it is gone, the question will tell; a list alone that fails is no reason not to ask
            return
        if now != said.content:
            self._described = None

    def holds(self, constraint: Constraint) -> bool:
        """Never for sure: servers differ, and some loosen a schema silently. So the model is told in words as well."""
        return False

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts (see `Engine`)."""
        import numpy as np

        self._check_open()
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        made: list[Sequence[float]] = []
        for at in range(0, len(texts), _BATCH):
            batch = texts[at : at + _BATCH]
            some = self._embedded(batch)
            if len(some) != len(batch):
                break
            made += some
        even = len({len(row) for row in made}) == 1
        rows = np.asarray(made, dtype=np.float32) if even else np.zeros((0, 0), dtype=np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if len(rows) != len(texts) or not np.isfinite(lengths).all() or not (lengths > 0).all():
            raise EngineError(f"{self.address.url} gave no vector for each text", "Is it an embedding model?")
        return np.asarray(rows / lengths, dtype=np.float32)

    def _embedded(self, texts: Sequence[str]) -> list[Sequence[float]]:
        return self._loop.call(lambda: self._in_turn(lambda wire: wire.embed(texts)))

    def unload(self) -> None:
        """End what runs with `EngineClosed`, and ask the server to free the model, if it can be asked."""
        self._unloads += 1
        self._loop.cancel(self._unloaded())
        if self._described is not None and not self._closed:
            self._described = None
            with contextlib.suppress(LocalLLMError):  # the server is gone: nothing lies in its memory either
                self._loop.call(lambda: self._told(lambda wire: wire.unload()))

    def close(self) -> None:
        """Close the connections for good; what lies in the server's memory is left to the server."""
        self._end(wait=True)

    def discard(self) -> None:
        """Close without waiting: for finalizers."""
        self._end(wait=False)

    def _end(self, *, wait: bool) -> None:
        if self._closed:
            return
        self._closed, self._described = True, None
        self._finalizer.detach()
        self._loop.cancel(EngineClosed(f"{self._name} was closed", "Make a new handle."))
        self._loop.close(self._hang_up, wait=wait)

    async def _hang_up(self) -> None:
        if self._wire is not None:
            await self._wire.close()

    def _unloaded(self) -> EngineClosed:
        return EngineClosed(f"{self._name} was unloaded while it answered", "Run it again.")

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed(f"{self._name} was closed", "Make a new handle.")

    def _known(self) -> Described:
        if self._described is None:
            for _ in self.load():
                pass
        assert self._described is not None
        return self._described

    def _size(self, text: str) -> int:
        return self._counted.get(text) or estimated(text)

    def _remember(self, counts: dict[str, int]) -> None:
        self._counted.update((text, count) for text, count in counts.items() if len(text) <= _LONGEST_REMEMBERED)
        for text in list(self._counted)[: max(0, len(self._counted) - _REMEMBERED)]:
            self._counted.pop(text, None)

    # -- on the event loop ---------------------------------------------------------------------------------------------

    async def _told(self, ask: Callable[[Wire], Awaitable[T]]) -> T:
        """Ask the wire; whatever it raises is an error of ours."""
        if self._wire is None:
            self._wire = made(self.address, self._make)
        try:
            return await mended(self._wire, ask)
        except ToolsRefused:
            if self._described is not None:
                self._described = replace(self._described, tools=False)
            raise
        except LocalLLMError as error:
            if isinstance(error, ModelNotFound) or trouble.lost(error):
                self._described = None  # who is there the next time may be another one
            raise

    async def _in_turn(self, ask: Callable[[Wire], Awaitable[T]]) -> T:
        async with self._turn():
            return await self._told(ask)

    @contextlib.asynccontextmanager
    async def _turn(self, emit: Emit | None = None) -> AsyncIterator[None]:
        """Our turn at a server that takes few requests at once."""
        at_once = self._described.at_once if self._described is not None else 0
        if not at_once:
            yield
            return
        if self._turns is None:
            self._turns = asyncio.Semaphore(at_once)
        if self._turns.locked() and emit is not None:
            emit(Status("waiting", f"{self.address.url} answers one after the other: waiting"))
        async with self._turns:
            yield

    async def _answer(self, job: Job, emit: Emit, begun: float, unloads: int) -> None:
        if unloads != self._unloads:  # between two events of the answer, when there was nothing to cancel yet
            raise self._unloaded()
        talk, remote = Talk(job, emit, begun), self.remote
        async with self._turn(emit):
            ended = await self._told(lambda wire: _heard(wire, job, talk))
        if ended is None:
            self._described = None
            raise trouble.unended(self.address, talk.pieces)
        usage = ended.usage
        if usage is None:  # counted as far as that can be done here: a piece mostly is a token
            usage = Usage(sum(self._size(message.content) for message in job.prompt.messages), 0, talk.pieces)
        if job.logprobs is not None and not talk.has_logprobs:
            silent = Note("unsent", "the server gives no log-probabilities")
            ended = replace(ended, notes=(*ended.notes, silent))
        emit(Done(talk.result(ended, usage, self._name, remote)))


async def _heard(wire: Wire, job: Job, talk: Talk) -> Ended | None:
    """Listen to the end; None if there is none. A stop string ends it here, and the connection with it."""
    async with contextlib.aclosing(wire.chat(job)) as pieces:
        with contextlib.suppress(StopAsyncIteration):
            heard = await anext(pieces)
            while isinstance(heard, Piece):
                stopped = talk.take(heard)
                endless = not stopped and talk.pieces > job.max_tokens + _SLACK  # a piece is a token at least
                heard = await pieces.asend(stopped or endless)
                if endless and isinstance(heard, Ended):
                    note = Note("unsent", "the server does not keep to max_tokens")
                    return replace(heard, finish="length", notes=(*heard.notes, note))
            return heard
    return None


async def _nothing() -> None:
    return None
