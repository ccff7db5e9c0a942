"""What the slots need of others: the context's memory, and a place for states that leave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["Keeper", "Kept", "Memory"]


class Memory(Protocol):
    """The context's memory, as llama.cpp offers it.

    Attributes
    ----------
    whole : bool
        A sequence's state cannot be cut (recurrent and hybrid models): it is used whole or not at all.
    window : int
        Tokens that sliding-window layers look back; 0 for none. Cells behind it may be lost.
    """

    whole: bool
    window: int

    def copy(self, source: int, target: int, length: int) -> None:
        """Let `target`, an empty sequence, share the first `length` tokens of `source`."""
        ...

    def cut(self, sequence: int, length: int) -> bool:
        """Drop everything from position `length` on; False if that cannot be done."""
        ...

    def first(self, sequence: int) -> int:
        """The lowest position that is still there; -1 if the sequence is empty."""
        ...


class Kept(Protocol):
    """A state that was found, and not read yet."""

    @property
    def tokens(self) -> Any:
        """All the tokens that it is the state of, in order."""
        ...


class Keeper(Protocol):
    """Where states go that the cache has no room for."""

    def put(self, number: int, tokens: Sequence[int], *, keep: bool) -> None:
        """Keep the state of sequence `number`, which holds `tokens`; `keep`: beyond the life of this process."""
        ...

    def find(self, tokens: Sequence[int], more_than: int) -> Kept | None:
        """A state that saves reading more than `more_than` of `tokens`."""
        ...

    def load(self, kept: Kept, number: int) -> bool:
        """Put a state into the empty sequence `number`; False if it is gone or damaged, and nothing is there then."""
        ...
