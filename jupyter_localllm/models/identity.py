"""What a model file is, whatever its name: the hash of its bytes."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import MutableMapping

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.mistaken import stat_file, unusable
from jupyter_localllm.models.parts import parts_of

__all__ = ["file_key", "file_sha256", "hash_file", "is_remembered", "remember", "sha256_of"]

_CHUNK = 4 << 20  # hashlib lets other threads run during each; an interrupt comes through between two, some 5 ms apart
_SETTLED_NS = 2_000_000_000  # coarsest clock of a file system in use (FAT)


def sha256_of(path: str | os.PathLike[str], memo: MutableMapping[str, str]) -> str:
    """Hash a model once, and remember it for as long as size and time of the last change stay.

    The hash of a model in several files is that of their hashes, written one after the other.

    A file that changed within the last two seconds is hashed but not remembered: a second change within the same tick
    of the file system's clock could not be told from the first (git's "racy" index entries).

    Parameters
    ----------
    path : path
        The file.
    memo : MutableMapping of str to str
        Where hashes are remembered, across processes if it is on disk.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    ModelFileError
        The file cannot be read, or changes while it is read.
    """
    parts = parts_of(path)
    if len(parts) > 1:
        return hashlib.sha256("".join(file_sha256(part, memo) for part in parts).encode("ascii")).hexdigest()
    return file_sha256(path, memo)


def file_sha256(path: str | os.PathLike[str], memo: MutableMapping[str, str]) -> str:
    """Hash one file, also one that is a part of a model: see `sha256_of`."""
    before = stat_file(path)
    real, key = os.path.realpath(path), file_key(path, before)
    known = memo.get(key)
    if known is not None:
        return known
    digest = hash_file(real)
    after = stat_file(real)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise unusable(path, "changes while it is read", "Wait until it is written, then try again.")
    if abs(time.time_ns() - before.st_mtime_ns) > _SETTLED_NS:  # in the future, too: the clock was set back
        memo[key] = digest
    return digest


def is_remembered(path: str | os.PathLike[str], memo: MutableMapping[str, str]) -> bool:
    """Whether `sha256_of` need not read the file."""
    return all(file_key(part, stat_file(part)) in memo for part in parts_of(path))


def remember(path: str | os.PathLike[str], memo: MutableMapping[str, str], sha256: str) -> None:
    """Keep the hash of a file that was hashed while it was written."""
    memo[file_key(path, stat_file(path))] = sha256


def file_key(path: str | os.PathLike[str], stat: os.stat_result) -> str:
    """Name this state of a file: another size, time or place is another one."""
    return f"{stat.st_size}:{stat.st_mtime_ns}:{os.path.realpath(path)}"


def hash_file(path: str) -> str:
    """Read a file as a whole, and give the sha256 of its bytes."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_CHUNK))
    try:
        with open(path, "rb", buffering=0) as file:
            while n_bytes := file.readinto(buffer):
                digest.update(buffer[:n_bytes])
    except OSError as error:
        raise _unreadable(path, error) from None
    return digest.hexdigest()


def _unreadable(path: str, error: OSError) -> ModelFileError:
    return unusable(path, f"cannot be read: {error.strerror or error}", "Check the file, its permissions and its disk.")
