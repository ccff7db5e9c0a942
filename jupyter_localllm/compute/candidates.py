"""Every computation that a question might mean, each with the evidence for it and the guesses in it.

A candidate is worth what the words say that it explains, less what had to be guessed: a column that the question does
not name, a value of which it holds a part, a condition more. The costs are few and round; they were not fitted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_localllm.compute.links import ColumnLink, ValueLink, link_columns, link_values
from jupyter_localllm.compute.operation import Comparison, Condition, Function, Operation
from jupyter_localllm.compute.question import Question, bits
from jupyter_localllm.compute.run import mask_of, rows_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.sources.table import Column, Table
    from jupyter_localllm.sources.values import Values

__all__ = ["Candidate", "candidates"]

_CONDITION = 0.25  # each condition: the fewer the better
_COMPUTED = 0.9  # a column to compute with that the question does not name
_SHOWN = 0.45  # a column to answer with that the question does not name
_SUBJECT = 0.2  # the same, if it is what the rows are about
_PART_OF_NAME = 0.15  # a column of whose name the question holds next to nothing
_RATHER = 0.06  # where two columns are named, the one that is not what the rows are about
_MANY = 0.3  # several rows where one is asked for
_TRIVIAL = 0.8  # the most of one row
_VALUES = 10  # conditions on values that are looked at
_COMPARED = 8
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
class _Where:
    """Conditions that go together, and the rows they leave."""

    conditions: tuple[Condition, ...]
    mask: int
    cost: float
    rows: NDArray[np.bool_]
    count: int
    whole: bool = True


def candidates(question: Question, table: Table, values: Values) -> list[Candidate]:
    """All readings of a question over one table, the best first; equal ones in a fixed order."""
    search = _Search(question, table, values)
    found = list(search.all())
    found.sort(key=lambda candidate: -candidate.score)
    return found


class _Search:
    """The question and the table while candidates are made."""

    def __init__(self, question: Question, table: Table, values: Values) -> None:
        self.question = question
        self.table = table
        self.values = values
        self.links = link_columns(question, table)
        self.columns = self._columns()

    def _columns(self) -> list[Column]:
        columns = list(self.table.columns)
        if len(columns) <= _COLUMNS:
            return columns
        named = [column for column in columns if self.links[column.position].mask]
        named.sort(key=lambda column: -self.links[column.position].share)
        subject = [] if self.table.subject is None or self.table.subject in named else [self.table.subject]
        return [*named[:_COLUMNS], *subject]

    def all(self) -> Iterator[Candidate]:
        wheres, empty = self._wheres()
        for pair in empty:
            yield from self._of_pair(pair)
        for where in wheres:
            for family in (self._cells, self._counts, self._aggregates, self._extremes, self._ends, self._neighbours):
                yield from family(where)
            yield from self._groups(where)
            yield from self._ranges(where)

    # -- conditions ---------------------------------------------------------------------------------------------------

    def _wheres(self) -> tuple[list[_Where], list[tuple[ValueLink, ValueLink]]]:
        """Sets of up to three conditions that leave rows; and pairs that exclude each other."""
        import numpy as np

        named = link_values(self.question, self.values)[:_VALUES]
        links = [*named, *self._compared()[:_COMPARED], *self._relative(named)[: _COMPARED - 2]]
        masks = [mask_of(link.condition, self.table, self.values) for link in links]
        everything = np.ones(self.table.rows, dtype=bool) & ~self.table.totals
        wheres = [_Where((), 0, 0.0, everything, int(everything.sum()))]
        excluding = []
        for size in (1, 2, 3):
            for chosen in itertools.combinations(range(len(links) if size < 3 else min(len(links), 8)), size):
                some = [links[i] for i in chosen]
                if any(a.mask & b.mask for a, b in itertools.combinations(some, 2)):
                    continue
                rows = masks[chosen[0]].copy()
                for i in chosen[1:]:
                    rows &= masks[i]
                if rows.any():
                    wheres.append(self._where(some, rows))
                elif size == 2 and some[0].condition.column == some[1].condition.column:
                    excluding.append((some[0], some[1]))
        return wheres, excluding

    def _where(self, links: list[ValueLink], rows: NDArray[np.bool_]) -> _Where:
        without = rows & ~self.table.totals
        rows = without if without.any() else rows
        mask = 0
        for link in links:
            mask |= link.mask
        for link in links:  # "where Finish is 2nd" names the column of the condition as well
            own = self.links[link.condition.column].mask
            mask |= own if link.condition.comparison in ("==", "has", "in") and not own & mask else 0
        cost = sum(link.cost + _CONDITION for link in links)
        return _Where(
            tuple(link.condition for link in links),
            mask,
            cost,
            rows,
            int(rows.sum()),
            all(link.whole for link in links),
        )

    def _compared(self) -> list[ValueLink]:
        """Comparisons with a number or a date that stands near the words for it: "over 500", "before 1990"."""
        found: list[ValueLink] = []
        for operation, sign in (("above", ">"), ("below", "<")):
            for start, stop in self.question.operations.get(operation, ()):
                inclusive = any(abs(at - start) <= 3 for at, _ in self.question.operations.get("inclusive", ()))
                comparison: Comparison = f"{sign}=" if inclusive else sign  # type: ignore[assignment]
                for column in self.columns:
                    found += self._compare_near(column, comparison, (start, stop))
        found.sort(key=lambda link: link.cost - self.question.weight(link.mask))
        return found

    def _compare_near(self, column: Column, comparison: Comparison, span: tuple[int, int]) -> Iterator[ValueLink]:
        if column.kind not in ("number", "moment"):
            return
        given = self.question.moments() if column.kind == "moment" else self.question.numbers()
        for start, stop, said in given:
            if not (span[1] <= start <= span[1] + 2 or stop <= span[0] <= stop + 1):
                continue
            link = self.links[column.position]
            dated = column.kind == "moment" or (column.years and 1500 <= float(said) <= 2100)
            guess = 0.0 if link.mask else 0.1 if dated else 0.5
            condition = Condition(column.position, comparison, said)
            yield ValueLink(condition, bits([span, (start, stop)]) | link.mask, guess, bool(link.mask))

    def _relative(self, named: list[ValueLink]) -> list[ValueLink]:
        """Comparisons with another row: "larger than Berlin"."""
        found = []
        for link in named:
            if not link.whole or int(mask_of(link.condition, self.table, self.values).sum()) != 1:
                continue
            for operation, more, sign in (("above", "max", ">"), ("below", "min", "<")):
                words = self._compared_with(operation) | self._said(more)
                if not words:
                    continue
                for column in self.columns:
                    if column.kind not in ("number", "moment") or column.position == link.condition.column:
                        continue
                    own = self.links[column.position]
                    condition = Condition(column.position, sign, "", link.condition)  # type: ignore[arg-type]
                    cost = link.cost + 0.1 + (0.0 if own.mask else 0.6)
                    found.append(ValueLink(condition, link.mask | own.mask | words, cost, bool(own.mask)))
        found.sort(key=lambda link: link.cost - self.question.weight(link.mask))
        return found

    def _compared_with(self, operation: str) -> int:
        """Words that compare with somebody: "more than", and not a mere "over"."""
        return bits(span for span in self.question.operations.get(operation, ()) if span[1] - span[0] > 1)

    # -- columns ------------------------------------------------------------------------------------------------------

    def _named(self, column: Column, covered: int, guess: float) -> tuple[int, float, int]:
        """The words that name a column and are not taken, the cost, and whether it is a guess."""
        link: ColumnLink = self.links[column.position]
        if link.mask & ~covered:
            # A column whose name is a function word ("For", "No") may be meant, or not.
            doubtful = not self.question.unexplained(~link.mask) and not self.question.writes(column.label)
            return link.mask, _PART_OF_NAME * (1 - link.share), int(doubtful)
        if not link.mask and link.share == 1.0:  # named by a sign, "#"
            return 0, -0.5, 0
        return 0, guess, 1

    def _shown(self, column: Column, covered: int) -> tuple[int, float, int]:
        words, cost, guessed = self._named(column, covered, _SUBJECT if column is self.table.subject else _SHOWN)
        subject = self.table.subject
        if subject is not None and column is not subject and not guessed and self.links[subject.position].mask:
            cost -= _RATHER  # "the mayor of the city with …": that the rows are cities need not be asked
        return words, cost, guessed

    def _made(
        self, where: _Where, words: int, cost: float, guessed: int, function: Function, **operands: object
    ) -> Candidate:
        mask = where.mask | words
        operation = Operation(function, conditions=where.conditions, **operands)  # type: ignore[arg-type]
        whole = where.cost + cost
        return Candidate(operation, mask, whole, self.question.weight(mask) - whole, guessed + (not where.whole))

    def _said(self, operation: str) -> int:
        """The words that name an operation; of those that are the name of a column, only if there are no others.

        "mayor" is a column here, and "the greatest" in Spanish.
        """
        words = self.question.named(operation)
        names = 0
        for link in self.links:
            names |= link.mask if link.share >= 0.99 else 0
        return words & ~names or words

    # -- families of operations ---------------------------------------------------------------------------------------

    def _cells(self, where: _Where) -> Iterator[Candidate]:
        """A cell of the rows that are named."""
        if not where.conditions and where.count > 1:
            return
        asked = {condition.column for condition in where.conditions if condition.comparison in ("==", "has")}
        for column in self.columns:
            if column.position not in asked:
                words, cost, guessed = self._shown(column, where.mask)
                cost += _MANY if where.count > 1 else 0.0
                yield self._made(where, words, cost, guessed, "get", target=column.position)

    def _counts(self, where: _Where) -> Iterator[Candidate]:
        """How many rows, how many different values, or the number that a column says."""
        counted = self._said("count")
        if not counted:
            return
        bare = 0.0 if where.conditions else 0.3
        yield self._made(where, counted, bare, 0, "count")
        different = self._said("distinct")
        for column in self.columns:
            words, cost, guessed = self._named(column, where.mask, 9.0)
            if guessed:
                continue
            yield self._made(where, counted | words, cost + (bare or 0.05), 0, "count")
            cost_different = cost + (0.0 if different else 0.35)
            yield self._made(where, counted | words | different, cost_different, 0, "distinct", column=column.position)
            if column.kind == "number" and where.count == 1:
                yield self._made(where, counted | words, cost - 0.05, 0, "get", target=column.position)
            elif column.kind == "number":
                summed = self._said("sum")
                cost += 0.0 if summed else 0.25
                yield self._made(where, counted | words | summed, cost, 0, "sum", column=column.position)

    def _free(self, where: _Where, columns: Iterable[Column]) -> list[Column]:
        """Columns that no condition has pinned to a value: of the others there is nothing to compute."""
        pinned = {condition.column for condition in where.conditions if condition.comparison == "=="}
        return [column for column in columns if column.position not in pinned]

    def _aggregates(self, where: _Where) -> Iterator[Candidate]:
        """Sum, mean and median of a column."""
        for function in ("sum", "mean", "median"):
            named = self._said(function)
            for column in self._free(where, self._numeric()) if named else ():
                words, cost, guessed = self._named(column, where.mask, _COMPUTED)
                # "total" may be all there is of the column "Total": then no sum was asked for
                once = named and not named & ~words
                cost, guessed = (cost + 0.6, guessed + 1) if once else (cost, guessed)
                cost += 0.2 if column.years else 0.0  # of years there is seldom a sum
                yield self._made(where, named | words, cost, guessed, function, column=column.position)

    def _ranges(self, where: _Where) -> Iterator[Candidate]:
        """The difference between the most and the least of a column."""
        words = self._said("range") or (self._said("difference") if self._said("max") and self._said("min") else 0)
        for column in self._free(where, self._numeric()) if words else ():
            more, cost, guessed = self._named(column, where.mask, _COMPUTED)
            words |= self._said("max") | self._said("min")
            yield self._made(where, words | more, cost, guessed, "range", column=column.position)

    def _extremes(self, where: _Where) -> Iterator[Candidate]:
        """The most and the least: as a number, as the row that has it, as the value that comes most often."""
        trivial = _TRIVIAL if where.count == 1 and where.conditions else 0.0
        for end in ("max", "min"):
            named = self._said(end)
            # "the highest price" is a number, "the most goals" somebody has; "who" asks for somebody, too
            number = not self._said("holder")
            for column in self._free(where, self._ordered()) if named else ():
                words, cost, guessed = self._named(column, where.mask, _COMPUTED + 0.2 * (column.kind != "number"))
                alone = cost + trivial + (0.05 if number else 0.35)
                yield self._made(where, named | words, alone, guessed, end, column=column.position)
                yield from self._rows_with(
                    where, named | words, cost + trivial, guessed, function=f"with {end}", column=column
                )
            often = self._said("mode")
            for column in self._free(where, self.columns) if named else ():
                if column.distinct > 0.95 * self.table.rows:
                    continue
                words, cost, guessed = self._named(column, where.mask, _SHOWN)
                cost += trivial + (0.0 if often else 0.35)
                function: Function = "most" if end == "max" else "least"
                yield self._made(where, named | often | words, cost, guessed, function, target=column.position)

    def _rows_with(
        self, where: _Where, words: int, cost: float, guessed: int, *, function: str, column: Column
    ) -> Iterator[Candidate]:
        for target in self._free(where, self.columns):
            if target is not column:
                more, shown, guess = self._shown(target, where.mask | words)
                if words and more and not self.links[column.position].mask & ~more and not guess:
                    shown, guess = shown + _COMPUTED, guess + 1  # "league goals" do not name "league apps" as well
                operands = {"column": column.position, "target": target.position}
                yield self._made(where, words | more, cost + shown, guessed + guess, function, **operands)  # type: ignore[arg-type]

    def _ends(self, where: _Where) -> Iterator[Candidate]:
        """The first and the last row, in the table's order or by a column of dates."""
        for end, function in (("first", "with min"), ("last", "with max")):
            named = self._said(end)
            for target in self.columns if named else ():
                words, cost, guessed = self._shown(target, where.mask)
                yield self._made(where, named | words, cost + 0.05, guessed, function, target=target.position)  # type: ignore[arg-type]
                for column in self.columns:
                    if column.timed:
                        own = 0.02 if column is target else 0.0
                        operands = {"column": column.position, "target": target.position}
                        yield self._made(where, named | words, cost - own, guessed, function, **operands)  # type: ignore[arg-type]

    def _neighbours(self, where: _Where) -> Iterator[Candidate]:
        """The row after or before one that is named."""
        if not where.conditions:
            return
        own = {condition.column for condition in where.conditions}
        for operation, function in (("next", "after"), ("previous", "before")):
            named = self._said(operation)
            for target in self.columns if named else ():
                words, cost, guessed = self._named(target, where.mask, 0.1 if target.position in own else _SHOWN)
                cost += _MANY if where.count > 1 else 0.0
                guessed = 0 if target.position in own else guessed
                yield self._made(where, named | words, cost, guessed, function, target=target.position)  # type: ignore[arg-type]

    def _groups(self, where: _Where) -> Iterator[Candidate]:
        """A computation for each value of a column, or the value for which it is most or least."""
        each = self._said("group")
        ends = [(end, self._said(end)) for end in ("max", "min") if self._said(end)]
        named = [(of, self._said(of)) for of in ("sum", "mean", "median", "count") if self._said(of)]
        targets = [c for c in self.columns if self.links[c.position].mask and c.distinct < 0.95 * self.table.rows]
        for (of, words), target in itertools.product(named, targets):
            for column in self._numeric() if of != "count" else [None]:
                link = self.links[column.position] if column is not None else ColumnLink(0, 1.0)
                if column is target or (column is not None and not link.mask):
                    continue
                own = self.links[target.position]
                mask, cost = words | link.mask | own.mask, 0.1 + _PART_OF_NAME * (2 - link.share - own.share)
                place = column.position if column is not None else None
                if each:
                    yield self._made(where, mask | each, cost, 0, "by", column=place, target=target.position, of=of)
                for end, told in ends:
                    function: Function = "most" if end == "max" else "least"
                    operands = {"column": place, "target": target.position, "of": of}
                    yield self._made(where, mask | told, cost, 0, function, **operands)

    def _of_pair(self, pair: tuple[ValueLink, ValueLink]) -> Iterator[Candidate]:
        """Two rows that are named together: which of them has more, how far they are apart, both together."""
        conditions = (pair[0].condition, pair[1].condition)
        operation = Operation("count", conditions=conditions, either=True)
        rows = rows_of(operation, self.table, self.values)
        mask = pair[0].mask | pair[1].mask
        cost = sum(link.cost + _CONDITION for link in pair)
        where = _Where(conditions, mask, cost, rows, int(rows.sum()), all(link.whole for link in pair))
        shown = conditions[0].column
        for column in self._ordered():
            if column.position == shown:
                continue
            words, guess, guessed = self._named(column, mask, _COMPUTED)
            place = column.position
            for end, function in (
                ("max", "with max"),
                ("min", "with min"),
                ("first", "with min"),
                ("last", "with max"),
            ):
                named = self._said(end)
                if named and (end in ("max", "min") or column.timed):
                    operands = {"column": place, "target": shown, "either": True}
                    yield self._made(where, named | words, guess, guessed, function, **operands)  # type: ignore[arg-type]
            apart, summed = self._said("difference"), self._said("sum")
            if apart:
                yield self._made(where, apart | words, guess - 0.1, guessed, "difference", column=place)
            if summed and column.kind == "number":
                yield self._made(where, summed | words, guess, guessed, "sum", column=place, either=True)
        counted = self._said("count")
        if counted:
            yield self._made(where, counted, 0.2, 0, "count", either=True)

    def _numeric(self) -> Iterable[Column]:
        return [column for column in self.columns if column.kind == "number"]

    def _ordered(self) -> Iterable[Column]:
        return [column for column in self.columns if column.kind in ("number", "moment")]
