"""Whether a model folder fits in memory, and with what window."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_localllm.errors import ModelMemoryError, SettingsError
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.memory import COMFORTABLE_SHARE, LEAST_CONTEXT, USUAL_CONTEXT, available_bytes
from jupyter_localllm.types import FolderPlan, ModelFolder, Precision

__all__ = ["plan_folder"]


def plan_folder(
    model: ModelFolder, precisions: Sequence[Precision], n_ctx: int = 0, available: int | None = None
) -> FolderPlan:
    """Decide on numbers and window.

    Parameters
    ----------
    model : ModelFolder
    precisions : sequence of Precision
        In the order in which they are tried; all but the last must leave room. Packed weights stay as on disk.
    n_ctx : int
        The window that was asked for; 0: what it was trained with, at most 16,384, and less where memory is short.
    available : int, optional
        Free bytes; those of the main memory if not given.

    Raises
    ------
    ModelMemoryError
        It does not fit.
    SettingsError
        The window is longer than the model was trained with.

    Examples
    --------
    >>> model = ModelFolder("m", "", "", 2_000_000_000, 1_000_000_000, "LlamaForCausalLM", 4096, 2048, 32_768)
    >>> single, half = Precision("float32", 4, 4), Precision("bfloat16", 2, 2)
    >>> [plan_folder(model, (single, half), available=gb * 10**9).precision.name for gb in (8, 4)]
    ['float32', 'bfloat16']
    """
    if n_ctx > model.n_ctx_train:
        raise SettingsError(
            f"n_ctx is {n_ctx:,}, and {model.name} was trained with {model.n_ctx_train:,} tokens",
            f"%config LocalLLM.n_ctx = {model.n_ctx_train}",
        )
    free = available_bytes() if available is None else available
    wanted, least = min(model.n_ctx_train, USUAL_CONTEXT), min(model.n_ctx_train, LEAST_CONTEXT)
    weights = window = total = 0
    for precision in precisions:
        stored = model.packed or not precision.weight_bytes
        weights = model.size_bytes if stored else int(model.n_weights * precision.weight_bytes)
        each = max(1, int(model.kv_numbers_per_token * precision.cache_bytes))
        roomy = int(COMFORTABLE_SHARE * free - weights) // each // 256 * 256
        window = n_ctx or max(least, min(wanted, roomy))
        total = weights + window * each
        if total <= (free if precision is precisions[-1] else COMFORTABLE_SHARE * free):
            return FolderPlan(window, precision, total)
    raise ModelMemoryError(
        f"{model.name} needs {size_text(total)} with a window of {window:,} tokens ({size_text(weights)} weights, "
        f"{size_text(total - weights)} keys and values), and {size_text(free)} are free.",
        "Close other programs, lower n_ctx, or take a smaller model; a GGUF file in Q4_K_M takes a quarter.",
    )
