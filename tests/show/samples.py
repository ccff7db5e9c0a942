"""Events and results that several tests share."""

from __future__ import annotations

from dataclasses import replace

from jupyter_localllm.types import Done, Event, Note, Provenance, Result, Sampling, Status, Timings, Token, Usage

MODEL = "smollm2-135m-instruct"
TEXT = "The capital of France is **Paris**."
RESULT = Result(
    TEXT,
    usage=Usage(prompt_tokens=31, cached_prompt_tokens=5, completion_tokens=9),
    timings=Timings(ttft_ms=80.0, latency_ms=1500.0, tokens_per_second=118.4),
    model=MODEL,
    provenance=Provenance(
        model=MODEL,
        model_sha256="ab" * 32,
        sampling={"temperature": Sampling().temperature, "seed": 1},
        max_tokens=1024,
        stop=("###",),
        prompt_sha256="cd" * 32,
        sources={"df": "ef" * 32},
        key="12" * 32,
        versions={"jupyter_localllm": "0.1"},
    ),
)
WORDS = tuple(Token(word) for word in ("The capital", " of France", " is **Par", "is**."))
EVENTS: tuple[Event, ...] = (Status("loading", "loading", 0.45), *WORDS, Done(RESULT))


def result(text: str = TEXT, **values: object) -> Result:
    """Another result with the same figures."""
    return replace(RESULT, text=text, **values)  # type: ignore[arg-type]


def note(code: str) -> Note:
    return Note(code, f"this is {code}")
