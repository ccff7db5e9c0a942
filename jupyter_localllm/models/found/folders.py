"""Folders that the settings name, our own among them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from jupyter_localllm.models.found.base import Machine, Spot, stem, walk

__all__ = ["spots"]

_DEPTH = 3  # owner, repository, and a folder in it


def spots(folder: str | os.PathLike[str], machine: Machine) -> Iterator[Spot]:
    """Yield the model files in a folder and three levels below it."""
    root = Path(os.path.expanduser(folder))
    for path in walk(root, _DEPTH, machine.allowance):
        yield Spot(path.absolute(), stem(path), os.fspath(folder))
