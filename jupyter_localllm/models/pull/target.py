"""One file that is to be fetched: where from, where to, and what is known of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jupyter_localllm.errors import UsageError

__all__ = ["Target", "inside"]

# What Windows does not allow in names, what could leave the folder, and halves of characters.
_RESERVED = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')


@dataclass(frozen=True)
class Target:
    """One file.

    Parameters
    ----------
    url : str
        Where it comes from; ``file:`` for one on this machine, whose path is `source`.
    path : Path
        Where it goes.
    size_bytes : int
        Promised, or 0.
    sha256 : str
        Promised, or ``""``.
    repository, revision, file : str
        Of a hub's file; else empty.
    source : Path, optional
        Of a file on this machine.
    about_bytes : int
        Size that nobody promised, or 0.
    noted : bool
        Whether the promises were noted some time ago, and are not the hub's of now.
    """

    url: str
    path: Path
    size_bytes: int = 0
    sha256: str = ""
    repository: str = ""
    revision: str = ""
    file: str = ""
    source: Path | None = None
    about_bytes: int = 0
    noted: bool = False


def inside(folder: Path, *parts: str) -> Path:
    """Join names that a stranger chose to a folder, and refuse those that lead out of it.

    Raises
    ------
    UsageError
        A part is ``..``, empty, or holds what a file's name must not hold.
    """
    for part in parts:
        for name in PurePosixPath(part).parts or ("",):
            if name in ("", ".", "..", "/") or _RESERVED.search(name) or name.endswith((" ", ".")):
                raise UsageError(f"{part!r} cannot be a file's name.", "Give the address of one GGUF file.")
    return folder.joinpath(*(piece for part in parts for piece in PurePosixPath(part).parts))
