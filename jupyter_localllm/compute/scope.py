"""A question over one table while it is read: what names which column, what a guess costs, and how a reading is scored.

A candidate is worth what the words say that it explains, less what had to be guessed: a column that the question does
not name, a value of which it holds a part, a condition more. The costs are few and round; they were not fitted.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_localllm.compute.links import ColumnLink, link_columns
from jupyter_localllm.compute.operation import Condition, Function, Operation
from jupyter_localllm.compute.places import COMPARING, Places
from jupyter_localllm.compute.question import Question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.sources.table import Column, Table
    from jupyter_localllm.sources.values import Values

__all__ = ["COMPUTED", "CONDITION", "MISPLACED", "PART_OF_NAME", "SHOWN", "Candidate", "Scope", "Where"]

CONDITION = 0.25  # each condition: the fewer the better
SHOWN = 0.45  # a column to answer with that the question does not name
_SUBJECT = 0.2  # the same, if it is what the rows are about
PART_OF_NAME = 0.15  # a column of whose name the question holds next to nothing
_RATHER = 0.06  # where two columns are named, the one that is not what the rows are about
MISPLACED = 0.6  # a column that is compared or shown, though by the order of the words another one is
COMPUTED = 0.9  # a column to compute with that the question does not name
_COLUMNS = 40  # columns of a table that are all tried; of a wider one, those that the question names


@dataclass(frozen=True)
class Candidate:
    """One way to read a question.

    Parameters
    ----------
    operation : Operation
    mask : int
        The words that it explains.
    cost : float
        What had to be guessed.
    score : float
        What its words say, less the cost.
    guessed : int
        Columns that the question does not name.
    """

    operation: Operation
    mask: int
    cost: float
    score: float
    guessed: int = 0


@dataclass(frozen=True)
class Where:
    """Conditions that go together, and the rows they leave."""

    conditions: tuple[Condition, ...]
    mask: int
    cost: float
    rows: NDArray[np.bool_]
    count: int
    whole: bool = True


class Scope:
    """A question and a table.

    Parameters
    ----------
    question : Question
    table : Table
    values : Values
        Of the same table.
    """

    def __init__(self, question: Question, table: Table, values: Values) -> None:
        self.question = question
        self.table = table
        self.values = values
        self.links = link_columns(question, table)
        self.columns = self._columns()
        self.places = Places(question, table.columns, self.links)
        self.asked = self.places.asked()
        self._as_names = self.places.names()

    def _columns(self) -> list[Column]:
        columns = list(self.table.columns)
        if len(columns) <= _COLUMNS:
            return columns
        named = [column for column in columns if self.links[column.position].mask]
        named.sort(key=lambda column: -self.links[column.position].share)
        subject = [] if self.table.subject is None or self.table.subject in named else [self.table.subject]
        return [*named[:_COLUMNS], *subject]

    def named(self, column: Column, covered: int, guess: float) -> tuple[int, float, int]:
        """The words that name a column and are not taken, the cost, and whether it is a guess."""
        link: ColumnLink = self.links[column.position]
        if link.mask & ~covered:
            # A column whose name is a function word ("For", "No") may be meant, or not.
            little = not self.question.unexplained(~link.mask) and not self.question.writes(column.label)
            doubtful = little and column.position not in self.asked
            return link.mask, PART_OF_NAME * (1 - link.share), int(doubtful)
        if not link.mask and link.share == 1.0:  # named by a sign, "#"
            return 0, -0.5, 0
        return 0, guess, 1

    def shown(self, column: Column, covered: int) -> tuple[int, float, int]:
        """The same of a column that answers, which need not be named."""
        words, cost, guessed = self.named(column, covered, _SUBJECT if column is self.table.subject else SHOWN)
        subject = self.table.subject
        if subject is not None and column is not subject and not guessed and self.links[subject.position].mask:
            cost -= _RATHER  # "the mayor of the city with …": that the rows are cities need not be asked
        return words, cost, guessed

    def made(
        self, where: Where, words: int, cost: float, guessed: int, function: Function, **operands: object
    ) -> Candidate:
        """A candidate with its score: rows, the words besides theirs, and what had to be guessed besides."""
        mask = where.mask | words
        operation = Operation(function, conditions=where.conditions, **operands)  # type: ignore[arg-type]
        whole = where.cost + cost
        return Candidate(operation, mask, whole, self.question.weight(mask) - whole, guessed + (not where.whole))

    def said(self, operation: str) -> int:
        """The words that name an operation; of those that are the name of a column, only if there are no others.

        "mayor" is a column here, and "the greatest" in Spanish. What stands behind a superlative is a column's name.
        """
        words = self.question.named(operation)
        free = words & ~self._names
        if free or operation not in COMPARING:
            return free or words
        others = any(self.question.named(other) & ~self._names for other in COMPARING)
        return words & ~self._as_names & (self.places.before_names() if others else ~0)

    @functools.cached_property
    def _names(self) -> int:
        names = 0
        for link in self.links:
            names |= link.mask if link.share >= 0.99 else 0
        return names

    def not_shown(self, column: Column) -> float:
        """What it costs to show a column of which only "how high" speaks: a figure of another one is asked for."""
        link, how = self.links[column.position].mask, self.places.adjectives()
        said = self.question.named("max", "min")
        return MISPLACED if link & how and not link & ~how & ~said else 0.0

    def free(self, where: Where, columns: Iterable[Column]) -> list[Column]:
        """Columns that no condition has pinned to a value: of the others there is nothing to compute."""
        pinned = {condition.column for condition in where.conditions if condition.comparison == "=="}
        return [column for column in columns if column.position not in pinned]

    def numeric(self) -> Iterable[Column]:
        """Columns that can be added up."""
        return [column for column in self.columns if column.kind == "number" and not column.clock]

    def ordered(self) -> Iterable[Column]:
        """Columns that have a most and a least."""
        return [column for column in self.columns if column.kind in ("number", "moment")]
