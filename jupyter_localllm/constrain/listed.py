"""Answers out of a list: choices, and numbers that are allowed. Plain Python, no extra needed.

The texts are kept sorted, so those that begin with what was written so far lie side by side: an answer in the making
is a range of the list, and a token makes the range smaller by bisection.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_localllm.constrain.ending import ends_of
from jupyter_localllm.constrain.index import TokenIndex, dead_ends, token_index
from jupyter_localllm.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.engine.constraint import Vocabulary

__all__ = ["Choices", "ListedMatcher", "Numbers"]


@dataclass(frozen=True)
class Choices:
    """The answer is one of these texts, exactly.

    Parameters
    ----------
    options : iterable of str
        At least one; none is empty. Their order does not matter, and one that stands twice counts once.

    Raises
    ------
    UsageError
        There is none, or one is no text or empty.

    Examples
    --------
    >>> Choices(["yes", "no"]) == Choices(("no", "yes", "no"))
    True
    """

    options: Iterable[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", _checked(self.options, "choices"))

    @property
    def key(self) -> str:
        """Canonical text."""
        return "choices:" + json.dumps(self.options, ensure_ascii=False)

    def start(self, vocabulary: Vocabulary) -> ListedMatcher:
        """A matcher; see `Constraint.start`."""
        return ListedMatcher(self.options, vocabulary)


@dataclass(frozen=True)
class Numbers:
    """The answer is one of these numbers, written exactly so.

    Parameters
    ----------
    allowed : iterable of str
        Such as ``"1887"``, ``"-3.5"``, ``"1,234"``: the texts as they stand in the sources. Each holds a digit.

    Raises
    ------
    UsageError
        There is none, or one is no text, or has no digit.

    Examples
    --------
    >>> Numbers(["12", "1"]).key
    'numbers:["1", "12"]'
    """

    allowed: Iterable[str]

    def __post_init__(self) -> None:
        allowed = _checked(self.allowed, "numbers")
        for text in allowed:
            if not any(character.isdigit() for character in text):
                raise UsageError(f"{text!r} is no number: it has no digit.", "For other texts use Choices.")
        object.__setattr__(self, "allowed", allowed)

    @property
    def key(self) -> str:
        """Canonical text."""
        return "numbers:" + json.dumps(self.allowed, ensure_ascii=False)

    def start(self, vocabulary: Vocabulary) -> ListedMatcher:
        """A matcher; see `Constraint.start`."""
        return ListedMatcher(self.allowed, vocabulary)


def _checked(texts: Any, what: str) -> tuple[str, ...]:
    """The texts, sorted and each once. By code points, which is the order of their bytes in UTF-8 as well."""
    if isinstance(texts, (str, bytes)):
        raise UsageError(f"The {what} are one text, {texts!r}.", f"Give a list: [{texts!r}].")
    try:
        found = list(texts)
    except TypeError:
        raise UsageError(f"The {what} are {type(texts).__name__}, not a list of texts.", "Give a list.") from None
    for text in found:
        if not isinstance(text, str):
            raise UsageError(f"One of the {what} is {text!r}, which is no text.", f"Give str({text!r}).")
        if not text:
            raise UsageError(f"One of the {what} is empty.", 'Give it a word, such as "none".')
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{text!r} is no valid Unicode, so no model can write it.") from None
    if not found:
        raise UsageError(f"There are no {what}: no answer would be right.", "Give at least one.")
    return tuple(sorted(set(found)))


class ListedMatcher:
    """Where an answer stands among sorted texts.

    Parameters
    ----------
    texts : iterable of str
        Sorted, none twice.
    vocabulary : Vocabulary
        The model's tokens.
    """

    def __init__(self, texts: Iterable[str], vocabulary: Vocabulary) -> None:
        self._ends = ends_of(vocabulary)
        self._vocabulary = vocabulary
        self._texts = [text.encode() for text in texts]
        self._index: TokenIndex = token_index(vocabulary)
        self._dead = dead_ends(self._texts, self._index)
        # texts[low:high] begin with `written`
        self._low, self._high, self._written = 0, len(self._texts), b""

    @property
    def finished(self) -> bool:
        """Whether the answer is complete and nothing but its end may follow."""
        return self._high - self._low == 1 and self._complete

    @property
    def _complete(self) -> bool:
        return self._texts[self._low] == self._written  # the shortest stands first

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        if token in self._vocabulary.ends:
            return self._complete
        piece = self._index.piece(token)
        if not piece:
            return False
        written = self._written + piece
        at = bisect_left(self._texts, written, self._low, self._high)
        return at < self._high and self._texts[at].startswith(written) and written not in self._dead

    def advance(self, token: int) -> None:
        """Take a token that `allows` said yes to. Anything else changes nothing."""
        if token in self._vocabulary.ends or not self.allows(token):
            return
        self._written += self._index.piece(token)
        self._low = bisect_left(self._texts, self._written, self._low, self._high)
        # No text holds the byte 0xFF, so this is behind all that begin with `written`.
        self._high = bisect_left(self._texts, self._written + b"\xff", self._low, self._high)

    def restrict(self, logits: NDArray[np.float32]) -> None:
        """Put minus infinity in the place of all tokens that may not come next."""
        allowed = self._index.continuations(self._texts, self._low, self._high, len(self._written), self._dead)
        if self._complete:
            allowed += self._ends
        kept = logits[allowed]
        logits.fill(float("-inf"))
        logits[allowed] = kept
