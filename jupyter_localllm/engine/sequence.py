"""One request on its way through a model: what it has read, what it has written, what its reader was told.

Used on the owner's thread only. A scheduler decides when it gets its turn and runs the model; what runs it, how tokens
are made of text, and where keys and values lie is the engine's. So all engines that choose tokens themselves do it
here: constraints, reasoning, stop strings, log-probabilities.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from jupyter_localllm.engine.needs import Chooser, Gate, Place, Words
from jupyter_localllm.engine.owner import Ticket
from jupyter_localllm.engine.text import REASONING_MARKS, TextStream
from jupyter_localllm.errors import ContextOverflow
from jupyter_localllm.types import Done, FinishReason, Job, Result, Status, Timings, Token, TokenLogprob, Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.engine.constraint import Matcher

__all__ = ["Clock", "Sequence", "check_fit"]

_PROMPT_SECONDS = 0.1
_OPENINGS = frozenset(mark.open.encode() for mark in REASONING_MARKS)


P = TypeVar("P", bound=Place)


def check_fit(tokens: list[int], job: Job, n_ctx: int) -> None:
    """Refuse a prompt that leaves no room for its answer, or that says nothing.

    Raises
    ------
    ContextOverflow
    """
    if not tokens:
        raise ContextOverflow("the prompt is empty: there is nothing to answer", "Write something in the cell.")
    if len(tokens) + job.max_tokens > n_ctx:
        raise ContextOverflow(
            f"the prompt has {len(tokens):,} tokens and the answer may have {job.max_tokens:,}, together "
            f"more than the window of {n_ctx:,}",
            "Shorten the prompt, lower max_tokens, or raise the window: %config LocalLLM.n_ctx",
        )


@dataclass
class Clock:
    """When things happened, by ``time.perf_counter()`` in seconds."""

    begun: float
    load_ms: float = 0.0
    prompt_begun: float = 0.0
    prompt_done: float = 0.0
    first: float = 0.0
    told: float = 0.0


class _First:
    """A matcher at the first token, which may open a reasoning channel instead."""

    def __init__(self, matcher: Matcher, opens: Callable[[int], bool]) -> None:
        self._matcher, self._opens = matcher, opens

    def allows(self, token: int) -> bool:
        return self._opens(token) or self._matcher.allows(token)

    def restrict(self, logits: NDArray[np.float32]) -> None:
        self._matcher.restrict(logits)


@dataclass
class Sequence(Generic[P]):
    """A request.

    Parameters
    ----------
    job : Job
    ticket : Ticket
        Who waits for it.
    tokens : list of int
        The prompt.
    vocab : Words
    clock : Clock
    name : str
        The model's name, for the result.
    matcher : Matcher or None
        Of the job's constraint.
    """

    job: Job
    ticket: Ticket
    tokens: list[int]
    vocab: Words
    clock: Clock
    name: str = ""
    matcher: Matcher | None = None
    slot: P | None = None
    sampler: Chooser | None = None
    cached: int = 0  # prompt tokens that were in the cache
    used: int = 0  # tokens written
    history: list[int] = field(default_factory=list)  # prompt and answer so far
    last: int = -1  # the last one, which is not read yet
    finished: bool = False
    pins: list[int] = field(default_factory=list)  # token offsets that are still to come, the nearest one last

    def __post_init__(self) -> None:
        self._stream = TextStream(self.job.stop, self.job.prompt.reasoning, self.job.opens)
        self._piece = self.vocab.showing(self.job.shown)
        self._text = {"answer": "", "reasoning": ""}
        self._pending: list[Token] = []  # text that was not told yet
        self._unsaid: list[int] = []  # tokens whose text was not made yet
        self._pieces_seconds = self.job.pieces_ms / 1000
        # Whether each token's text must be known before the next one is chosen.
        self._each = bool(self.job.stop) or self.matcher is not None or self.job.reasoning_tokens is not None
        self._logprobs: list[TokenLogprob] = []
        self._forced: deque[int] = deque()
        self._reasoned = 0
        self.history = list(self.tokens)

    @property
    def most(self) -> int:
        """Cells that it may take: the last token that is written is never read."""
        return len(self.tokens) + self.job.max_tokens

    @property
    def position(self) -> int:
        """How many tokens the model has read."""
        return len(self.slot.tokens) if self.slot is not None else 0

    @property
    def reading(self) -> bool:
        """Whether part of the prompt is still to be read."""
        return self.used == 0 and self.position < len(self.tokens)

    def admitted(self, slot: P, sampler: Chooser) -> None:
        """It has a place now."""
        self.slot, self.sampler, self.cached = slot, sampler, len(slot.tokens)
        self.clock.prompt_begun = self.clock.told = time.perf_counter()
        self.pins = [pin for pin in self.pins if pin > self.cached]

    def next_chunk(self, most: int) -> list[int]:
        """The next prompt tokens to read: at most so many, and not beyond the next pin."""
        end = min(self.position + most, len(self.tokens), self.pins[-1] if self.pins else len(self.tokens))
        return self.tokens[self.position : end]

    def read(self) -> None:
        """A chunk of the prompt was read."""
        now = time.perf_counter()
        if not self.reading:
            self.clock.prompt_done = now
        elif now - self.clock.told > _PROMPT_SECONDS:
            self.clock.told = now
            total = len(self.tokens)
            self.ticket.emit(Status("prompt", f"reading the prompt ({total:,} tokens)", self.position / total))

    def write(self, logits: NDArray[np.float32]) -> int:
        """Choose the next token and say it; the token. `finished` tells whether it was the last one."""
        token = self._choose(logits)
        now = time.perf_counter()
        self.clock.first = self.clock.first or now
        if self.vocab.ends(token):
            self._finish("stop")
            return token
        opens = self.used == 0 and self._opens(token)
        self.used += 1
        self.last = token
        self.history.append(token)
        self._unsaid.append(token)
        if self._constrained and not opens:
            self.matcher.advance(token)  # type: ignore[union-attr]  # it is there if it constrains
        # Memory is cold after each step, so that even a little work takes long: text waits for a few tokens, unless
        # it decides what comes next.
        if self._each or self.used == 1 or now - self.clock.told >= self._pieces_seconds:
            self._say(now)
        if self._stream.stopped or (self._constrained and self.matcher.finished):  # type: ignore[union-attr]
            self._finish("stop")
        elif self.used >= self.job.max_tokens:
            self._finish("length")
        return token

    def end(self, error: Exception | None = None) -> None:
        """Leave: cancelled, or with an error."""
        if not self.finished:
            self.finished = True
            if error is None:
                self.ticket.finish()
            else:
                self.ticket.fail(error)
        if self.sampler is not None:
            self.sampler.close()
            self.sampler = None

    @property
    def _constrained(self) -> bool:
        return self.matcher is not None and not self._stream.reasoning

    def _choose(self, logits: NDArray[np.float32]) -> int:
        raw = logits.copy() if self.job.logprobs is not None and self.matcher is not None else logits
        token = self._forced_token()
        if token is None:
            assert self.sampler is not None
            token = self.sampler.choose(logits, self._mask())
            if self.matcher is not None and self._stream.reasoning and self.vocab.ends(token):
                # An end of the reasoning is none of the answer, which is not even begun.
                self._forced.extend(self.vocab.tokens(self._stream.closing, special=True))
                token = self._forced.popleft()
        if self.job.logprobs is not None and not self.vocab.ends(token):
            self._logprobs.append(self._logprob(raw, token, self.job.logprobs))
        return token

    def _mask(self) -> Gate | None:
        """What the next token must pass, if it belongs to the answer."""
        if self.matcher is None or not self._constrained:
            return None
        return _First(self.matcher, self._opens) if self.used == 0 else self.matcher

    def _opens(self, token: int) -> bool:
        """Whether a model that thinks opens the channel by this token: its first, before any answer."""
        return self.used == 0 and self.vocab.piece(token).strip() in _OPENINGS

    def _forced_token(self) -> int | None:
        """A token that is not the model's choice: the end of a reasoning that has used up its budget."""
        budget = self.job.reasoning_tokens
        if budget is not None and self._stream.reasoning and not self._forced:
            if self._reasoned >= budget:
                self._forced.extend(self.vocab.tokens(self._stream.closing, special=True))
            self._reasoned += 1
        if not self._forced:
            return None
        token = self._forced.popleft()
        assert self.sampler is not None
        self.sampler.accept((token,))
        return token

    def _say(self, now: float) -> None:
        """Make text of the tokens that came since, and tell the reader if it is time."""
        pieces = b"".join(map(self._piece, self._unsaid))
        self._unsaid.clear()
        self._pending += self._stream.feed(pieces)
        if self._pending and (self.used == 1 or now - self.clock.told >= self._pieces_seconds):
            self._tell(now)

    def _tell(self, now: float) -> None:
        for channel, tokens in itertools.groupby(self._pending, key=lambda token: token.channel):
            text = "".join(token.text for token in tokens)
            self._text[channel] += text
            self.ticket.emit(Token(text, channel))
        self._pending.clear()
        self.clock.told = now

    def _finish(self, reason: FinishReason) -> None:
        now = time.perf_counter()
        self._say(now)
        self._pending += self._stream.finish()
        self._tell(now)
        self.ticket.emit(Done(self._result(reason, now)))
        self.end()

    def _result(self, finish: FinishReason, now: float) -> Result:
        clock = self.clock
        reading, writing = clock.prompt_done - clock.prompt_begun, now - clock.first
        timings = Timings(
            ttft_ms=(clock.first - clock.begun) * 1000,
            latency_ms=(now - clock.begun) * 1000,
            load_ms=clock.load_ms,
            prompt_tokens_per_second=(len(self.tokens) - self.cached) / max(reading, 1e-9),
            tokens_per_second=(self.used - 1) / max(writing, 1e-9) if self.used > 1 else 0.0,
        )
        return Result(
            self._text["answer"],
            self._text["reasoning"],
            finish,
            Usage(len(self.tokens), self.cached, self.used),
            timings,
            self.name,
            logprobs=tuple(self._logprobs),
        )

    def _logprob(self, logits: NDArray[np.float32], token: int, count: int) -> TokenLogprob:
        """Log-probabilities without sorting the vocabulary: a sum, and the few best by partition."""
        import numpy as np

        count = min(count, len(logits))
        highest = float(logits.max())
        total = highest + math.log(float(np.exp(logits - highest, dtype=np.float32).sum(dtype=np.float64)))
        best = np.argpartition(logits, -count)[-count:] if count else np.empty(0, dtype=np.intp)
        best = best[np.argsort(-logits[best], kind="stable")]
        top = tuple((self._label(int(t)), float(logits[t]) - total) for t in best)
        return TokenLogprob(self._label(token), float(logits[token]) - total, top)

    def _label(self, token: int) -> str:
        return self.vocab.piece(token).decode("utf-8", "replace") or self.vocab.text(token)
