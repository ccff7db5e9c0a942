"""How fast one answer is written: plain, under a schema, beside a busy main thread, with speculation."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from benchmarks.ours import SYSTEM, Answer, Bench, Missing, handle, timed, writes
from benchmarks.peers import Child, child_options
from benchmarks.spread import alternate, row, spread
from benchmarks.texts import ANSWERS, COPIES, COPY, SCHEMAS, STORIES
from jupyter_localllm import LocalLLM
from jupyter_localllm.constrain import JsonSchema

__all__ = ["against_high_level", "against_llama_bench", "beside_python", "copied", "schemas", "speculating"]

LENGTHS = (128, 2000)
_VERBATIM = 100  # tokens
_LONGEST = 400  # tokens of an answer under a schema


def against_llama_bench(bench: Bench) -> list[dict[str, Any]]:
    """Streamed tokens/s, and those of ``llama-bench`` which decodes as many random tokens after as many others."""
    tools, rows = bench.reference, []
    with handle(bench, speculation=False) as llm:
        for tokens in LENGTHS:
            prompt, answer = writes(llm, STORIES, tokens)
            pairs = alternate(
                bench.rounds,
                partial(_speed, llm, prompt, tokens),
                partial(tools.generation, bench.common, tokens=tokens, depth=answer.prompt_tokens),
            )
            rows.append(
                row(
                    f"streamed tokens/s through llm.stream, {tokens} tokens, sampling and text included",
                    f"llama-bench -p 0 -n {tokens} -d {answer.prompt_tokens} -fa on",
                    pairs,
                    unit="tokens/s",
                    at_least=0.97,
                )
            )
    return rows


def against_high_level(bench: Bench) -> list[dict[str, Any]]:
    """Streamed tokens/s, and those of ``Llama.create_chat_completion(stream=True)``.

    The gate is against it as people get it (``flash_attn`` is off by default); with it on stands beside that.
    """
    rows = []
    with handle(bench, speculation=False) as llm:
        for tokens, bar in zip(LENGTHS, (1.15, 1.4), strict=True):
            prompt, _ = writes(llm, STORIES, tokens)
            for flash, gate in ((False, bar), (True, None)):
                pairs = _beside_child(bench, llm, prompt, tokens, flash)
                rows.append(
                    row(
                        f"streamed tokens/s through llm.stream, {tokens} tokens",
                        "llama_cpp.Llama.create_chat_completion(stream=True), "
                        + ("flash_attn=True" if flash else "flash_attn as by default (off)"),
                        pairs,
                        unit="tokens/s",
                        at_least=gate,
                    )
                )
    return rows


def _beside_child(bench: Bench, llm: LocalLLM, prompt: str, tokens: int, flash: bool) -> list[tuple[float, float]]:
    peer = Child("llama", bench.folder / "llama.log", **child_options(bench, flash_attn=flash))
    try:
        peer.ask(SYSTEM, prompt, 16)  # the first one warms up
        return alternate(
            bench.rounds,
            partial(_speed, llm, prompt, tokens),
            lambda: float(peer.ask(SYSTEM, prompt, tokens)["tokens_per_second"]),
        )
    finally:
        peer.close()


def schemas(bench: Bench) -> list[dict[str, Any]]:
    """Tokens/s under each schema, and of the free answer to the same question, cut at the same length."""
    rows = []
    with handle(bench, speculation=False) as llm:
        for name, (prompt, schema) in SCHEMAS.items():
            answer = _constrained(llm, prompt, schema, _LONGEST)  # the first one compiles the schema
            free = timed(llm.stream(prompt, max_tokens=answer.tokens, cache="off"))
            tokens = min(answer.tokens, free.tokens)  # both stand as deep in the window
            pairs = alternate(
                bench.rounds,
                partial(_constrained_speed, llm, prompt, schema, tokens),
                partial(_speed, llm, prompt, tokens),
            )
            rows.append(
                row(
                    f"tokens/s under a JSON schema: {name}",
                    "our own answer to the same question without one, cut at the same length",
                    pairs,
                    unit="tokens/s",
                    at_least=0.95,
                    tokens=tokens,
                    finish=answer.finish,
                    fits=_fits(answer.text, schema) if answer.finish == "stop" else "cut",
                )
            )
    return rows


def _constrained(llm: LocalLLM, prompt: str, schema: dict[str, Any], tokens: int) -> Answer:
    return timed(llm.stream(prompt, max_tokens=tokens, cache="off", constraint=JsonSchema(schema)))


def _constrained_speed(llm: LocalLLM, prompt: str, schema: dict[str, Any], tokens: int) -> float:
    return _constrained(llm, prompt, schema, tokens).tokens_per_second


def _fits(text: str, schema: dict[str, Any]) -> bool:
    import jsonschema  # type: ignore[import-untyped]

    try:
        jsonschema.validate(json.loads(text), schema)
    except (ValueError, jsonschema.ValidationError):
        return False
    return True


def beside_python(bench: Bench) -> list[dict[str, Any]]:
    """Tokens/s of an answer that a thread consumes while the main thread runs Python, and while it waits.

    Threads are left to the engine here: it may take fewer of them where another thread computes.
    """
    rows = []
    for isolation, bar in (("kernel", 0.4), ("process", 0.5)):
        needs = ("isolation",) if isolation == "process" else ()
        with handle(bench, needs=needs, isolation=isolation, n_threads=0, speculation=False) as llm:
            prompt, _ = writes(llm, STORIES, 256)
            pairs = alternate(
                bench.rounds,
                partial(_consumed, llm, prompt, busy=True),
                partial(_consumed, llm, prompt, busy=False),
            )
        rows.append(
            row(
                f'tokens/s while the main thread runs a pure Python loop, all cores allowed, isolation="{isolation}"',
                "the same with the main thread waiting",
                pairs,
                unit="tokens/s",
                at_least=bar,
            )
        )
    return rows


def _consumed(llm: LocalLLM, prompt: str, *, busy: bool) -> float:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(_speed, llm, prompt, 256)
        count = 0
        while busy and not answer.done():
            for _ in range(1000):
                count += 1
        return answer.result()


def speculating(bench: Bench) -> list[dict[str, Any]]:
    """Tokens/s with speculation and without: of verbatim copies, and of answers that copy nothing."""
    needs = ("speculation",)
    with handle(bench, needs=needs, speculation=True) as on, handle(bench, needs=needs, speculation=False) as off:
        copies = _copies(off)
        return [
            _speculation(
                bench, "verbatim copies of at least 100 tokens", (on, off), [p for p, _ in copies], at_least=1.3
            )
            | {"copied_tokens": [tokens for _, tokens in copies]},
            _speculation(bench, "other answers", (on, off), ANSWERS, at_least=0.98),
        ]


def _copies(llm: LocalLLM) -> list[tuple[str, int]]:
    found = []
    for text in COPIES:
        answer = timed(llm.stream(COPY + text, max_tokens=300, cache="off"))
        tokens = copied(text, answer.text, llm.count_tokens)
        if tokens >= _VERBATIM:
            found.append((COPY + text, tokens))
    if not found:
        raise Missing(f"a text of which the model copies {_VERBATIM} tokens when asked to")
    return found


def copied(source: str, answer: str, count: Callable[[str], int]) -> int:
    """Tokens of the longest piece of `answer` that stands in `source`."""
    match = difflib.SequenceMatcher(None, source, answer, autojunk=False).find_longest_match()
    return count(source[match.a : match.a + match.size]) if match.size else 0


def _speculation(
    bench: Bench, what: str, handles: tuple[LocalLLM, LocalLLM], prompts: Iterable[str], *, at_least: float
) -> dict[str, Any]:
    (on, off), pairs, each = handles, [], {}
    for prompt in prompts:
        found = alternate(bench.rounds, partial(_speed, on, prompt, 300), partial(_speed, off, prompt, 300))
        each[prompt.removeprefix(COPY)[:40]] = spread([ours / other for ours, other in found])
        pairs += found
    return row(
        f"tokens/s with speculation: {what}", "the same without", pairs, unit="tokens/s", at_least=at_least, each=each
    )


def _speed(llm: LocalLLM, prompt: str, tokens: int) -> float:
    return timed(llm.stream(prompt, max_tokens=tokens, cache="off")).tokens_per_second
