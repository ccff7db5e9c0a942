"""An end for what a server sends: a reply without one would fill the memory of the kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Any

from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.engine.served.trouble import compressed, flooded

__all__ = ["LONGEST_LINE", "LONGEST_REPLY", "UNCOMPRESSED", "bounding"]

UNCOMPRESSED = {"accept-encoding": "identity"}
"""The header of requests with which `bounding` counts what the client has in memory, not what comes over the wire."""

LONGEST_LINE = 32 << 20
"""Bytes without a line's end: vectors of 64 texts are one line, of some ten megabytes."""
LONGEST_REPLY = 1 << 30
"""Bytes of one reply: a hundred thousand tokens with twenty alternatives each are a quarter of that."""


def bounding(address: Address) -> Callable[[Any], Awaitable[None]]:
    """Make a hook for the responses of an HTTP client (httpx): what is too much raises an error of ours.

    So does what is compressed: the client is to send `UNCOMPRESSED` with its requests.
    """

    async def hook(response: Any) -> None:
        encoding = response.headers.get("content-encoding", "").strip()
        if encoding.lower() not in ("", "identity"):
            raise compressed(address, encoding)
        response.stream = _kind(response.stream.__class__)(response.stream, address)

    return hook


@cache
def _kind(stream: type) -> Callable[[Any, Address], Any]:
    """Our kind of streams. The client looks for a class of its own, which not all of its versions give a name to."""
    base = next((base for base in stream.__mro__ if base.__name__ == "AsyncByteStream"), object)
    return type("Bounded", (_Bounded, base), {})


class _Bounded:
    """The bytes of a reply, counted."""

    def __init__(self, stream: Any, address: Address) -> None:
        self._stream, self._address = stream, address

    async def __aiter__(self) -> AsyncIterator[bytes]:
        whole = line = 0
        async for data in self._stream:
            whole += len(data)
            last = data.rfind(b"\n")
            line = line + len(data) if last < 0 else len(data) - last - 1
            if line > LONGEST_LINE or whole > LONGEST_REPLY:
                raise flooded(self._address, LONGEST_LINE if line > LONGEST_LINE else LONGEST_REPLY)
            yield data

    async def aclose(self) -> None:
        await self._stream.aclose()
