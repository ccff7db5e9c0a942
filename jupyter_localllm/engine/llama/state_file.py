r"""The file format of a kept prefix state.

All numbers are little-endian::

    8   magic             b"JLLMKV\r\n"
    4   version           of this format
    4   key length        bytes
    4   number of tokens
    8   data length       bytes
    32  sha256 of the data
    …   the key's text    UTF-8
    …   the tokens        int32 each
    32  sha256 of all of the above
    …   the data

Nothing in it is ever unpickled or evaluated. A checksum protects against damage, not against a person: the folder is
private, and a file of another user is not read.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Damaged", "Foreign", "Header", "file_size", "read_data", "read_header", "write"]

_MAGIC = b"JLLMKV\r\n"
_VERSION = 1
_FIXED = struct.Struct("<8sIIIQ32s")
_LONGEST_KEY = 1 << 16
_MOST_TOKENS = 1 << 26
"""Far above any context: what a damaged length may make us read is 256 MB at most."""


class Damaged(Exception):
    """Our file, and not what was written."""


class Foreign(Exception):
    """Not our file, or of another version: it is left alone."""


@dataclass(frozen=True)
class Header:
    """What stands before the data.

    Parameters
    ----------
    key : str
        Text of the key: of which model, build and context.
    tokens : numpy array of int32
        The tokens whose state it is.
    size : int
        Bytes of data.
    digest : bytes
        sha256 of the data.
    """

    key: str
    tokens: NDArray[np.int32]
    size: int
    digest: bytes


def file_size(key: str, tokens: NDArray[np.int32], data: bytes) -> int:
    """How many bytes :func:`write` writes."""
    return _size(len(key.encode()), len(tokens), len(data))


def write(path: Path, key: str, tokens: NDArray[np.int32], data: bytes) -> None:
    """Write a new file, readable by its owner only.

    Raises
    ------
    OSError
        It exists, the disk is full, or we may not.
    """
    text = key.encode()
    fixed = _FIXED.pack(_MAGIC, _VERSION, len(text), len(tokens), len(data), hashlib.sha256(data).digest())
    head = fixed + text + tokens.astype("<i4").tobytes()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(head + hashlib.sha256(head).digest())
        file.write(data)


def read_header(path: Path) -> Header:
    """The header of a file, checked.

    Raises
    ------
    Damaged
        A checksum or a length is wrong.
    Foreign
        It does not begin as our files do, has another version, is a link, or belongs to another user.
    OSError
        It is gone, or cannot be read.
    """
    with _open(path) as file:
        return _header(file)


def read_data(path: Path) -> tuple[Header, bytes]:
    """Header and data of a file, both checked. Raises as :func:`read_header` does."""
    with _open(path) as file:
        header = _header(file)
        data = file.read(header.size)
    if hashlib.sha256(data).digest() != header.digest:
        raise Damaged(f"{path.name}: the data's checksum is wrong")
    return header, data


def _size(n_key: int, n_tokens: int, n_data: int) -> int:
    return _FIXED.size + n_key + 4 * n_tokens + 32 + n_data


def _open(path: Path) -> BinaryIO:
    # Opening a pipe must not wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise Foreign(f"{path.name} is a link")
    descriptor = os.open(path, flags)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or (sys.platform != "win32" and status.st_uid != os.geteuid()):
        os.close(descriptor)
        raise Foreign(f"{path.name} is no file, or belongs to another user")
    return os.fdopen(descriptor, "rb")


def _header(file: BinaryIO) -> Header:
    import numpy as np

    total = os.fstat(file.fileno()).st_size
    fixed = file.read(_FIXED.size)
    if not fixed.startswith(_MAGIC[: len(fixed)]):
        raise Foreign("another magic")
    if len(fixed) < _FIXED.size:
        raise Damaged("shorter than a header")
    _, version, n_key, n_tokens, size, digest = _FIXED.unpack(fixed)
    if version != _VERSION:
        raise Foreign(f"format version {version}")
    if n_key > _LONGEST_KEY or n_tokens > _MOST_TOKENS or total != _size(n_key, n_tokens, size):
        raise Damaged("the lengths do not fit the file")
    rest = file.read(n_key + 4 * n_tokens + 32)
    head = fixed + rest[:-32]
    if hashlib.sha256(head).digest() != rest[-32:]:
        raise Damaged("the header's checksum is wrong")
    tokens = np.frombuffer(rest, "<i4", n_tokens, n_key).astype(np.int32)
    return Header(rest[:n_key].decode(errors="replace"), tokens, size, digest)
