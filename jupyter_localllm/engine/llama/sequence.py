"""One request on its way through a resident model. Used on the owner's thread only."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator

from jupyter_localllm.engine.llama.native import Native
from jupyter_localllm.engine.llama.resident import Resident
from jupyter_localllm.engine.llama.sampler import Sampler
from jupyter_localllm.engine.text import TextStream
from jupyter_localllm.errors import ContextOverflow
from jupyter_localllm.types import Done, Event, FinishReason, Job, Result, Status, Timings, Token, Usage

__all__ = ["Sequence"]


class Sequence:
    """Prompt chunks, then one token after the other.

    ``for events in sequence.steps()`` makes one native call for each round, so that whoever drives it can stop, or give
    another sequence its turn, between any two.

    Parameters
    ----------
    native : Native
    resident : Resident
    job : Job
    name : str
        The model's name, for the result.
    begun : float
        ``time.perf_counter()`` of the request.
    load_ms : float
        What loading took within this request.

    Raises
    ------
    ContextOverflow
        The prompt and the answer do not fit together in the window.
    """

    def __init__(
        self, native: Native, resident: Resident, job: Job, *, name: str, begun: float, load_ms: float = 0.0
    ) -> None:
        self._resident, self._job, self._name = resident, job, name
        self._begun, self._load_ms = begun, load_ms
        self._tokens = resident.vocab.prompt(job.prompt.pieces)
        if not self._tokens:
            raise ContextOverflow("the prompt is empty: there is nothing to answer", "Write something in the cell.")
        if len(self._tokens) + job.max_tokens > resident.n_ctx:
            raise ContextOverflow(
                f"the prompt has {len(self._tokens):,} tokens and the answer may have {job.max_tokens:,}, together "
                f"more than the window of {resident.n_ctx:,}",
                "Shorten the prompt, lower --max-tokens, or raise the window: %config LocalLLM.n_ctx",
            )
        self._sampler = Sampler(native, job.sampling, resident.vocab.size, resident.n_ctx)
        self._stream = TextStream(job.stop, job.prompt.reasoning)
        self._text = {"answer": "", "reasoning": ""}
        self._used = 0
        self._prompt_done = self._first = 0.0

    def steps(self) -> Iterator[list[Event]]:
        """The events of each step; the last one ends with `Done`."""
        try:
            yield from self._read()
            finish = yield from self._write()
            events: list[Event] = [*self._take(self._stream.finish())]
            yield [*events, Done(self._result(finish))]
        finally:
            self._sampler.close()

    def _read(self) -> Iterator[list[Event]]:
        resident, tokens, size = self._resident, self._tokens, self._resident.n_batch
        resident.forget()
        self._prompt_begun = time.perf_counter()
        for at in range(0, len(tokens), size):
            chunk = tokens[at : at + size]
            if len(tokens) > size:
                yield [Status("prompt", f"reading the prompt ({len(tokens):,} tokens)", at / len(tokens))]
            resident.decode(chunk, at, logits=at + len(chunk) == len(tokens))
        self._prompt_done = time.perf_counter()
        last_n = self._job.sampling.repeat_last_n
        self._sampler.accept(tokens[-last_n:] if last_n > 0 else tokens)
        yield []

    def _write(self) -> Generator[list[Event], None, FinishReason]:
        resident, vocab, position = self._resident, self._resident.vocab, len(self._tokens)
        while self._used < self._job.max_tokens:
            token = self._sampler.choose(resident.context, -1)
            self._first = self._first or time.perf_counter()
            if vocab.ends(token):
                return "stop"
            self._used += 1
            yield [*self._take(self._stream.feed(vocab.piece(token)))]
            if self._stream.stopped:
                return "stop"
            if self._used == self._job.max_tokens:
                break
            resident.decode((token,), position, logits=True)
            position += 1
        return "length"

    def _take(self, tokens: list[Token]) -> list[Token]:
        for token in tokens:
            self._text[token.channel] += token.text
        return tokens

    def _result(self, finish: FinishReason) -> Result:
        now = time.perf_counter()
        reading, writing = self._prompt_done - self._prompt_begun, now - self._first
        timings = Timings(
            ttft_ms=(self._first - self._begun) * 1000,
            latency_ms=(now - self._begun) * 1000,
            load_ms=self._load_ms,
            prompt_tokens_per_second=len(self._tokens) / max(reading, 1e-9),
            tokens_per_second=(self._used - 1) / max(writing, 1e-9) if self._used > 1 else 0.0,
        )
        usage = Usage(len(self._tokens), 0, self._used)
        return Result(self._text["answer"], self._text["reasoning"], finish, usage, timings, self._name)
