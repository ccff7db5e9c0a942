"""Quotations that are verbatim: what stands in quotation marks is a piece of a passage."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_localllm.constrain.index import TokenIndex

__all__ = ["Quotable", "Quoting"]

_STRAIGHT = b'"'
_OPENS, _CLOSES = "\u201c".encode(), "\u201d".encode()  # “ and ”
# Brackets and backticks could not be closed again where marks or code forbid it; a quotation stands on one line.
_CUT = re.compile(rb"[\[\]`\"\r\n\0]+|" + _OPENS + b"|" + _CLOSES)
_SPACED = frozenset(b" \t\r\n(*_>|:")  # a straight quotation mark opens behind one of these


class Quotable:
    """The texts that can be quoted.

    Parameters
    ----------
    texts : iterable of str
    """

    def __init__(self, texts: Iterable[str]) -> None:
        pieces = dict.fromkeys(piece for text in texts for piece in _CUT.split(text.encode("utf-8", "replace")))
        self.data = b"\0".join(piece for piece in pieces if piece) + b"\0"

    @property
    def key(self) -> str:
        """Equal for equal texts."""
        return hashlib.sha256(self.data).hexdigest()

    def continuations(self, written: bytes, index: TokenIndex) -> set[int]:
        """The tokens that go on with a piece of the texts which begins with what is written."""
        data, found = self.data, set[bytes]()
        at = data.find(written)
        while at >= 0:
            start = at + len(written)
            stop = min(data.find(b"\0", start), start + index.longest)
            found.update(data[start:end] for end in range(start + 1, stop + 1))
            at = data.find(written, at + 1)
        pieces, numbers = index.pieces, index.numbers
        return {n for piece in found for n in numbers[bisect_left(pieces, piece) : bisect_right(pieces, piece)]}


class Quoting:
    """Where an answer stands in its quotations.

    Parameters
    ----------
    quotable : Quotable
    """

    def __init__(self, quotable: Quotable) -> None:
        self.quotable = quotable
        self.inside: bytes | None = None  # what was quoted so far
        self.straight = False
        self.last = b" "  # the last bytes outside

    def copy(self) -> Quoting:
        """The same, to be tried."""
        other = Quoting.__new__(Quoting)
        other.__dict__.update(self.__dict__)
        return other

    def feed(self, data: bytes, code: bool) -> bool:
        """Read what is written next; False if it may not be. In code, quotation marks mean nothing."""
        return all(self._byte(data[at : at + 1], code) for at in range(len(data)))

    def _byte(self, byte: bytes, code: bool) -> bool:
        if self.inside is not None:
            return self._quoted(byte)
        before, self.last = self.last, (self.last + byte)[-3:]
        if not code and byte == _STRAIGHT and before[-1] in _SPACED:
            self.inside, self.straight = b"", True
        elif not code and self.last == _OPENS:
            self.inside, self.straight = b"", False
        return True

    def _quoted(self, byte: bytes) -> bool:
        assert self.inside is not None
        written = self.inside + byte
        closing = _STRAIGHT if self.straight else _CLOSES
        if written.endswith(closing):
            self.inside, self.last = None, closing
            return True
        self.inside = written
        # a part of the closing mark may stand at the end
        return (
            any(
                written.endswith(closing[:part]) and written[: len(written) - part] in self.quotable.data
                for part in range(len(closing))
            )
            and b"\0" not in written
        )
