"""What an index over passages promises, and what a search in it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jupyter_localllm.types import Passage

__all__ = ["Bounds", "PassageIndex", "Progress", "Ranked", "Searching", "never"]

Progress = Callable[[int, "int | None"], None]
"""Called with the passages indexed so far, and how many there will be, or None if nobody knows."""


@dataclass(frozen=True)
class Ranked:
    """A passage that was found.

    Parameters
    ----------
    passage : Passage
    score : float
        The higher the better; comparable within one search only.
    terms : tuple of str
        Informative words of the question that the passage holds, in the question's order, without case.
    share : float
        The part of the question's information that the passage covers, 0 to 1.
    order : int
        Its place among the passages of its source, counted from 0; -1 if that is not known.
    """

    passage: Passage
    score: float
    terms: tuple[str, ...] = ()
    share: float = 0.0
    order: int = -1


@dataclass(frozen=True)
class Bounds:
    """How much of a source is indexed at most.

    Parameters
    ----------
    passages : int
    seconds : float
    """

    passages: int = 2_000_000
    seconds: float = 60.0


@runtime_checkable
class Searching(Protocol):
    """A snapshot that ranks its passages itself, as frames do."""

    def search(self, question: str, limit: int) -> list[Ranked]:
        """The best passages for a question, the best one first."""
        ...


class PassageIndex(Protocol):
    """Passages that can be found by their terms (`words`). Safe to use from several threads."""

    @property
    def size(self) -> int:
        """Passages in it."""
        ...

    @property
    def length(self) -> int:
        """Terms in it, of all passages."""
        ...

    @property
    def bytes(self) -> int:
        """What it takes, in memory or on disk; roughly."""
        ...

    def add(
        self,
        passages: Iterable[Passage],
        until: Callable[[], bool] = ...,
        progress: Progress | None = None,
        total: int | None = None,
    ) -> int:
        """Index passages one by one, in bounded memory.

        Parameters
        ----------
        passages : iterable of Passage
            In the order of the source.
        until : callable
            Asked between batches; the index ends there when it says True.
        progress : callable, optional
            Called after each batch.
        total : int or None
            How many there will be, for `progress`.

        Returns
        -------
        int
            How many were added.

        Raises
        ------
        SourceError
            The disk is full. After this, or any other exception from here, the index is closed.
        """
        ...

    def frequency(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many passages each term stands; terms that stand in none are left out."""
        ...

    def vocabulary(self, prefix: str, limit: int) -> dict[str, int]:
        """Terms that begin so, in alphabetical order, with the number of passages of each."""
        ...

    def candidates(self, terms: Sequence[str], limit: int, *, first: bool = False) -> list[tuple[int, Passage]]:
        """Passages that hold at least one of the terms, each with its place: the best ones, or simply the first."""
        ...

    def everything(self) -> Iterator[tuple[int, Passage]]:
        """All passages with their places, in the order of the source."""
        ...

    def search(self, question: str, limit: int) -> list[Ranked]:
        """The best passages for a question, the best one first."""
        ...

    def close(self) -> None:
        """Give back what it holds. Harmless when done twice."""
        ...


def never() -> bool:
    """Do not stop."""
    return False
