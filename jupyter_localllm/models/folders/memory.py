"""Whether a model folder fits in memory, and with what window."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_localllm.errors import ModelMemoryError, SettingsError
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.free_memory import available_bytes
from jupyter_localllm.types import ModelFolder

__all__ = ["FolderPlan", "plan_folder"]

_USUAL_CONTEXT = 16_384
_LEAST_CONTEXT = 2_048
_SHARE = 0.6  # of the free memory; the rest is the user's: hours of variables live beside the model


@dataclass(frozen=True)
class FolderPlan:
    """How a folder is loaded into main memory.

    Parameters
    ----------
    n_ctx : int
        Window in tokens.
    bytes_per_number : int
        4 where it computes in 32 bits, 2 in 16.
    total_bytes : int
        Weights and a full window.
    """

    n_ctx: int
    bytes_per_number: int
    total_bytes: int


def plan_folder(
    model: ModelFolder, n_ctx: int = 0, *, widths: tuple[int, ...] = (4, 2), available: int | None = None
) -> FolderPlan:
    """Decide on numbers and window.

    Parameters
    ----------
    model : ModelFolder
    n_ctx : int
        The window that was asked for; 0: what it was trained with, at most 16,384, and less where memory is short.
    widths : tuple of int
        Bytes of a number, in the order in which they are tried. Packed weights stay as they lie on disk.
    available : int, optional
        Free bytes; measured if not given.

    Raises
    ------
    ModelMemoryError
        It does not fit.
    SettingsError
        The window is longer than the model was trained with.
    """
    if n_ctx > model.n_ctx_train:
        raise SettingsError(
            f"n_ctx is {n_ctx:,}, and {model.name} was trained with {model.n_ctx_train:,} tokens",
            f"%config LocalLLM.n_ctx = {model.n_ctx_train}",
        )
    free = available_bytes() if available is None else available
    wanted, least = min(model.n_ctx_train, _USUAL_CONTEXT), min(model.n_ctx_train, _LEAST_CONTEXT)
    for width in widths:
        weights = model.size_bytes if model.packed else model.n_weights * width
        each = max(1, model.kv_numbers_per_token * width)
        roomy = int(_SHARE * free - weights) // each // 256 * 256
        window = n_ctx or max(least, min(wanted, roomy))
        total = weights + window * each
        if total <= (free if width == widths[-1] else _SHARE * free):  # the narrow numbers before the last memory
            return FolderPlan(window, width, total)
    raise ModelMemoryError(
        f"{model.name} needs {size_text(total)} with a window of {window:,} tokens ({size_text(weights)} weights, "
        f"{size_text(window * each)} keys and values), and {size_text(free)} are free.",
        "Close other programs, lower n_ctx, or take a smaller model; a GGUF file in Q4_K_M takes a quarter.",
    )
