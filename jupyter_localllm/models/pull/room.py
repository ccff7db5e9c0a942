"""Room on the disk, looked for before anything is fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from jupyter_localllm.errors import PullError
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.pull.hub import Hub
from jupyter_localllm.models.pull.target import Target
from jupyter_localllm.models.pull.trouble import Broken
from jupyter_localllm.models.pull.web import size_of

__all__ = ["check_all", "check_room"]

T = TypeVar("T")
_FREE = 64 << 20  # bytes that stay free besides


def check_all(targets: Sequence[Target], hub: Hub, silence_s: float) -> None:
    """Refuse what the disk has no room for; servers are asked for sizes that nobody has told.

    Raises
    ------
    PullError
        There is no room for all of it.
    """
    listed: dict[tuple[str, str], dict[str, int]] = {}

    def size(target: Target) -> int:
        """Bytes: as promised, as the server tells, as estimated; 0 if nobody knows."""
        told = 0
        if not target.size_bytes and target.repository:
            where = target.repository, target.revision
            if where not in listed:
                listed[where] = _asked(
                    lambda: {f.path: f.size_bytes for f in hub.files(*where, silence_s=silence_s)}, {}
                )
            told = listed[where].get(target.file, 0)
        elif not target.size_bytes and len(targets) > 1:  # of a single one its own answer tells
            token = hub.token_for(target.url)
            told = _asked(lambda: size_of(target.url, token=token, silence_s=silence_s), 0)
        return target.size_bytes or told or target.about_bytes

    if targets:
        check_room(targets[0], sum(max(size(target) - _come(target), 0) for target in targets))


def check_room(target: Target, needed: int) -> None:
    """Refuse what the disk has no room for.

    Parameters
    ----------
    target : Target
    needed : int
        Bytes that are still to come.
    """
    folder = next(folder for folder in target.path.parents if os.path.exists(folder))
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    if needed + _FREE > free:
        message = f"{target.path.name} needs {size_text(needed)}, and {size_text(free)} are free on {folder}."
        raise PullError(message, "Free some, or use another disk: %config LocalLLM.pull_dir = '/path/to/folder'")


def _asked(ask: Callable[[], T], otherwise: T) -> T:
    """What a server tells; one that does not is asked again for the file itself, with patience."""
    try:
        return ask()
    except (Broken, PullError):
        return otherwise


def _come(target: Target) -> int:
    """Bytes of it that lie on the disk already."""
    path = target.path
    stage = [Path(at, name) for at, _, names in os.walk(path.with_name(f".{path.name}.hub")) for name in names]
    have = 0
    for file in (path.with_name(f"{path.name}.part"), *stage):
        try:
            have += file.stat().st_size
        except OSError:
            continue
    return have
