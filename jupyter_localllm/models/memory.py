"""How much memory a model takes, before it takes it.

The formulas follow what llama.cpp allocates (``llama_kv_cache`` and the reserved compute graph). Compared with what
llama-cpp-python 0.3.36 reports on a CPU; MiB, the estimate in brackets:

========================================== ============= ================ ==================
model, flash attention                     n_ctx/n_ubatch KV buffer        compute buffer
========================================== ============= ================ ==================
SmolLM2-135M-Instruct Q4_1, on             2048/512      45.00 (45.00)    102.51 (102.50)
SmolLM2-135M-Instruct Q4_1, on             8192/512      180.00 (180.00)  98.25 (108.50)
SmolLM2-135M-Instruct Q4_1, on             8192/64       180.00 (180.00)  12.28 (13.56)
SmolLM2-135M-Instruct Q4_1, off            2048/512      45.00 (45.00)    99.38 (104.50)
SmolLM2-135M-Instruct Q4_1, off            8192/512      180.00 (180.00)  166.38 (167.88)
SmolLM2-135M-Instruct Q4_1, on, KV in q8_0 2048/512      23.91 (23.91)    99.38 (102.50)
SmolLM2-135M-Instruct Q4_1, on, KV in q8_0 8192/512      95.62 (95.62)    99.38 (108.50)
========================================== ============= ================ ==================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jupyter_localllm.errors import ModelMemoryError, SettingsError
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.free_memory import available_bytes
from jupyter_localllm.types import ModelFile

__all__ = [
    "COMFORTABLE_SHARE",
    "KV_BYTES",
    "LEAST_CONTEXT",
    "USUAL_CONTEXT",
    "MemoryEstimate",
    "available_bytes",
    "estimate",
    "plan_context",
    "plan_layers",
]

KV_BYTES = {"f32": 4.0, "f16": 2.0, "q8_0": 34 / 32}
"""Bytes of one number in the KV cache; q8_0 holds 32 numbers of 8 bits and their scale of 16."""

_STEP = 256  # llama.cpp rounds a context up to a multiple of it
USUAL_CONTEXT = 16_384
LEAST_CONTEXT = 2_048
COMFORTABLE_SHARE = 0.6  # of the free memory; the rest is the user's: hours of variables live beside the model
_VRAM_RESERVE = 1 << 30  # what llama.cpp's own tools leave free (--fit-target)


@dataclass(frozen=True)
class MemoryEstimate:
    """What a model takes with a window of `n_ctx` tokens, in bytes.

    Parameters
    ----------
    weights_bytes : int
        All tensors.
    kv_bytes : int
        Keys and values of a full window (an upper bound for sliding-window, recurrent and hybrid models).
    compute_bytes : int
        Buffer for intermediate results of one batch.
    total_bytes : int
        Their sum.
    available_bytes : int
        Free for this process when the estimate was made.
    n_ctx : int
        Window in tokens.
    """

    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    total_bytes: int
    available_bytes: int
    n_ctx: int

    @property
    def fits(self) -> bool:
        """Whether that much is available."""
        return self.total_bytes <= self.available_bytes


def estimate(
    model: ModelFile,
    n_ctx: int,
    *,
    n_ubatch: int = 512,
    kv_element_bytes: float = 2,
    flash_attention: bool = True,
    available: int | None = None,
) -> MemoryEstimate:
    """Estimate what a model takes.

    Parameters
    ----------
    model : ModelFile
    n_ctx : int
        Window in tokens, of all sequences together.
    n_ubatch : int
        Prompt tokens decoded in one piece.
    kv_element_bytes : float
        Bytes of one number in the KV cache, see `KV_BYTES`.
    flash_attention : bool
        Whether it is on (llama.cpp's own choice on a CPU); off, the scores of all heads need a buffer of their own.
    available : int, optional
        Free bytes; measured if not given.

    Returns
    -------
    MemoryEstimate

    Examples
    --------
    >>> smol = ModelFile("smol", "", "", 0, "llama", 8192, 96_576_768, 23_040, 49_152, 576, 1536, 30, 9)
    >>> estimate(smol, 8192).kv_bytes / 2**20
    180.0
    """
    cells = -(-n_ctx // _STEP) * _STEP
    kv = int(model.kv_bytes_per_token * cells * kv_element_bytes / 2)
    compute = _compute_bytes(model, cells, min(n_ubatch, cells), flash_attention)
    free = available_bytes() if available is None else available
    return MemoryEstimate(model.weights_bytes, kv, compute, model.weights_bytes + kv + compute, free, n_ctx)


def _compute_bytes(model: ModelFile, cells: int, n_ubatch: int, flash_attention: bool) -> int:
    """Estimate the compute buffer: what lives at the same time in the greediest of three phases, as 32-bit numbers.

    The phases are attention (queries, keys, values and, without flash attention, the scores of every head), the
    feed-forward block (gate, up and their product) and the logits. Beside each live the residual stream with its
    copies, and the attention mask.
    """
    row = 4 * n_ubatch
    stream = row * model.n_embd
    attention = 3 * stream + (0 if flash_attention else row * cells * model.n_head)
    mask = row * cells // (2 if flash_attention else 1)  # F16 with flash attention
    return max(attention, 3 * row * model.n_ff, row * model.n_vocab) + 4 * stream + mask


def plan_context(
    model: ModelFile,
    n_ctx: int | None,
    *,
    available: int | None = None,
    n_ubatch: int = 512,
    flash_attention: bool = True,
    kv_element_bytes: float = 2,
) -> MemoryEstimate:
    """Choose the window, or check the chosen one, against the free memory.

    Parameters
    ----------
    model : ModelFile
    n_ctx : int or None
        Window in tokens. ``None`` chooses the smallest of the training length, 16,384, and what keeps the total under
        60 % of the free memory (a multiple of 256), but at least 2,048 (or the training length, if that is less).
    available : int, optional
        Free bytes; measured if not given.
    n_ubatch : int
        Prompt tokens decoded in one piece.
    flash_attention : bool
        Whether it is on.
    kv_element_bytes : float
        Bytes of one number in the KV cache, see `KV_BYTES`.

    Returns
    -------
    MemoryEstimate

    Raises
    ------
    ModelMemoryError
        It does not fit; message and hint hold every figure, and the window that would fit.
    SettingsError
        `n_ctx` is not positive.
    """
    free = available_bytes() if available is None else available

    def at(tokens: int) -> MemoryEstimate:
        return estimate(
            model,
            tokens,
            n_ubatch=n_ubatch,
            kv_element_bytes=kv_element_bytes,
            flash_attention=flash_attention,
            available=free,
        )

    if n_ctx is not None:
        if n_ctx < 1:
            raise SettingsError(f"n_ctx is {n_ctx}", "Give the window in tokens, or leave it out.")
        chosen = at(n_ctx)
    else:
        least = min(model.n_ctx_train, LEAST_CONTEXT)
        comfortable = _largest(at, min(model.n_ctx_train, USUAL_CONTEXT), int(free * COMFORTABLE_SHARE))
        chosen = at(max(least, comfortable))
    if not chosen.fits:
        raise _too_large(model, chosen, _largest(at, chosen.n_ctx, free))
    return chosen


def plan_layers(
    model: ModelFile,
    n_ctx: int,
    free_vram_bytes: int,
    *,
    n_ubatch: int = 512,
    kv_element_bytes: float = 2,
    flash_attention: bool = True,
    reserve_bytes: int = _VRAM_RESERVE,
) -> int:
    """Choose how many layers go to a GPU: ``n_gpu_layers`` for llama.cpp.

    llama.cpp fills a GPU from the model's end: one "layer" more than the model has is the output. A layer takes its
    keys and values with it, and the compute buffer comes in any case. The file's header does not say here how large a
    single layer is, so it counts as its share of all weights, embeddings included: a little more than it is.

    Parameters
    ----------
    model : ModelFile
    n_ctx : int
        Window in tokens.
    free_vram_bytes : int
        Free memory of the GPU (of all GPUs, where there are several).
    n_ubatch, kv_element_bytes, flash_attention
        As for `estimate`.
    reserve_bytes : int
        What must stay free.

    Returns
    -------
    int
        -1 when everything fits, else the number of layers that fit, 0 if none does.

    Examples
    --------
    >>> smol = ModelFile("smol", "", "", 0, "llama", 8192, 96_576_768, 23_040, 49_152, 576, 1536, 30, 9)
    >>> [plan_layers(smol, 8192, gib << 30) for gib in (1, 2)]
    [0, -1]
    """
    whole = estimate(
        model,
        n_ctx,
        n_ubatch=n_ubatch,
        kv_element_bytes=kv_element_bytes,
        flash_attention=flash_attention,
        available=max(0, free_vram_bytes - reserve_bytes),
    )
    if whole.fits:
        return -1
    output = min(2 * model.n_vocab * model.n_embd, whole.weights_bytes)  # at 16 bits; it may be stored in fewer
    left = whole.available_bytes - whole.compute_bytes - output
    if left < 0 or model.n_layer < 1:
        return 0
    layer = (whole.weights_bytes + whole.kv_bytes) / model.n_layer
    repeating = min(int(left / layer), model.n_layer - 1) if layer else 0
    return repeating + 1 if repeating else 0  # the output alone is not worth the way there and back


def _largest(at: Callable[[int], MemoryEstimate], most: int, budget: int) -> int:
    """Find the largest window up to `most` whose total stays in the budget: `most` itself, or a multiple of 256."""
    if at(most).total_bytes <= budget:
        return most
    low, high = 0, most // _STEP  # the total grows with the window, so halving finds it
    while low < high:
        middle = (low + high + 1) // 2
        if at(middle * _STEP).total_bytes <= budget:
            low = middle
        else:
            high = middle - 1
    return low * _STEP


def _too_large(model: ModelFile, needed: MemoryEstimate, would_fit: int) -> ModelMemoryError:
    message = (
        f"{model.name} needs {size_text(needed.total_bytes)} with a window of {needed.n_ctx:,} tokens "
        f"({size_text(needed.weights_bytes)} weights, {size_text(needed.kv_bytes)} keys and values, "
        f"{size_text(needed.compute_bytes)} compute buffer), and {size_text(needed.available_bytes)} are free."
    )
    free_some = "free memory (%llm unload, del large variables)"
    if would_fit:
        return ModelMemoryError(
            message, f"A window of {would_fit:,} tokens would fit: n_ctx={would_fit}; or {free_some}."
        )
    hint = f"No window fits: {free_some}, or choose a smaller model or a stronger quantization."
    return ModelMemoryError(message, hint)
