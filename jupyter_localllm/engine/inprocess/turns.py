"""Several answers of one model, a step of each in turn. Used on the owner's thread only."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from jupyter_localllm.engine.inprocess.network import Network
from jupyter_localllm.engine.inprocess.places import Held, Places
from jupyter_localllm.engine.inprocess.sampler import Sampler
from jupyter_localllm.engine.sequence import Sequence
from jupyter_localllm.errors import EngineError, LocalLLMError
from jupyter_localllm.types import Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Turns"]

_UNASKED_SECONDS = 0.02  # so long an answer that is alone goes on without a look at who else is there


class Turns:
    """The requests of one network.

    Parameters
    ----------
    network : Network
    n_ctx : int
        The window, which all running answers share.
    n_parallel : int
        Most answers that run at the same time; others wait.
    """

    def __init__(self, network: Network, n_ctx: int, n_parallel: int) -> None:
        self._network, self._n_ctx, self._n_parallel = network, n_ctx, n_parallel
        self._places = Places(network, n_ctx)
        self._waiting: deque[Sequence[Held]] = deque()
        self._running: deque[Sequence[Held]] = deque()
        self._stopped = False

    def add(self, sequence: Sequence[Held]) -> None:
        """Take a request."""
        ahead = len(self._waiting) + len(self._running)
        self._waiting.append(sequence)
        self._admit()
        if sequence.slot is None and not sequence.finished:
            requests = f"{ahead} request{'s' if ahead != 1 else ''}"
            sequence.ticket.emit(Status("waiting", f"waiting for {requests} ahead ({len(self._running)} running)"))

    def step(self) -> bool:
        """One step of the next answer; whether there is more to do."""
        if self._stopped:  # the owner may come by once more when the model is gone
            return False
        self._leave()
        self._admit()
        if not self._running:
            return False
        sequence = self._running[0]
        self._running.rotate(-1)
        until = time.perf_counter() + _UNASKED_SECONDS
        try:
            self._advance(sequence)
            while len(self._running) == 1 and not self._waiting and time.perf_counter() < until:
                if sequence.finished or sequence.ticket.cancelled or sequence.reading:
                    break
                self._advance(sequence)
        except Exception as error:  # whoever waits hears of it; the others' answers go on
            self._fail(sequence, error)
        self._leave()
        return bool(self._running or self._waiting)

    def stop(self) -> None:
        """End everything; the tickets say why. Nothing of the model is touched afterwards."""
        self._stopped = True
        for sequence in [*self._running, *self._waiting]:
            sequence.end()
        self._running.clear()
        self._waiting.clear()
        self._places.clear()

    def _advance(self, sequence: Sequence[Held]) -> None:
        """Read the next piece of the prompt, or the last token; write a token if there is nothing more to read."""
        held, network = sequence.slot, self._network
        assert held is not None
        if not sequence.reading:
            logits = network.logits([sequence.last], held.cache)
            held.tokens.append(sequence.last)
            sequence.write(_numbers(logits))
            return
        piece = sequence.next_chunk(network.grid - sequence.position % network.grid)
        if sequence.position + len(piece) < len(sequence.tokens):
            network.read(piece, held.cache)
            held.tokens += piece
            sequence.read()
            return
        logits = network.logits(piece, held.cache)
        held.tokens += piece
        sequence.read()
        sequence.write(_numbers(logits))

    def _leave(self) -> None:
        """Let go of what is finished or cancelled."""
        for sequence in [s for s in self._running if s.finished or s.ticket.cancelled]:
            self._running.remove(sequence)
            sequence.end()
            if sequence.slot is not None:
                self._places.release(sequence.slot, keep=True)
        for sequence in [s for s in self._waiting if s.ticket.cancelled]:
            self._waiting.remove(sequence)
            sequence.end()

    def _admit(self) -> None:
        """Let requests in, in their order, as long as there is room."""
        while self._waiting and len(self._running) < self._n_parallel:
            sequence = self._waiting[0]
            try:
                held = self._places.place(sequence.tokens, sequence.most)
            except Exception as error:
                self._waiting.popleft()
                sequence.end(_told(error))
                continue
            if held is None:
                return
            self._waiting.popleft()
            sequence.admitted(held, Sampler(sequence.job.sampling, sequence.tokens, self._n_ctx))
            self._running.append(sequence)

    def _fail(self, sequence: Sequence[Held], error: Exception) -> None:
        sequence.end(_told(error))
        self._running.remove(sequence)
        if sequence.slot is not None:
            self._places.release(sequence.slot, keep=False)  # nobody knows what of it was read


def _numbers(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logits, if they are any: where 16 bits are too narrow for a model, nothing after that is an answer."""
    if not logits.max() < float("inf"):
        raise EngineError(
            "the model gave logits that are no numbers",
            "Its files may be damaged, or 16 bits too narrow for it; a GGUF file of the model runs by llama.cpp.",
        )
    return logits


def _told(error: Exception) -> LocalLLMError:
    """An error as people read it: the libraries' own words, and what to do where memory ran out."""
    if isinstance(error, LocalLLMError):
        return error
    words = f"{type(error).__name__}: {error}".strip()
    told = EngineError(f"the engine failed: {words[:500]}")
    if isinstance(error, MemoryError) or "out of memory" in words.lower() or "OutOfMemory" in words:
        told = EngineError(
            f"memory ran out while the model worked: {words[:300]}",
            "Shorten the prompt, lower n_ctx, choose a smaller model, or free memory: %llm unload",
        )
    told.__cause__ = error
    return told
