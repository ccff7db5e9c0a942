"""What decides whether two handles can share one model that was loaded from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FolderSettings", "Quantization"]

Quantization = Literal["auto", "4bit", "none"]


@dataclass(frozen=True)
class FolderSettings:
    """How a model is loaded.

    Parameters
    ----------
    n_ctx : int
        Window in tokens, of all answers together; 0: what the model was trained with, and memory allows.
    n_threads : int
        Threads of PyTorch in the engine's thread; 0 leaves PyTorch's own. MLX has no such setting.
    n_parallel : int
        Most answers that take turns.
    gpu : bool
        Whether a GPU may be used, if there is one.
    quantization : {"auto", "4bit", "none"}
        Of the weights while they are loaded; ``"auto"``: 4 bits where CUDA is and 16 do not fit.
    """

    n_ctx: int = 0
    n_threads: int = 0
    n_parallel: int = 4
    gpu: bool = True
    quantization: Quantization = "auto"
