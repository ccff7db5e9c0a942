"""The tokens of a vocabulary in the order of what they write, and which of them go on with one of many texts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from jupyter_localllm.constrain.ending import writable
from jupyter_localllm.constrain.kept import Kept
from jupyter_localllm.errors import UsageError

if TYPE_CHECKING:
    from jupyter_localllm.engine.constraint import Vocabulary

__all__ = ["TokenIndex", "dead_ends", "token_index"]


class TokenIndex:
    """What tokens write, sorted.

    Attributes
    ----------
    pieces : list of bytes
        What they write, sorted; several tokens may write the same.
    numbers : list of int
        The tokens in that order. Tokens that are never part of a constrained answer are left out.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        tokens = vocabulary.tokens
        self.numbers = sorted(writable(vocabulary), key=tokens.__getitem__)
        self.pieces = [tokens[token] for token in self.numbers]
        self.bytes = frozenset(piece[0] for piece in self.pieces if len(piece) == 1)
        self.longest = max(map(len, self.pieces), default=0)
        self._by_number = dict(zip(self.numbers, self.pieces, strict=True))

    def piece(self, token: int) -> bytes:
        """What the token writes in a constrained answer; nothing for a token that may not be in one."""
        return self._by_number.get(token, b"")

    def has(self, piece: bytes) -> bool:
        """Whether some token writes just this."""
        at = bisect_left(self.pieces, piece)
        return at < len(self.pieces) and self.pieces[at] == piece

    def continuations(
        self, texts: Sequence[bytes], low: int, high: int, start: int, dead: Set[bytes] = frozenset()
    ) -> list[int]:
        """The tokens that go on with one of some texts.

        Both lists are sorted, so this walks the prefixes that they share, and only those.

        Parameters
        ----------
        texts : sequence of bytes
            Sorted, in UTF-8.
        low, high : int
            The texts to look at, `texts[low:high]`.
        start : int
            They have this many bytes in common, which are written already.
        dead : set of bytes
            Beginnings of texts after which nothing can be written.

        Returns
        -------
        list of int
            Tokens, in no order.
        """
        found: list[int] = []
        pieces = self.pieces
        # (number of bytes that the pieces share with the texts, range of pieces, range of texts)
        waiting = [(0, 0, len(pieces), low, high)]
        while waiting:
            depth, first, last, low, high = waiting.pop()
            at = start + depth
            alive = texts[low][:at] not in dead
            while first < last and len(pieces[first]) == depth:  # those that end here come first
                if alive:
                    found.append(self.numbers[first])
                first += 1
            while low < high and len(texts[low]) == at:
                low += 1
            while low < high and first < last:
                byte = texts[low][at]  # at most 0xF4, as in all UTF-8
                behind = bytes((byte + 1,))
                next_low = bisect_left(texts, texts[low][:at] + behind, low, high)
                piece = texts[low][start:at]
                first = bisect_left(pieces, piece + bytes((byte,)), first, last)
                next_first = bisect_left(pieces, piece + behind, first, last)
                if first < next_first:
                    waiting.append((depth + 1, first, next_first, low, next_low))
                low, first = next_low, next_first
        return found


_indexes: Kept[TokenIndex] = Kept(size=2)


def token_index(vocabulary: Vocabulary) -> TokenIndex:
    """The index of a vocabulary, made once."""
    return _indexes.get(vocabulary.key, lambda: TokenIndex(vocabulary))


def dead_ends(texts: Sequence[bytes], index: TokenIndex) -> frozenset[bytes]:
    """Beginnings of the texts from which no token sequence leads to the end of one.

    A vocabulary that has all bytes as tokens has no dead ends. One without them (no byte fallback) may be able to
    write the first half of a character and not the second.

    Raises
    ------
    UsageError
        One of the texts cannot be written at all.
    """
    if set().union(*texts) <= index.bytes:
        return frozenset()
    alive: set[bytes] = set()
    for text in texts:
        good = {len(text)}
        for start in range(len(text) - 1, -1, -1):
            stops = range(start + 1, min(start + index.longest, len(text)) + 1)
            if any(stop in good and index.has(text[start:stop]) for stop in stops):
                good.add(start)
        if 0 not in good:
            raise UsageError(
                f"This model has no tokens to write {text.decode()!r}.", "Use other words, or another model."
            )
        alive |= {text[:length] for length in good}
    return frozenset(text[:length] for text in texts for length in range(1, len(text))) - alive
