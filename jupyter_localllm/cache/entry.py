"""A cached answer: its events, its result and what its key was made of.

On disk it is three lines of UTF-8: a header with the format's version and the sha256 of the rest, the key document,
and the answer. The document has a line of its own so that looking for the nearest one need not read the answers; the
sha256 is there because SQLite does not notice a bit that flips inside a value.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from jupyter_localllm.cache.canonical import canonical, content_sha256, parse
from jupyter_localllm.cache.key import AnswerKey, KeyDocument
from jupyter_localllm.cache.plain import from_plain, to_plain
from jupyter_localllm.errors import CacheError
from jupyter_localllm.types import Done, Event, Result, Status, Timings, Token

__all__ = ["Entry"]

_VERSION = 1


@dataclass(frozen=True)
class _Header:
    entry: int
    sha256: str


@dataclass(frozen=True)
class _Run:
    """Tokens of one channel in a row: an answer of a thousand tokens need not name its channel a thousand times."""

    channel: Literal["answer", "reasoning"]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    created: float
    result: Result
    tokens: tuple[_Run, ...]


@dataclass(frozen=True)
class Entry:
    """An answer that can be replayed.

    Parameters
    ----------
    tokens : tuple of Token
        As they were streamed.
    result : Result
    key_document : Mapping
        `AnswerKey.document` of its key.
    created : float
        When it was made, in seconds since 1970; 0 if that is not known.
    """

    tokens: tuple[Token, ...]
    result: Result
    key_document: Mapping[str, Any]
    created: float = 0.0

    @classmethod
    def of(cls, tokens: tuple[Token, ...], result: Result, key: AnswerKey) -> Entry:
        """Make the entry of an answer that was made just now."""
        return cls(tokens, replace(result, cached=False), key.document, time.time())

    @property
    def digest(self) -> str:
        """The digest of the key it belongs to, computed from its document."""
        return KeyDocument.read(self.key_document).digest

    def replay(self) -> Iterator[Event]:
        """Give the events of the answer again, the result marked as cached.

        The result's timings are still those of the run that made it.
        """
        yield Status("cache", "from the cache")
        yield from self.tokens
        yield Done(replace(self.result, cached=True))

    def durable(self) -> Entry:
        """Without what differs between two runs that gave the same answer: times, and tokens found in a KV cache."""
        usage = replace(self.result.usage, cached_prompt_tokens=0)
        return replace(self, result=replace(self.result, timings=Timings(), usage=usage, cached=False), created=0.0)

    def to_bytes(self) -> bytes:
        """Write the entry for the disk.

        Raises
        ------
        CacheError
            The result holds something that is not JSON.
        """
        body = canonical(self.key_document) + b"\n" + canonical(to_plain(_pack(self)))
        return canonical(to_plain(_Header(_VERSION, content_sha256(body)))) + b"\n" + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Entry:
        """Read what `to_bytes` wrote.

        Raises
        ------
        CacheError
            It is damaged, or of another version.
        """
        head, _, body = data.partition(b"\n")
        header = from_plain(_Header, parse(head), "header")
        if header.entry != _VERSION:
            raise CacheError(f"The cache entry has version {header.entry}; this version reads {_VERSION}.")
        if header.sha256 != content_sha256(body):
            raise CacheError("The cache entry is damaged: its content does not match its sha256.")
        document, _, answer = body.partition(b"\n")
        return cls.from_plain(parse(document), parse(answer))

    def to_plain(self) -> dict[str, Any]:
        """Give the answer as JSON values, without its document."""
        plain: dict[str, Any] = to_plain(_pack(self))
        return plain

    @classmethod
    def from_plain(cls, document: object, answer: object) -> Entry:
        """Make an entry of JSON values from outside; `CacheError` if they are malformed."""
        read = from_plain(_Answer, answer, "answer")
        tokens = tuple(Token(text, run.channel) for run in read.tokens for text in run.texts)
        return cls(tokens, read.result, to_plain(KeyDocument.read(document)), read.created)


def stored_document(data: bytes) -> dict[str, Any]:
    """Read the key document at the beginning of a stored entry, unverified; `CacheError` if it is cut or damaged."""
    lines = data.split(b"\n", 2)
    if len(lines) < 3:
        raise CacheError("The key document of the cache entry is cut off.")
    document: dict[str, Any] = to_plain(KeyDocument.read(parse(lines[1])))
    return document


def _pack(entry: Entry) -> _Answer:
    runs = groupby(entry.tokens, key=lambda token: token.channel)
    return _Answer(
        entry.created,
        replace(entry.result, cached=False),
        tuple(_Run(channel, tuple(token.text for token in tokens)) for channel, tokens in runs),
    )
