"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

__all__ = ["write"]


def write(path: str | os.PathLike[str], content: str | bytes, *, make_folder: bool = True) -> None:
    """Write a file; one that is there is replaced at once, never by a half one, and who may read it stays so.

    Parameters
    ----------
    path : path
    content : str or bytes
        A str is written as UTF-8.
    make_folder : bool
        Whether its folder is made if there is none.

    Raises
    ------
    OSError
        It cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link is followed, not replaced
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    if mode is not None and not target.is_file():
        raise OSError(f"{path} is no regular file")
    if make_folder:
        target.parent.mkdir(parents=True, exist_ok=True)
    # Not by tempfile: its files are private, and a report is made to be shared.
    temporary = target.with_name(f".{secrets.token_hex(16)}.tmp")
    try:
        temporary.touch(0o666 if mode is None else 0o600, exist_ok=False)
        temporary.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)
        if mode is not None:
            temporary.chmod(mode)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
