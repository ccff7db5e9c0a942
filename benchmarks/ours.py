"""Our own side: handles through the public API, and answers with a clock beside them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reference import Reference
from jupyter_localllm import LocalLLM
from jupyter_localllm.types import Done, Event, Token

__all__ = ["SYSTEM", "Answer", "Bench", "Missing", "handle", "timed", "writes"]

SYSTEM = "You are a helpful assistant."


class Missing(Exception):
    """Something that a row needs is not there; the report says what."""


@dataclass(frozen=True)
class Answer:
    """What came of one request, on anybody's side.

    ``tokens_per_second`` is that of the tokens after the first one.
    """

    first_ms: float
    tokens_per_second: float
    tokens: int
    text: str = ""
    finish: str = ""
    prompt_tokens: int = 0


@dataclass(frozen=True)
class Bench:
    """What all rows share.

    Parameters
    ----------
    model : Path
        The GGUF, on every side.
    threads : int
        Threads that decode, on every side.
    rounds : int
        How often each pair is measured.
    folder : Path
        For the cache and for logs; private to the run.
    tools : Reference or None
    gpu_layers : int
        0, or -1 for all.
    """

    model: Path
    threads: int
    rounds: int
    folder: Path
    tools: Reference | None = None
    gpu_layers: int = 0

    @property
    def reference(self) -> Reference:
        """llama.cpp's tools."""
        if self.tools is None:
            raise Missing("llama.cpp's tools: --reference DIR names them, --build-reference DIR makes them")
        return self.tools

    @property
    def common(self) -> tuple[object, ...]:
        """Arguments that all of llama.cpp's tools get."""
        return ("-m", self.model, "-t", self.threads, "-ngl", 999 if self.gpu_layers else 0)


@contextlib.contextmanager
def handle(bench: Bench, *, needs: Iterable[str] = (), **settings: Any) -> Iterator[LocalLLM]:
    """A loaded model with these settings, put away afterwards.

    Settings that this version does not know are left out, unless the row `needs` them.
    """
    common = {
        "model": str(bench.model),
        "n_threads": bench.threads,
        "n_gpu_layers": bench.gpu_layers,
        "cache_dir": str(bench.folder / "cache"),
        "system": SYSTEM,
        "calibrate": False,  # both sides get the same threads and batch sizes
        "n_ctx": 4096,
    }
    known = set(LocalLLM.setting_names())
    lacking = sorted(set(needs) - known)
    if lacking:
        raise Missing(f"the settings {', '.join(lacking)}")
    llm = LocalLLM(**{name: value for name, value in {**common, **settings}.items() if name in known})
    try:
        llm.load()
        yield llm
    finally:
        llm.close()


def timed(events: Iterable[Event]) -> Answer:
    """Run a stream to its end and keep the time.

    The speed is the lower one of two: what the consumer sees between the first piece and the end (a piece may hold
    several tokens, which would flatter the first one), and what the engine says.
    """
    begun, first = time.perf_counter(), None
    for event in events:
        if isinstance(event, Token) and first is None:
            first = time.perf_counter()
        if isinstance(event, Done):
            end, result = time.perf_counter(), event.result
            break
    else:
        raise RuntimeError("the stream ended without a result")
    if first is None:
        raise RuntimeError("the answer is empty")
    tokens = result.usage.completion_tokens
    seen, said = (tokens - 1) / max(end - first, 1e-9), result.timings.tokens_per_second
    return Answer(
        first_ms=(first - begun) * 1000,
        tokens_per_second=min(seen, said) if said > 0 else seen,
        tokens=tokens,
        text=result.text,
        finish=result.finish_reason,
        prompt_tokens=result.usage.prompt_tokens,
    )


def writes(llm: LocalLLM, prompts: Iterable[str], tokens: int) -> tuple[str, Answer]:
    """The first of the prompts that this model answers with so many tokens, and the answer; it warms up, too."""
    longest = 0
    for prompt in prompts:
        answer = timed(llm.stream(prompt, max_tokens=tokens, cache="off"))
        if answer.tokens == tokens:
            return prompt, answer
        longest = max(longest, answer.tokens)
    raise Missing(f"a prompt that the model answers with {tokens} tokens; the longest answer had {longest}")
