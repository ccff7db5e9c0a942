"""Which models fit now, and which one to take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jupyter_localllm.errors import ModelMemoryError
from jupyter_localllm.models.catalog import CatalogEntry, catalog
from jupyter_localllm.models.checks import library_knows
from jupyter_localllm.models.facts import Facts
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.memory import COMFORTABLE_SHARE, LEAST_CONTEXT, MemoryEstimate, estimate, plan_context
from jupyter_localllm.models.shape import ModelShape
from jupyter_localllm.models.survey import OnDisk
from jupyter_localllm.types import ModelFile

__all__ = [
    "Fit",
    "Verdict",
    "Wish",
    "fit",
    "memory_words",
    "quantization_words",
    "recommend",
    "too_new",
    "why_not",
    "windows",
]

Verdict = Literal["yes", "tight", "no", "unknown"]

_BYTES_PER_CORE = 600_000_000  # of weights: each token reads them all, and a core reads some 5 to 10 GB a second
_BITS = re.compile(r"(?:I?Q|TQ|MXFP)(\d)")


@dataclass(frozen=True)
class Wish:
    """What a person set, and what the machine has.

    Parameters
    ----------
    free_bytes : int
        Memory that may still be taken.
    n_ctx : int or None
        Window in tokens, if a person chose one.
    kv_element_bytes : float
        Bytes of one number in the KV cache.
    cores : int
        That may be used; 0 where a GPU does the work, or where nobody knows.
    """

    free_bytes: int
    n_ctx: int | None = None
    kv_element_bytes: float = 2.0
    cores: int = 0


@dataclass(frozen=True)
class Fit:
    """Whether a model fits, and what it takes."""

    verdict: Verdict
    memory: MemoryEstimate | None = None


def fit(name: str, shape: ModelShape | None, weights_bytes: int, wish: Wish) -> Fit:
    """Judge whether a model can be loaded now.

    Returns
    -------
    Fit
        ``"yes"`` where it takes at most 60 % of the free memory, ``"tight"`` where more, ``"no"`` where it does not fit
        with any window; the memory is that of the window which it would get.
    """
    if shape is None or not weights_bytes:
        return Fit("unknown")
    values = {**vars(shape), "weights_bytes": weights_bytes}
    model = ModelFile(name, "", "", weights_bytes, "", **values)
    kv, free = wish.kv_element_bytes, wish.free_bytes
    try:
        needed = plan_context(model, wish.n_ctx, available=free, kv_element_bytes=kv)
    except ModelMemoryError:
        return Fit("no", estimate(model, wish.n_ctx or LEAST_CONTEXT, available=free, kv_element_bytes=kv))
    return Fit("yes" if needed.total_bytes <= COMFORTABLE_SHARE * free else "tight", needed)


def windows(shape: ModelShape, weights_bytes: int, wish: Wish) -> list[MemoryEstimate]:
    """Estimate the memory by the length of the window: 2,048 tokens, and each doubling up to the trained one."""
    model = ModelFile("", "", "", weights_bytes, "", **{**vars(shape), "weights_bytes": weights_bytes})
    lengths = [length for length in (LEAST_CONTEXT << step for step in range(8)) if length < shape.n_ctx_train]
    return [
        estimate(model, length, available=wish.free_bytes, kv_element_bytes=wish.kv_element_bytes)
        for length in (*lengths, shape.n_ctx_train)
    ]


def recommend(here: Sequence[OnDisk], wish: Wish) -> tuple[OnDisk | None, CatalogEntry | None]:
    """Choose one model that is here, and one that could be fetched if that is better.

    The larger a chat model, the better it answers, as long as it leaves memory for the variables and the cores can read
    its weights often enough: at most 0.6 GB of weights for each core, where no GPU does it.

    Returns
    -------
    here : OnDisk or None
    better : CatalogEntry or None
        Of the catalog, with at least one and a half times as many parameters; None if there is none.
    """

    def good(name: str, shape: ModelShape | None, weights: int) -> bool:
        quick = not wish.cores or weights <= wish.cores * _BYTES_PER_CORE
        return quick and fit(name, shape, weights, wish).verdict == "yes"

    usable = [one for one in here if one.facts.kind == "chat" and not why_not(one.facts)]
    usable = [one for one in usable if good(one.name, one.facts.shape, one.facts.size_bytes)]
    best = max(usable, key=lambda one: (one.facts.parameters, one.facts.size_bytes), default=None)
    known = {one.entry.name for one in here if one.entry is not None}
    others = [
        entry
        for entry in catalog()
        if entry.kind == "chat"
        and entry.name not in known
        and not too_new(entry.architecture)
        and good(entry.name, entry.shape, entry.bytes_of(entry.usual))
    ]
    better = max(others, key=lambda entry: entry.parameters, default=None)
    if better is not None and best is not None and better.parameters < 1.5 * best.facts.parameters:
        better = None
    return best, better


def quantization_words(quantization: str) -> str:
    """Say what a quantization means for the answers; ``""`` for the usual ones.

    Examples
    --------
    >>> quantization_words("Q3_K_M")
    'below 4 bits: answers get noticeably worse; Q4_K_M is the usual choice'
    >>> quantization_words("Q4_K_M")
    ''
    """
    match = _BITS.match(quantization.upper())
    bits = int(match[1]) if match else 16 if "16" in quantization else 32 if "32" in quantization else 0
    if not bits or quantization.upper() == "Q4_K_M":
        return ""
    if bits < 4:
        return "below 4 bits: answers get noticeably worse; Q4_K_M is the usual choice"
    if bits in (5, 6):
        return "a little closer to the original than Q4_K_M, and larger and slower by about a fifth to a third"
    if bits == 8:
        return "next to the original; about three quarters larger and slower than Q4_K_M"
    if bits >= 16:
        return "not quantized: three times as large and slow as Q4_K_M, or more"
    return ""


def memory_words(name: str, facts: Facts, wish: Wish) -> str:
    """Say what a model will take, and the window that it gets."""
    judged = fit(name, facts.shape, facts.size_bytes, wish)
    memory = judged.memory
    if memory is None or facts.shape is None:
        return size_text(facts.size_bytes)
    weights, keys, compute = (size_text(n) for n in (memory.weights_bytes, memory.kv_bytes, memory.compute_bytes))
    parts = f"{weights} weights, {keys} keys and values, {compute} compute"
    window = f"window {memory.n_ctx:,} of {facts.shape.n_ctx_train:,} tokens"
    state = {"no": "does not fit", "tight": "is tight"}.get(judged.verdict, "fits")
    return f"{size_text(memory.total_bytes)}: {parts}; {window}; {state}: {size_text(memory.available_bytes)} are free"


_NOT_FOR = {
    "embedding": "it is an embedding model, which makes vectors. Use it for those: embedding_model, or llm.embed.",
    "reranker": "it is a reranker, which scores texts and writes none.",
    "adapter": "it is a LoRA adapter, which changes a model. Give it beside one: --adapter.",
    "projector": "it is a projector (eyes or ears), and its model is another file.",
}


def too_new(architecture: str) -> bool:
    """Whether the installed llama.cpp lacks an architecture."""
    return bool(architecture) and not library_knows(architecture)


def why_not(facts: Facts) -> str:
    """Say why a file cannot answer here; ``""`` if it can."""
    if facts.problem:
        return facts.problem
    if not facts.writes:
        return _NOT_FOR.get(facts.kind, "it is no model.")
    if too_new(facts.architecture):
        return f"the installed llama.cpp does not know its architecture, {facts.architecture}."
    return ""
