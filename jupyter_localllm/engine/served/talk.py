"""One answer on its way from a server: whole characters, reasoning apart, no more often than wanted, measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from jupyter_localllm.engine.served.loop import Emit
from jupyter_localllm.engine.served.wire import Ended, Piece
from jupyter_localllm.engine.text import TextStream
from jupyter_localllm.types import Job, Provenance, Result, Timings, Token, TokenLogprob, Usage

__all__ = ["Talk"]


class Talk:
    """What came of an answer so far.

    Parameters
    ----------
    job : Job
    emit : callable
        Takes the events.
    begun : float
        When the answer was asked for (``time.perf_counter()``).
    """

    def __init__(self, job: Job, emit: Emit, begun: float) -> None:
        self._job, self._begun = job, begun
        self._stream = TextStream(job.stop, job.prompt.reasoning)
        self._paced = _Paced(emit, job.pieces_ms / 1000)
        self._text = {"answer": "", "reasoning": ""}
        self._logprobs: list[TokenLogprob] = []
        self._first = self._last = 0.0
        self.pieces = 0

    @property
    def text(self) -> str:
        """Answer and reasoning."""
        return self._text["reasoning"] + self._text["answer"]

    @property
    def has_logprobs(self) -> bool:
        """Whether the server told any."""
        return bool(self._logprobs)

    def take(self, piece: Piece) -> bool:
        """Take a piece; whether the answer ends here, by a stop string."""
        self._last = time.perf_counter()
        self._first = self._first or self._last
        self.pieces += 1
        self._logprobs += piece.logprobs
        if piece.reasoning:
            said = piece.reasoning if self._text["reasoning"] else piece.reasoning.lstrip()
            self._say(Token(said, "reasoning"))
        for token in self._stream.feed(piece.text.encode("utf-8", "replace")):
            self._say(token)
        return self._stream.stopped

    def result(self, ended: Ended, usage: Usage, name: str, remote: str) -> Result:
        """All of it, when nothing more will come."""
        for token in self._stream.finish():
            self._say(token)
        self._paced.flush()
        now = time.perf_counter()
        first, last = self._first or now, self._last or now
        reading, writing = max(first - self._begun, 1e-9), last - first
        timings = Timings(
            ttft_ms=reading * 1000,
            latency_ms=(now - self._begun) * 1000,
            prompt_tokens_per_second=max(0, usage.prompt_tokens - usage.cached_prompt_tokens) / reading,
            tokens_per_second=(usage.completion_tokens - 1) / writing if writing > 0 else 0.0,
            **ended.times,
        )
        return Result(
            self._text["answer"],
            self._text["reasoning"],
            "stop" if self._stream.stopped else ended.finish,
            usage,
            timings,
            name,
            notes=ended.notes,
            provenance=Provenance(remote=remote),
            logprobs=tuple(self._logprobs),
            calls=ended.calls,
        )

    def _say(self, token: Token) -> None:
        if token.text:
            self._text[token.channel] += token.text
            self._paced.say(token)


class _Paced:
    """Hands tokens on, those that come too soon after each other as one."""

    def __init__(self, emit: Callable[[Token], None], seconds: float) -> None:
        self._emit, self._seconds = emit, seconds
        self._waiting: list[Token] = []
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def say(self, token: Token) -> None:
        last = self._waiting[-1] if self._waiting else None
        if last is not None and last.channel == token.channel:
            self._waiting[-1] = Token(last.text + token.text, token.channel)
        else:
            self._waiting.append(token)
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next:
            self.flush()
        elif self._timer is None:
            self._timer = loop.call_at(self._next, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._next = asyncio.get_running_loop().time() + self._seconds
        for token in self._waiting:
            self._emit(token)
        self._waiting.clear()
