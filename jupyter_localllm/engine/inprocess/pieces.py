"""What each token of a ``tokenizer.json`` writes, in bytes.

A token may be half a character, so texts of single tokens do not add up to a text. Their bytes do. They follow from the
decoder that the file names; the three kinds that models which write have are known here.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["piece_maker"]

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def piece_maker(decoder: Mapping[str, Any] | None) -> Callable[[str], bytes]:
    r"""From a token's text in the vocabulary to what it writes.

    Parameters
    ----------
    decoder : Mapping or None
        The entry ``"decoder"`` of a ``tokenizer.json``.

    Examples
    --------
    >>> piece_maker({"type": "ByteLevel"})("Ġna"), piece_maker({"type": "ByteLevel"})("Ã¯")
    (b' na', b'\xc3\xaf')
    >>> piece_maker({"type": "Metaspace", "replacement": "▁"})("▁Hello")
    b' Hello'
    """
    steps = _steps(decoder or {})
    if any(step.get("type") == "ByteLevel" for step in steps):
        return _from_byte_level
    replacements = []
    for step in steps:
        if step.get("type") == "Metaspace":
            replacements.append((step.get("replacement", "▁"), " "))
        elif step.get("type") == "Replace" and "String" in step.get("pattern", {}):
            replacements.append((step["pattern"]["String"], step.get("content", "")))
    falls_back = any(step.get("type") == "ByteFallback" for step in steps)
    prefix = next((step.get("prefix", "##") for step in steps if step.get("type") == "WordPiece"), None)

    def make(token: str) -> bytes:
        if falls_back and (byte := _BYTE.fullmatch(token)):
            return bytes((int(byte[1], 16),))
        if prefix is not None:
            token = token[len(prefix) :] if token.startswith(prefix) else f" {token}"
        for old, new in replacements:
            token = token.replace(old, new)
        return token.encode("utf-8", "replace")

    return make


def _steps(decoder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if decoder.get("type") == "Sequence":
        return [step for inner in decoder.get("decoders", ()) for step in _steps(inner)]
    return [decoder]


@functools.lru_cache(maxsize=1)
def _bytes_of_characters() -> dict[str, int]:
    """The alphabet of byte-level BPE.

    Bytes that are printable in Latin-1 stand for themselves, the others for the characters from U+0100 on, in order.
    Source: "Language Models are Unsupervised Multitask Learners" (Radford et al. 2019), section 2.2, and the vocabulary
    that came with it.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


def _from_byte_level(token: str) -> bytes:
    alphabet = _bytes_of_characters()
    try:
        return bytes(alphabet[character] for character in token)
    except KeyError:  # a token that was added as it is
        return token.encode("utf-8", "replace")


def decoder_of(tokenizer: Any) -> Mapping[str, Any]:
    """The decoder of a ``tokenizers.Tokenizer``, as its file would have it."""
    decoder = tokenizer.decoder
    return json.loads(decoder.__getstate__()) if decoder is not None else {}
