"""Vocabularies as the tests need them: plain values, no model."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_localllm.engine.constraint import Vocabulary
from tests.tiny_models import SPECIAL, byte_alphabet

PIECES = (
    *(
        '{"',
        '":',
        '": ',
        ' "',
        '",',
        '"}',
        "[]",
        "{}",
        "true",
        "false",
        "null",
        "\n  ",
        "    ",
        "12",
        "18",
        "87",
        "1887",
    ),
    *("-3", ".5", "1,", "234", "ye", "yes", "no", "none", "é", "日本", "日本語", "ü", "name", "Paris", " and", "a1"),
    *("ab", "abc", "bc", "0", "a", "a"),  # some write what another token writes as well
)
HALVES = (b"\xc3", b"\xa9", b"\xa9\xe6", b'\x97\xa5"', b'"\xe6', b"\xf0\x9f", b"\x98\x80")


def tiny_vocabulary() -> Vocabulary:
    """Control tokens, all bytes, some pieces, pieces of characters, and tokens that write nothing.

    The bytes are mapped back from the stand-in characters of a GPT-2 tokenizer.
    """
    byte_of = {character: byte for byte, character in enumerate(byte_alphabet())}
    tokens = [text.encode() for text in SPECIAL]
    tokens += [bytes([byte_of[character]]) for character in byte_alphabet()]
    tokens += [piece.encode() for piece in PIECES]
    tokens += [*HALVES, b"", b"\xffstrange", b""]
    return Vocabulary(key="tiny", tokens=tuple(tokens), special=frozenset({0, 1, 2}), ends=frozenset({0, 2}))


def of_pieces(pieces: Sequence[bytes], key: str) -> Vocabulary:
    """A vocabulary of one end token, number 0, and these."""
    return Vocabulary(key=key, tokens=(b"</s>", *pieces), special=frozenset({0}), ends=frozenset({0}))


TINY = tiny_vocabulary()
EXTRA = 7
"""A model's logits may be more than its tokens."""


def token_of(text: bytes) -> int:
    return TINY.tokens.index(text)
