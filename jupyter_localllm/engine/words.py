"""What all tokenizers have in common: prompts in pieces, places in them, control tokens that are shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence

__all__ = ["Lexicon", "common_length"]

_REMEMBERED = 64


class Lexicon(ABC):
    """A tokenizer as engines use it.

    Attributes
    ----------
    bos : int
        The token that begins a text; -1 if there is none.
    adds_bos : bool
        Whether the model wants it before every prompt.
    """

    bos: int = -1
    adds_bos: bool = False

    def __init__(self) -> None:
        self._prompts: dict[tuple[str, ...], list[int]] = {}

    @abstractmethod
    def tokens(self, text: str, *, special: bool, frame: bool = False) -> list[int]:
        """Tokenize; see the classes that do."""

    @abstractmethod
    def text(self, token: int) -> str:
        """The vocabulary's own text of a token, ``""`` for none."""

    @abstractmethod
    def piece(self, token: int) -> bytes:
        """The bytes that a token adds to the text."""

    def showing(self, texts: tuple[str, ...]) -> Callable[[int], bytes]:
        """`piece`, but some control tokens add their texts."""
        shown = {token: text.encode() for text in texts for token in self._named(text)}
        return (lambda token: shown.get(token) or self.piece(token)) if shown else self.piece

    def _named(self, text: str) -> list[int]:
        """The token of this text, if there is one."""
        found = self.tokens(text, special=True)
        return found if len(found) == 1 and self.text(found[0]) == text else []

    def prompt(self, pieces: Iterable[str]) -> list[int]:
        """Tokens of a rendered prompt, each piece on its own, with the one BOS the model wants.

        The last prompts are remembered: one is counted first, and read then.
        """
        key = tuple(pieces)
        if key not in self._prompts:
            while len(self._prompts) >= _REMEMBERED:
                self._prompts.pop(next(iter(self._prompts)))
            self._prompts[key] = self._prompt(key)
        return self._prompts[key]

    def offset(self, pieces: tuple[str, ...], characters: int) -> int:
        """How many of a prompt's tokens stand before a place in its text, given in characters."""
        before, left = [], characters
        for piece in pieces:
            before.append(piece[:left])
            left -= len(piece)
            if left <= 0:
                break
        # Text that is cut there may be tokenized otherwise at its end: only what both have in common counts.
        return common_length(self._prompt(tuple(before)), self.prompt(pieces))

    def _prompt(self, pieces: tuple[str, ...]) -> list[int]:
        tokens = [token for piece in pieces for token in self.tokens(piece, special=True)]
        if self.adds_bos and self.bos >= 0 and tokens[:1] != [self.bos]:
            tokens.insert(0, self.bos)
        return tokens


def common_length(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the longest common prefix, by halving: comparing slices is fast.

    Examples
    --------
    >>> common_length([1, 2, 3, 4], [1, 2, 9])
    2
    """
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while high - low > 1:  # a and b agree before `low` and differ before `high`
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low
