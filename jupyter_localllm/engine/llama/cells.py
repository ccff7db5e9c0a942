"""The cells of a KV cache, counted by reference: one that several sequences share is taken once."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Cells"]


class Cells:
    """An account of cells; which of llama.cpp's cells they are does not matter.

    Parameters
    ----------
    count : int
        How many there are.

    Examples
    --------
    >>> cells = Cells(4)
    >>> mine = cells.take(3)
    >>> cells.share(mine[:2])
    >>> cells.give_back(mine), cells.free, cells.used
    (1, 2, 2)
    """

    def __init__(self, count: int) -> None:
        self._references = [0] * count
        self._free = list(range(count - 1, -1, -1))

    @property
    def count(self) -> int:
        """All of them."""
        return len(self._references)

    @property
    def free(self) -> int:
        """How many hold nothing."""
        return len(self._free)

    @property
    def used(self) -> int:
        """How many hold something, whoever shares them."""
        return len(self._references) - len(self._free)

    def take(self, count: int) -> list[int]:
        """So many free ones."""
        taken = [self._free.pop() for _ in range(count)]
        for cell in taken:
            self._references[cell] = 1
        return taken

    def share(self, cells: Iterable[int]) -> None:
        """One more needs these."""
        for cell in cells:
            self._references[cell] += 1

    def own(self, cells: Iterable[int]) -> int:
        """How many of these nobody else needs."""
        return sum(self._references[cell] == 1 for cell in cells)

    def give_back(self, cells: Iterable[int]) -> int:
        """One fewer needs these; how many of them nobody needs at all now."""
        before = len(self._free)
        for cell in cells:
            self._references[cell] -= 1
            if self._references[cell] == 0:
                self._free.append(cell)
        return len(self._free) - before
