"""How fast many answers are written together."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from benchmarks.ours import Bench, handle
from benchmarks.reference import Batched
from benchmarks.spread import row
from benchmarks.texts import SUBJECTS, sources
from jupyter_localllm import LocalLLM

__all__ = ["mapping", "same_work", "tail_tokens"]

SEQUENCES = (8, 16)
_TOKENS = 64  # of each answer
_HEAD_TOKENS = 200
_QUESTION = "\n\nThat is all. Write a very long story about {{ value }}"


def mapping(bench: Bench) -> list[dict[str, Any]]:
    """Generated tokens of a map over 64 rows, through the time of the whole map, beside what llama.cpp would take.

    ``llama-batched-bench`` reads one shared prompt and then only generates; a map reads the end of each row's prompt,
    too. So its two speeds, measured in the same round, are put together to the time that it would take for the same
    work: the shared prompt once and the rows' ends at its prompt speed, all generated tokens at its speed of
    generation. The ratio to the speed of generation alone stands beside that.
    """
    return [line for sequences in SEQUENCES for line in _mapping(bench, sequences)]


def _mapping(bench: Bench, sequences: int) -> list[dict[str, Any]]:
    tools, same, alone, shape = bench.reference, [], [], {}
    with handle(bench, n_parallel=sequences, speculation=False) as llm:
        for i in range(bench.rounds + 1):  # the first one warms up
            template = sources(i, _HEAD_TOKENS, llm.count_tokens) + _QUESTION
            head, ends = _prompt_tokens(llm, template)

            def ours(template: str = template) -> tuple[int, float]:
                return _map(llm, template)

            def theirs(head: int = head) -> Batched:
                return tools.batched(bench.common, prompt=head, tokens=_TOKENS, sequences=sequences)

            (tokens, seconds), batched = _both(i, ours, theirs)
            if i:
                same.append((tokens / seconds, tokens / same_work(batched, head + ends, tokens)))
                alone.append((tokens / seconds, batched.generated_per_second))
            shape = {"shared": head, "ends": ends, "generated": tokens, "rows": len(SUBJECTS)}
    what = f"total tokens/s of map, 64 rows with a shared prefix, {sequences} sequences"
    tool = f"llama-batched-bench -pps -kvu -npl {sequences}"
    return [
        row(what, f"{tool}, for the same prompts and answers", same, unit="tokens/s", at_least=0.9, tokens=shape),
        row(what, f"{tool}, generation alone", alone, unit="tokens/s", tokens=shape),
    ]


def _both(i: int, ours: Callable[[], tuple[int, float]], theirs: Callable[[], Batched]) -> Any:
    if i % 2:
        other = theirs()
        return ours(), other
    own = ours()
    return own, theirs()


def _map(llm: LocalLLM, template: str) -> tuple[int, float]:
    """Generated tokens and seconds."""
    told: list[Any] = []
    begun = time.perf_counter()
    llm.map(template, list(SUBJECTS), max_tokens=_TOKENS, cache="off", progress=told.append)
    return told[-1].tokens, time.perf_counter() - begun


def same_work(batched: Batched, prompt: int, generated: int) -> float:
    """Seconds that llama.cpp takes for so many tokens of prompts and answers."""
    return prompt / batched.prompt_per_second + generated / batched.generated_per_second


def _prompt_tokens(llm: LocalLLM, template: str) -> tuple[int, int]:
    """Tokens of what all rows share, and of all their ends together."""
    texts, sizes = [], []
    for subject in SUBJECTS:
        plan = llm.plan(template.replace("{{ value }}", subject), max_tokens=_TOKENS)
        texts.append("".join(plan.fitted.prompt.pieces))
        sizes.append(plan.fitted.tokens)
    first, last = min(texts), max(texts)  # what these two share, all share
    shared = next(i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    ends = [tail_tokens(text[shared:], plan.info.control, llm.count_tokens) for text in texts]
    return sizes[0] - ends[0], sum(ends)


def tail_tokens(text: str, control: tuple[str, ...], count: Callable[[str], int]) -> int:
    """Tokens of a piece of a rendered prompt: each control token is one, the text between them is counted."""
    marks = [mark for mark in sorted(control, key=len, reverse=True) if mark]
    if not marks:
        return count(text)
    parts = re.split("|".join(map(re.escape, marks)), text)
    return len(parts) - 1 + sum(count(part) for part in parts if part)
