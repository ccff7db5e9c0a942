"""A word as the ranking knows it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

__all__ = ["Token"]


class Token(NamedTuple):
    """A word, number or date of a text.

    Parameters
    ----------
    forms : tuple of str
        Terms that stand for the whole, the most exact one first; none for parts that only stand side by side.
    parts : tuple of tuple of str
        Of a name made of several words, the forms of each.
    extra : tuple of str
        Terms by which a passage can be found as well, and which a question does not demand.
    month : int
        1 to 12 for the name of a month, else 0.
    loud : bool
        Whether it is written in capitals only: ``US`` is not ``us``.
    exact : bool
        Whether it is a number, a date or a pair of characters, which has no other spelling.
    """

    forms: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...] = ()
    extra: tuple[str, ...] = ()
    month: int = 0
    loud: bool = False
    exact: bool = False

    def terms(self) -> Iterator[str]:
        """All terms, for a passage."""
        return chain(self.forms, chain.from_iterable(self.parts), self.extra)
