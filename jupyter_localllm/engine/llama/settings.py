"""What decides whether two handles can share one loaded model."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["LlamaSettings", "usable_cores"]


@dataclass(frozen=True)
class LlamaSettings:
    """How a model is loaded.

    The names are those of the settings that people set; None, 0 and ``"auto"`` leave the choice to calibration, the
    machine, or llama.cpp.

    Parameters
    ----------
    n_ctx : int
        Window in tokens, of all sequences together; 0: what the model was trained with and memory allows.
    n_threads : int
        Threads that decode; 0: what calibration found, or the physical cores that this process may use.
    n_batch : int
        Most tokens in one native call.
    n_ubatch : int
        Most tokens in one pass through the model; the compute buffer grows with it. At most `n_batch`; 0: what
        calibration found, or 512.
    n_parallel : int
        Most answers that are written at the same time; some more sequences are kept for what was read before.
    n_gpu_layers : int or None
        Layers on the GPU; -1: all; None: as many as its free memory holds, none without GPU support in the build.
    flash_attn : {"auto", "on", "off"}
        Flash attention.
    kv_cache_type : {"f16", "q8_0"}
        Numbers of the KV cache.
    speculation : bool
        Whether tokens may be guessed ahead and verified together.
    draft_model : str
        Path of a small model (GGUF) with the same vocabulary that guesses; ``""``: guesses come from the text so far.
    adapter : str
        Path of a LoRA adapter (GGUF), or ``""``.
    verbose : bool
        Whether llama.cpp's log goes to stderr. Handles that differ in nothing else share a model.
    """

    n_ctx: int = 0
    n_threads: int = 0
    n_batch: int = 512
    n_ubatch: int = 0
    n_parallel: int = 32
    n_gpu_layers: int | None = 0
    flash_attn: Literal["auto", "on", "off"] = "auto"
    kv_cache_type: Literal["f16", "q8_0"] = "f16"
    speculation: bool = True
    draft_model: str = ""
    adapter: str = ""
    verbose: bool = field(default=False, compare=False)


def usable_cores(*, logical: bool = False) -> int:
    """Physical cores that this process may use; `logical` counts hyperthreads, too.

    Hyperthreads seldom speed decoding up, and neither do cores that affinity or a container's quota keeps away.
    """
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads, physical = psutil.cpu_count() or allowed, psutil.cpu_count(logical=False) or allowed
    cores = allowed if logical else min(allowed, max(1, round(allowed * physical / threads)))
    return max(1, min(cores, _quota() or cores))


def _quota() -> int | None:
    """Whole CPUs of the container's quota (cgroup v2), or None."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            limit, period = file.read().split()
        return max(1, round(int(limit) / int(period)))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return None
