"""What decides whether two handles can share one loaded model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

__all__ = ["LlamaSettings", "usable_cores"]


@dataclass(frozen=True)
class LlamaSettings:
    """How a model is loaded.

    Parameters
    ----------
    n_ctx : int
        Window in tokens.
    n_threads : int
        Threads that decode; 0 for the physical cores that this process may use.
    n_batch : int
        Most tokens in one native call.
    n_ubatch : int
        Most tokens in one pass through the model; the compute buffer grows with it. At most `n_batch`.
    n_parallel : int
        Most sequences in one batch, those that are kept for their prefixes included.
    n_gpu_layers : int
        Layers on the GPU; -1 for all. Without GPU support in the build it changes nothing.
    flash_attn : bool or None
        Flash attention; None leaves it to llama.cpp.
    cache_type : {"f16", "q8_0"}
        Numbers of the KV cache.
    speculation : bool
        Whether tokens may be guessed ahead and verified together.
    draft : str
        Path of a small model (GGUF) with the same vocabulary that guesses; ``""``: guesses come from the text so far.
    adapter : str
        Path of a LoRA adapter (GGUF), or ``""``.
    """

    n_ctx: int
    n_threads: int = 0
    n_batch: int = 512
    n_ubatch: int = 512
    n_parallel: int = 32
    n_gpu_layers: int = 0
    flash_attn: bool | None = None
    cache_type: Literal["f16", "q8_0"] = "f16"
    speculation: bool = True
    draft: str = ""
    adapter: str = ""


def usable_cores() -> int:
    """Physical cores that this process may use.

    Hyperthreads do not speed decoding up, and neither do cores that affinity or a container's quota keeps away.
    """
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    logical, physical = psutil.cpu_count() or allowed, psutil.cpu_count(logical=False) or allowed
    cores = min(allowed, max(1, round(allowed * physical / logical)))
    return max(1, min(cores, _quota() or cores))


def _quota() -> int | None:
    """Whole CPUs of the container's quota (cgroup v2), or None."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            limit, period = file.read().split()
        return max(1, round(int(limit) / int(period)))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return None
