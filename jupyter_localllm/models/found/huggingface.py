"""The cache of huggingface_hub, which transformers, llama.cpp and others fill.

Layout (``file_download.py`` of huggingface_hub): ``models--OWNER--NAME/snapshots/COMMIT/PATH`` are links into
``blobs/``, whose names are the sha256 of large files. Where links are not allowed (Windows), the files themselves lie
in ``snapshots``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from jupyter_localllm.models.found.base import Machine, Spot, stem, walk

__all__ = ["PLACE", "hub_folder", "kept_under", "spots"]

PLACE = "Hugging Face"
_DEPTH = 2  # folders in a repository
_SHA256 = re.compile(r"[0-9a-f]{64}")


def spots(machine: Machine) -> Iterator[Spot]:
    """Yield the GGUF files of all repositories; of several revisions each."""
    for repository in _folders(hub_folder(machine), "models--"):
        for revision in _folders(repository / "snapshots"):
            for path in walk(revision, _DEPTH, machine.allowance):
                yield Spot(path, stem(path), PLACE, kept_under(path))


def hub_folder(machine: Machine) -> Path:
    """The folder in which Hugging Face's tools keep what they fetched, by their own environment variables."""
    chosen = machine.named("HF_HUB_CACHE") or machine.named("HUGGINGFACE_HUB_CACHE")
    return chosen or (machine.named("HF_HOME") or machine.cache / "huggingface") / "hub"


def kept_under(path: Path) -> str:
    """The hash under which that cache keeps a large file; ``""`` for others."""
    folder, name = os.path.split(os.path.realpath(path))
    return name if os.path.basename(folder) == "blobs" and _SHA256.fullmatch(name) else ""


def _folders(root: Path, prefix: str = "") -> list[Path]:
    try:
        return sorted(entry for entry in root.iterdir() if entry.name.startswith(prefix) and os.path.isdir(entry))
    except OSError:
        return []
