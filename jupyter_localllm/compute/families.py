"""Families of operations that a question may name, each with the words that name it."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_localllm.compute.extremes import ages, ends, extremes
from jupyter_localllm.compute.links import ColumnLink, ValueLink
from jupyter_localllm.compute.operation import Function, Operation
from jupyter_localllm.compute.roles import Compared, measured
from jupyter_localllm.compute.run import rows_of
from jupyter_localllm.compute.scope import COMPUTED, CONDITION, PART_OF_NAME, SHOWN, Candidate, Scope, Where

if TYPE_CHECKING:
    pass

__all__ = ["FAMILIES", "of_pair"]

_MANY = 0.3  # several rows where one is asked for


def _cells(scope: Scope, where: Where) -> Iterator[Candidate]:
    """A cell of the rows that are named."""
    if not where.conditions and where.count > 1:
        return
    asked = {condition.column for condition in where.conditions if condition.comparison in ("==", "has")}
    for column in scope.columns:
        if column.position not in asked:
            words, cost, guessed = scope.shown(column, where.mask)
            cost += _MANY if where.count > 1 else 0.0
            yield scope.made(where, words, cost, guessed, "get", target=column.position)


def _counts(scope: Scope, where: Where) -> Iterator[Candidate]:
    """How many rows, how many different values, or the number that a column says."""
    counted = scope.said("count")
    if not counted:
        return
    bare = 0.0 if where.conditions else 0.3
    yield scope.made(where, counted, bare, 0, "count")
    different = scope.said("distinct")
    for column in scope.columns:
        words, cost, guessed = scope.named(column, where.mask, 9.0)
        if guessed:
            continue
        yield scope.made(where, counted | words, cost + (bare or 0.05), 0, "count")
        repeated = column.kind == "text" and column.distinct < scope.table.rows and not where.conditions
        # of "how many customers" over orders nobody can say which are meant
        cost_different = cost + (0.0 if different else bare if repeated else 0.35)
        yield scope.made(where, counted | words | different, cost_different, 0, "distinct", column=column.position)
        if column.kind == "number" and where.count == 1:
            yield scope.made(where, counted | words, cost - 0.05, 0, "get", target=column.position)
        elif column.kind == "number" and not column.clock:
            summed = scope.said("sum")
            cost += 0.0 if summed else 0.25
            guess = 0 if summed else 1
            yield scope.made(where, counted | words | summed, cost, guess, "sum", column=column.position)


def _aggregates(scope: Scope, where: Where) -> Iterator[Candidate]:
    """Sum, mean and median of a column."""
    for function in ("sum", "mean", "median"):
        named = scope.said(function)
        for column in scope.free(where, scope.numeric()) if named else ():
            words, cost, guessed = scope.named(column, where.mask, COMPUTED)
            # "total" may be all there is of the column "Total": then no sum was asked for
            once = named and not named & ~words
            cost, guessed = (cost + 0.6, guessed + 1) if once else (cost, guessed)
            cost += 0.2 if column.years else 0.0  # of years there is seldom a sum
            yield scope.made(where, named | words, cost, guessed, function, column=column.position)


def _ranges(scope: Scope, where: Where) -> Iterator[Candidate]:
    """The difference between the most and the least of a column."""
    words = scope.said("range") or (scope.said("difference") if scope.said("max") and scope.said("min") else 0)
    for column in scope.free(where, scope.numeric()) if words else ():
        more, cost, guessed = scope.named(column, where.mask, COMPUTED)
        words |= scope.said("max") | scope.said("min")
        yield scope.made(where, words | more, cost, guessed, "range", column=column.position)


def _neighbours(scope: Scope, where: Where) -> Iterator[Candidate]:
    """The row after or before one that is named."""
    if not where.conditions:
        return
    own = {condition.column for condition in where.conditions}
    for operation, function in (("next", "after"), ("previous", "before")):
        named = scope.said(operation)
        for target in scope.columns if named else ():
            words, cost, guessed = scope.named(target, where.mask, 0.1 if target.position in own else SHOWN)
            cost += _MANY if where.count > 1 else 0.0
            guessed = 0 if target.position in own else guessed
            yield scope.made(where, named | words, cost, guessed, function, target=target.position)  # type: ignore[arg-type]


def _groups(scope: Scope, where: Where) -> Iterator[Candidate]:
    """A computation for each value of a column, or the value for which it is most or least."""
    each = scope.said("group")
    most = [(end, Compared(scope, scope.said(end), measured)) for end in ("max", "min") if scope.said(end)]
    superlatives = functools.reduce(operator.or_, (compared.said for _, compared in most), 0)
    targets = [c for c in scope.columns if scope.links[c.position].mask and c.distinct < 0.95 * scope.table.rows]
    for (of, words, guess), target in itertools.product(_figures_of_groups(scope, superlatives), targets):
        for column in scope.numeric() if of != "count" else [None]:
            link = scope.links[column.position] if column is not None else ColumnLink(0, 1.0)
            own = scope.links[target.position]
            if column is target or (column is not None and not link.mask):
                continue
            if not guess and (not words & link.mask or not own.mask & ~superlatives):
                continue  # "the highest total" is one of totals
            mask, cost = words | link.mask | own.mask, guess + PART_OF_NAME * (2 - link.share - own.share)
            place = column.position if column is not None else None
            if each:
                yield scope.made(where, mask | each, cost, 0, "by", column=place, target=target.position, of=of)
            for end, compared in most:
                function: Function = "most" if end == "max" else "least"
                operands = {"column": place, "target": target.position, "of": of}
                more = cost + (compared.misplaced(column) if column is not None else 0.0)
                yield scope.made(where, mask | compared.said, more, 0, function, **operands)


def _figures_of_groups(scope: Scope, superlatives: int) -> Iterator[tuple[str, int, float]]:
    """What may be computed of each group, by which words, and the cost."""
    for of in ("sum", "mean", "median", "count"):
        words = scope.said(of)
        if words:
            yield of, words, 0.1
        elif superlatives and of != "count" and scope.question.named(of):
            # "the highest total" of a customer may be that of an order, or of all orders: nobody can say which
            yield of, scope.question.named(of), 0.0


def of_pair(scope: Scope, pair: tuple[ValueLink, ValueLink]) -> Iterator[Candidate]:
    """Two rows that are named together: which of them has more, how far they are apart, both together."""
    conditions = (pair[0].condition, pair[1].condition)
    operation = Operation("count", conditions=conditions, either=True)
    rows = rows_of(operation, scope.table, scope.values)
    mask = pair[0].mask | pair[1].mask
    cost = sum(link.cost + CONDITION for link in pair)
    where = Where(conditions, mask, cost, rows, int(rows.sum()), all(link.whole for link in pair))
    shown = conditions[0].column
    for column in scope.ordered():
        if column.position == shown:
            continue
        words, guess, guessed = scope.named(column, mask, COMPUTED)
        place = column.position
        for end, function in (
            ("max", "with max"),
            ("min", "with min"),
            ("first", "with min"),
            ("last", "with max"),
        ):
            named = scope.said(end)
            if named and (end in ("max", "min") or column.timed):
                operands = {"column": place, "target": shown, "either": True}
                yield scope.made(where, named | words, guess, guessed, function, **operands)  # type: ignore[arg-type]
        apart, summed = scope.said("difference"), scope.said("sum")
        if apart:
            yield scope.made(where, apart | words, guess - 0.1, guessed, "difference", column=place)
        if summed and column.kind == "number":
            yield scope.made(where, summed | words, guess, guessed, "sum", column=place, either=True)
    counted = scope.said("count")
    if counted:
        yield scope.made(where, counted, 0.2, 0, "count", either=True)


FAMILIES = (_cells, _counts, _aggregates, extremes, ends, ages, _neighbours, _groups, _ranges)
"""From a scope and some conditions to candidates, in a fixed order."""
