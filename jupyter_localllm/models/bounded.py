"""A file read from front to back, where no length is believed before it was compared with the file's size."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.mistaken import GET_AGAIN, truncated, unusable

__all__ = ["BoundedFile"]

_CHUNK = 1 << 20
_IMPLAUSIBLE = 1 << 42  # a length beyond this was not cut off, it is wrong
_MAX_KEPT = 128 << 20  # bytes of Python objects; SmolLM2's header keeps some 0.1 MB


class BoundedFile:
    """Bytes of a file in order, each length checked against what is left of it."""

    def __init__(self, path: str | os.PathLike[str], file: BinaryIO, size: int) -> None:
        self.path, self.size = path, size
        self._file, self._buffer, self._base, self._at = file, b"", 0, 0
        self._kept = 0

    @property
    def position(self) -> int:
        """Bytes from the start of the file to the next one."""
        return self._base + self._at

    @property
    def left(self) -> int:
        """Bytes that follow."""
        return self.size - self.position

    def wrong(self, what: str, hint: str = GET_AGAIN) -> ModelFileError:
        """Make the error of a damaged file."""
        return unusable(self.path, f"is damaged: {what}", hint)

    def check_left(self, n_bytes: int, where: str) -> None:
        """Raise `ModelFileError` unless that many bytes follow."""
        if n_bytes > _IMPLAUSIBLE:
            raise self.wrong(f"{where} claims {n_bytes:,} bytes")
        if n_bytes > self.left:
            raise truncated(self.path, f"in {where}", self.position + n_bytes, self.size)

    def take(self, n_bytes: int, where: str) -> bytes:
        """Read the next `n_bytes`."""
        self._fill(n_bytes, where)
        start, self._at = self._at, self._at + n_bytes
        return self._buffer[start : self._at]

    def number(self, layout: str, where: str) -> int:
        """Read the next little-endian integer."""
        value: int = struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout), where))[0]
        return value

    def text(self, limit: int, where: str) -> str:
        """Read the next string; bytes that are not UTF-8 are escaped."""
        length = self.number("Q", where)
        if length > limit:
            raise self.wrong(f"{where} has {length:,} bytes, more than {limit:,}")
        self.check_left(length, where)
        self.spend(100 + 4 * length)
        return self.take(length, where).decode("utf-8", "backslashreplace")

    def spend(self, n_bytes: int) -> None:
        """Count what a kept value takes in Python, so that a file made for it cannot fill the memory."""
        self._kept += n_bytes
        if self._kept > _MAX_KEPT:
            raise self.wrong(f"its header holds more than {size_text(_MAX_KEPT)}")

    def skip(self, n_bytes: int, where: str) -> None:
        """Pass over bytes without reading them."""
        self.check_left(n_bytes, where)
        self._at += n_bytes

    def skip_texts(self, count: int, where: str) -> None:
        """Pass over strings: their lengths are read, nothing is kept."""
        length_at = struct.Struct("<Q").unpack_from
        while count:
            self._fill(8, where)
            buffer, at, last = self._buffer, self._at, len(self._buffer) - 8
            while count and at <= last:
                at += 8 + length_at(buffer, at)[0]
                count -= 1
            self.check_left(at - self._at + 8 * count, where)
            self._at = at

    def _fill(self, n_bytes: int, where: str) -> None:
        """Have the next `n_bytes` in the buffer."""
        self.check_left(n_bytes, where)
        if self._at + n_bytes <= len(self._buffer):
            return
        self._base, self._buffer = self.position, self._buffer[self._at :]
        self._at = 0
        self._file.seek(self._base + len(self._buffer))
        pieces, have = [self._buffer], len(self._buffer)
        while have < n_bytes:
            piece = self._file.read(max(n_bytes - have, min(_CHUNK, self.size - self._base - have)))
            if not piece:  # the file shrank under our hands
                raise truncated(self.path, f"in {where}", self._base + n_bytes, self._base + have)
            pieces.append(piece)
            have += len(piece)
        self._buffer = b"".join(pieces)
