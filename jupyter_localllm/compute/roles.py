"""Which column a superlative compares: what names it, and what speaks against it by its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from jupyter_localllm.compute.scope import MISPLACED
from jupyter_localllm.sources.tokens import stem, stems, tokens

if TYPE_CHECKING:
    from jupyter_localllm.compute.scope import Scope
    from jupyter_localllm.sources.table import Column

__all__ = ["Compared", "measured", "timed"]

_COUNTED = 0.25  # how often a number comes, where its size may be meant


def timed(column: Column) -> bool:
    """What comes first or last."""
    return column.timed


def measured(column: Column) -> bool:
    """What is highest or lowest."""
    return column.kind == "number" and not column.years


@dataclass(frozen=True)
class Compared:
    """A superlative of a question over a table.

    Parameters
    ----------
    scope : Scope
    said : int
        Its words.
    fits : callable
        Whether it can be said of a column.
    """

    scope: Scope
    said: int
    fits: Callable[[Column], bool]

    @cached_property
    def _by_place(self) -> frozenset[int]:
        return self.scope.places.compared(self.said, self.scope.asked, self.fits)

    def named(self, column: Column, covered: int, guess: float) -> tuple[int, float, int]:
        """The words that name a column and are not taken, the cost, and whether it is a guess.

        The superlative's own words name it only if nothing else names a column: "high" is not meant by "the highest
        wind", it may be by "the highest day".
        """
        link = self.scope.links[column.position]
        if link.mask and not link.mask & ~covered & ~self.said and self._others_named(column):
            adjective = link.share >= 0.99 and link.mask & ~self.scope.question.named("value")
            return (link.mask, 0.0, 0) if adjective else (0, guess, 1)
        words, cost, guessed = self.scope.named(column, covered, guess)
        return words, cost, 0 if words and column.position in self._by_place else guessed

    def misplaced(self, column: Column | None) -> float:
        """What it costs to compare a column (or the rows' own order) where by its place another one is compared."""
        if column is None:
            return MISPLACED if self._by_place else 0.0
        if column.position in self._by_place:
            return 0.0
        shown = self._is_asked(column) and self._others_named(column)
        return MISPLACED if self._by_place or shown else 0.0

    def is_answer(self, column: Column) -> bool:
        """Whether the highest figure of a column answers, and not who has it."""
        if self._is_asked(column):
            return not self._others_named(column)
        rows = self.scope.said("holder") or self.scope.asked or self.scope.places.said_by(column.position)
        return not rows

    def counted(self, column: Column) -> float:
        """What it costs to ask how often a value comes where the question asks how large it is."""
        if self.scope.asked and column.position in self._by_place:
            return MISPLACED
        return _COUNTED if column.kind == "number" else 0.0

    def counts(self, column: Column) -> bool:
        """Whether "the most orders" may be how many there are, of a column that only tells rows apart."""
        if not column.series.dtype.is_integer() or column.distinct < self.scope.table.rows:
            return False
        question, mask = self.scope.question, self.scope.links[column.position].mask
        named = {word for word in question.words_of(mask) if word not in tokens(column.label)}
        many = self.said & ~question.named("value")
        return bool(many and named) and set(map(stem, named)) <= stems(column.label)

    def _is_asked(self, column: Column) -> bool:
        return self.scope.asked == {column.position}

    def _others_named(self, column: Column) -> bool:
        return any(
            self.scope.links[other.position].mask & ~self.said and other.position not in self.scope.asked
            for other in self.scope.columns
            if other is not column and other.kind == "number"
        )
