"""Which rows a question may speak of: the values it names, the figures it compares with, and what goes together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_localllm.compute.links import ValueLink, link_values
from jupyter_localllm.compute.operation import Comparison, Condition
from jupyter_localllm.compute.question import bits
from jupyter_localllm.compute.run import mask_of
from jupyter_localllm.compute.scope import CONDITION, Scope, Where

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.sources.table import Column

__all__ = ["wheres"]

_VALUES = 10  # conditions on values that are looked at
_COMPARED = 8


def wheres(scope: Scope) -> tuple[list[Where], list[tuple[ValueLink, ValueLink]]]:
    """Sets of up to three conditions that leave rows; and pairs that exclude each other."""
    import numpy as np

    named = link_values(scope.question, scope.values)[:_VALUES]
    links = [*named, *_compared(scope)[:_COMPARED], *_relative(scope, named)[: _COMPARED - 2]]
    masks = [mask_of(link.condition, scope.table, scope.values) for link in links]
    everything = np.ones(scope.table.rows, dtype=bool) & ~scope.table.totals
    wheres = [Where((), 0, 0.0, everything, int(everything.sum()))]
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
                wheres.append(_where(scope, some, rows))
            elif size == 2 and some[0].condition.column == some[1].condition.column:
                excluding.append((some[0], some[1]))
    return wheres, excluding


def _where(scope: Scope, links: list[ValueLink], rows: NDArray[np.bool_]) -> Where:
    without = rows & ~scope.table.totals
    rows = without if without.any() else rows
    mask = 0
    for link in links:
        mask |= link.mask
    for link in links:  # "where Finish is 2nd" names the column of the condition as well
        own = scope.links[link.condition.column].mask
        mask |= own if link.condition.comparison in ("==", "has", "in") and not own & mask else 0
    cost = sum(link.cost + CONDITION for link in links)
    return Where(
        tuple(link.condition for link in links),
        mask,
        cost,
        rows,
        int(rows.sum()),
        all(link.whole for link in links),
    )


def _compared(scope: Scope) -> list[ValueLink]:
    """Comparisons with a number or a date that stands near the words for it: "over 500", "before 1990"."""
    found: list[ValueLink] = []
    for operation, sign in (("above", ">"), ("below", "<")):
        for start, stop in scope.question.operations.get(operation, ()):
            inclusive = any(abs(at - start) <= 3 for at, _ in scope.question.operations.get("inclusive", ()))
            comparison: Comparison = f"{sign}=" if inclusive else sign  # type: ignore[assignment]
            for column in scope.columns:
                found += _compare_near(scope, column, comparison, (start, stop))
    found.sort(key=lambda link: link.cost - scope.question.weight(link.mask))
    return found


def _compare_near(scope: Scope, column: Column, comparison: Comparison, span: tuple[int, int]) -> Iterator[ValueLink]:
    if column.kind not in ("number", "moment"):
        return
    given = scope.question.moments() if column.kind == "moment" else scope.question.numbers()
    for start, stop, said in given:
        if not (span[1] <= start <= span[1] + 2 or stop <= span[0] <= stop + 1):
            continue
        link = scope.links[column.position]
        if stop <= span[0] and column.kind == "number" and _offset(scope, span):
            continue
        dated = column.kind == "moment" or (column.years and 1500 <= float(said) <= 2100)
        guess = 0.0 if link.mask else 0.1 if dated else 0.5
        condition = Condition(column.position, comparison, said)
        yield ValueLink(condition, bits([span, (start, stop)]) | link.mask, guess, bool(link.mask))


def _offset(scope: Scope, span: tuple[int, int]) -> bool:
    """Whether a number before some words counts days or rows: "two days before", and not "500 or more"."""
    neighbours = [*scope.question.operations.get("next", ()), *scope.question.operations.get("previous", ())]
    return any(start < span[1] and span[0] < stop for start, stop in neighbours)


def _relative(scope: Scope, named: list[ValueLink]) -> list[ValueLink]:
    """Comparisons with another row: "larger than Berlin"."""
    found = []
    for link in named:
        if not link.whole or int(mask_of(link.condition, scope.table, scope.values).sum()) != 1:
            continue
        for operation, more, sign in (("above", "max", ">"), ("below", "min", "<")):
            words = _compared_with(scope, operation) | _comparatives(scope, scope.said(more))
            if not words:
                continue
            for column in scope.columns:
                if column.kind not in ("number", "moment") or column.position == link.condition.column:
                    continue
                own = scope.links[column.position]
                condition = Condition(column.position, sign, "", link.condition)  # type: ignore[arg-type]
                cost = link.cost + 0.1 + (0.0 if own.mask else 0.6)
                found.append(ValueLink(condition, link.mask | own.mask | words, cost, bool(own.mask)))
    found.sort(key=lambda link: link.cost - scope.question.weight(link.mask))
    return found


def _comparatives(scope: Scope, words: int) -> int:
    """Some words without superlatives: nothing is larger than a row where the largest is asked for."""
    said = enumerate(scope.question.words)
    ends = ("est", "ste", "sten", "ster", "most", "least")
    return words & ~bits((place, place + 1) for place, word in said if word.endswith(ends))


def _compared_with(scope: Scope, operation: str) -> int:
    """Words that compare with somebody: "more than", and not a mere "over"."""
    return bits(span for span in scope.question.operations.get(operation, ()) if span[1] - span[0] > 1)
