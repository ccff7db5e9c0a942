"""LM Studio's folder: ``models/PUBLISHER/REPOSITORY/FILE.gguf`` in its home, or where its settings say.

Its home is what ``~/.lmstudio-home-pointer`` names; before that file came it was ``~/.cache/lm-studio``. Its settings
name the models' folder ``downloadsFolder``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from jupyter_localllm.models.found.base import Machine, Spot, stem, walk

__all__ = ["PLACE", "spots"]

PLACE = "LM Studio"
_DEPTH = 3


def spots(machine: Machine) -> Iterator[Spot]:
    """Yield the GGUF files of its folders."""
    for folder in dict.fromkeys(_folders(machine)):
        for path in walk(folder, _DEPTH, machine.allowance):
            yield Spot(path, stem(path), PLACE)


def _folders(machine: Machine) -> Iterator[Path]:
    for home in dict.fromkeys(_homes(machine)):
        yield home / "models"
        try:
            chosen = json.loads((home / "settings.json").read_text(encoding="utf-8"))["downloadsFolder"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(chosen, str) and Path(chosen).is_absolute():
            yield Path(chosen)


def _homes(machine: Machine) -> Iterator[Path]:
    try:
        pointed = (machine.home / ".lmstudio-home-pointer").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        pointed = ""
    if pointed and Path(pointed).is_absolute():
        yield Path(pointed)
    yield machine.home / ".lmstudio"
    yield machine.cache / "lm-studio"
