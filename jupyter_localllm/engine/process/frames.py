"""Frames on a pipe: how many bytes, of what kind, about which request, then the bytes."""

from __future__ import annotations

import enum
import os
import struct
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["HELLO", "BadFrame", "Frame", "FrameReader", "Kind", "frame", "write_all"]

HELLO = b"\0jupyter_localllm frames 1\n"
"""What the child sends first. What comes before it was printed while Python started, and is passed over."""

_HEADER = struct.Struct(">QBQ")
_PRINTED_BYTES = 1 << 20  # most that may come before HELLO


class BadFrame(Exception):
    """The other side sent what it should not."""


class Kind(enum.IntEnum):
    """What a frame is."""

    OPEN = 1  # to the child: pickle of (ModelFile, LlamaSettings, Surroundings), once
    ASK = 2  # to the child: pickle of (method, argument)
    CANCEL = 3  # to the child: nobody waits any more
    EVENT = 4  # from the child: JSON of a Status, Token or Done
    ROWS = 5  # from the child: numbers of an array, little-endian float32, in as many frames as it likes
    VALUE = 6  # from the child: JSON, the last frame about a request that went well
    ERROR = 7  # from the child: JSON, the last frame about a request that did not


class Frame(NamedTuple):
    """One message."""

    kind: int
    number: int
    payload: bytes


def frame(kind: Kind, number: int, payload: bytes = b"") -> bytes:
    """The bytes of a frame.

    Examples
    --------
    >>> len(frame(Kind.CANCEL, 7))
    17
    """
    return _HEADER.pack(len(payload), kind, number) + payload


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything; a pipe may take less at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class FrameReader:
    """Frames from a file descriptor.

    No buffered file of Python's: those abort the interpreter when it ends while a daemon thread reads.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept = bytearray()

    def hello(self) -> bool:
        """Pass over everything up to `HELLO`; False if it never comes.

        Raises
        ------
        BadFrame
            Too much came before it.
        """
        while (at := self._kept.find(HELLO)) < 0:
            if len(self._kept) > _PRINTED_BYTES:
                raise BadFrame("no greeting")
            if not self._fill(len(self._kept) + 1):
                return False
        del self._kept[: at + len(HELLO)]
        return True

    def next(self, room: Callable[[int, int], int] | None = None) -> Frame | None:
        """The next frame; None at the end, also in the middle of a frame (whoever wrote it has died).

        Parameters
        ----------
        room : callable
            Gets the kind and the request's number, and tells how many bytes may follow.

        Raises
        ------
        BadFrame
            More follows than there is room for.
        """
        if not self._fill(_HEADER.size):
            return None
        size, kind, number = _HEADER.unpack_from(self._kept)
        if room is not None and size > room(kind, number):
            raise BadFrame(f"a frame of {size:,} bytes")
        end = _HEADER.size + size
        if not self._fill(end):
            return None
        payload = bytes(self._kept[_HEADER.size : end])
        del self._kept[:end]
        return Frame(kind, number, payload)

    def _fill(self, size: int) -> bool:
        while len(self._kept) < size:
            chunk = os.read(self._descriptor, 1 << 16)
            if not chunk:
                return False
            self._kept += chunk
        return True
