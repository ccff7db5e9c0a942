"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["write"]


def write(path: Path, content: str | bytes) -> None:
    """Write a file; one that is there is replaced at once, never by a half one. Its folder is made if need be.

    Raises
    ------
    OSError
        It cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link is followed, not replaced
    if target.exists() and not target.is_file():
        raise OSError(f"{path} is no regular file")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not by tempfile: its files are private, and a report is made to be shared.
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        temporary.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
