"""What need not be fetched, because another folder of this machine has it."""

from __future__ import annotations

import os
from collections.abc import MutableMapping, Sequence
from pathlib import Path

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.found import Spot, spots
from jupyter_localllm.models.identity import file_sha256
from jupyter_localllm.models.parts import parts_of
from jupyter_localllm.models.pull.fetch import Tell
from jupyter_localllm.models.pull.target import Target
from jupyter_localllm.types import Status

__all__ = ["already"]


def already(
    targets: Sequence[Target], search: Sequence[str | os.PathLike[str]], memo: MutableMapping[str, str], tell: Tell
) -> Spot | None:
    """Find a model with the content that is promised.

    Its sha256 decides. A file is read for it only if it has the promised size, or the same name where no size is
    promised, and if no other hash is known of it. Where no sha256 is promised, name and size must be the same.

    Parameters
    ----------
    targets : sequence of Target
        All files of the model.
    search : sequence of paths
        Folders, and words of `jupyter_localllm.models.found.PLACES`.
    memo : MutableMapping
        Where hashes are remembered.
    tell : callable
        Is called with a `Status` before a file is read.
    """
    if not all(target.source is None and (target.sha256 or target.size_bytes) for target in targets):
        return None
    name = targets[0].path.name.casefold()
    for spot in sorted(spots(search), key=lambda spot: spot.path.name.casefold() != name):
        parts = parts_of(spot.path)
        if len(parts) != len(targets):
            continue
        try:
            if all(_same(*pair, spot, memo, tell) for pair in zip(targets, parts, strict=True)):
                return spot
        except (OSError, ModelFileError):  # gone since, or not to be read
            continue
    return None


def _same(target: Target, part: Path, spot: Spot, memo: MutableMapping[str, str], tell: Tell) -> bool:
    known = spot.sha256 if part == spot.path else ""
    named = part.name.casefold() == target.path.name.casefold()
    if target.size_bytes and part.stat().st_size != target.size_bytes:
        return False
    if not target.sha256:
        return named
    if known != target.sha256 and (known or not (named or target.size_bytes)):
        return False
    tell(Status("pulling", f"{target.path.name}: comparing it with {part}"))
    return file_sha256(part, memo) == target.sha256
