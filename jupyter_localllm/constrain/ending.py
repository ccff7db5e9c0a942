"""The tokens by which a constrained answer ends, and those that are never part of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_localllm.errors import UsageError

if TYPE_CHECKING:
    from jupyter_localllm.engine.constraint import Vocabulary

__all__ = ["ends_of", "writable"]

_NEVER_IN_UTF8 = 0xFF  # llguidance takes a token that begins with it for a control token


def ends_of(vocabulary: Vocabulary) -> list[int]:
    """The numbers of the end tokens, sorted.

    Raises
    ------
    UsageError
        There are none: the answer could not be ended.
    """
    if not vocabulary.ends:
        raise UsageError(
            "This model has no token that ends an answer, so its answers cannot be held to a schema.",
            "Use another model.",
        )
    return sorted(vocabulary.ends)


def writable(vocabulary: Vocabulary) -> list[int]:
    """The tokens that an answer may hold: those that write something, are no control token, and begin in UTF-8."""
    never = vocabulary.special | vocabulary.ends
    return [
        token
        for token, text in enumerate(vocabulary.tokens)
        if text and text[0] != _NEVER_IN_UTF8 and token not in never
    ]
