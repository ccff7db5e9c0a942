"""Ollama's models, by their manifests.

Layout (``manifest/`` and ``types/model/name.go`` of Ollama): ``manifests/HOST/NAMESPACE/MODEL/TAG`` is JSON; its layer
of the type ``application/vnd.ollama.image.model`` is the GGUF, whose content lies in ``blobs/sha256-<hex>``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_localllm.models.found.base import Machine, Spot

__all__ = ["PLACE", "spots"]

PLACE = "Ollama"
_HOST, _NAMESPACE = "registry.ollama.ai", "library"
_MODEL_LAYER = "application/vnd.ollama.image.model"
_ADAPTER_LAYER = "application/vnd.ollama.image.adapter"
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_MOST_MANIFEST_BYTES = 1 << 20


def spots(machine: Machine) -> Iterator[Spot]:
    """Yield the model of each tag."""
    for root in _roots(machine):
        try:
            manifests = sorted((root / "manifests").glob("*/*/*/*"))
        except OSError:
            continue
        for manifest in manifests:
            digest = _digest(manifest)
            blob = root / "blobs" / f"sha256-{digest}"
            if digest and os.path.isfile(blob):
                yield Spot(blob.absolute(), _tag(*manifest.parts[-4:]), PLACE, digest)


def _roots(machine: Machine) -> list[Path]:
    chosen = machine.named("OLLAMA_MODELS")
    usual = [machine.home / ".ollama" / "models", machine.shared / "ollama" / ".ollama" / "models"]  # user's, service's
    return [chosen] if chosen else usual


def _tag(host: str, namespace: str, model: str, tag: str) -> str:
    """Name a model as ``ollama list`` does: what is usual is left out."""
    parts = [*([] if host == _HOST else [host]), *([] if (host, namespace) == (_HOST, _NAMESPACE) else [namespace])]
    return "/".join([*parts, f"{model}:{tag}"])


def _digest(manifest: Path) -> str:
    """Read the model's digest from a manifest.

    Empty if there is none (a model in another format, a broken file), or if there is an adapter beside it: the file
    alone is another model than the tag's.
    """
    try:
        if manifest.stat().st_size > _MOST_MANIFEST_BYTES:
            return ""
        layers: Any = json.loads(manifest.read_text(encoding="utf-8"))["layers"]
        if any(layer["mediaType"] == _ADAPTER_LAYER for layer in layers):
            return ""
        digests = [layer["digest"] for layer in layers if layer["mediaType"] == _MODEL_LAYER]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    match = _DIGEST.fullmatch(digests[0]) if len(digests) == 1 and isinstance(digests[0], str) else None
    return match[1] if match else ""
