"""What decides whether two handles can share one loaded model."""

from __future__ import annotations

import os
from dataclasses import dataclass

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
        Most prompt tokens in one native call.
    n_gpu_layers : int
        Layers on the GPU; -1 for all. Without GPU support in the build it changes nothing.
    adapter : str
        Path of a LoRA adapter (GGUF), or ``""``.
    """

    n_ctx: int
    n_threads: int = 0
    n_batch: int = 512
    n_gpu_layers: int = 0
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
