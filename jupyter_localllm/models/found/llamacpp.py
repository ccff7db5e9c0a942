"""The cache of llama.cpp's own programs (``fs_get_cache_directory`` in its ``common.cpp``).

Older versions keep ``OWNER_REPOSITORY_FILE.gguf`` there; newer ones use the cache of huggingface_hub.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jupyter_localllm.models.found.base import Machine, Spot, stem, walk

__all__ = ["PLACE", "spots"]

PLACE = "llama.cpp"


def spots(machine: Machine) -> Iterator[Spot]:
    """Yield the GGUF files of its cache."""
    for path in walk(_folder(machine), 0, machine.allowance):
        yield Spot(path, stem(path), PLACE)


def _folder(machine: Machine) -> Path:
    chosen = machine.named("LLAMA_CACHE")
    if chosen:
        return chosen
    if machine.platform == "win32":
        return machine.local_data / "llama.cpp"
    if machine.platform == "darwin":
        return machine.home / "Library" / "Caches" / "llama.cpp"
    return machine.cache / "llama.cpp"
