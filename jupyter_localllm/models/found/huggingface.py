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

__all__ = ["PLACE", "spots"]

PLACE = "Hugging Face"
_DEPTH = 2  # folders in a repository
_SHA256 = re.compile(r"[0-9a-f]{64}")


def spots(machine: Machine) -> Iterator[Spot]:
    """Yield the GGUF files of all repositories; of several revisions each."""
    for root in dict.fromkeys(_roots(machine)):
        for repository in _folders(root, "models--"):
            for revision in _folders(repository / "snapshots"):
                for path in walk(revision, _DEPTH, machine.allowance):
                    blob = os.path.basename(os.path.realpath(path))
                    yield Spot(path, stem(path), PLACE, blob if _SHA256.fullmatch(blob) else "")


def _roots(machine: Machine) -> Iterator[Path]:
    chosen = machine.named("HF_HUB_CACHE") or machine.named("HUGGINGFACE_HUB_CACHE")
    yield chosen or (machine.named("HF_HOME") or machine.cache / "huggingface") / "hub"


def _folders(root: Path, prefix: str = "") -> list[Path]:
    try:
        return sorted(entry for entry in root.iterdir() if entry.name.startswith(prefix) and os.path.isdir(entry))
    except OSError:
        return []
