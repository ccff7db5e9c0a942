"""Readings for the most and the least: as a number, as the row that has it, as the first and the last, as a count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_localllm.compute.direction import end_of, is_age, judged
from jupyter_localllm.compute.operation import Function
from jupyter_localllm.compute.roles import Compared, measured, timed
from jupyter_localllm.compute.scope import COMPUTED, MISPLACED, SHOWN, Candidate, Scope, Where

if TYPE_CHECKING:
    from jupyter_localllm.sources.table import Column

__all__ = ["ages", "ends", "extremes"]

_TRIVIAL = 0.8  # the most of one row
_ROW = 0.35  # a number where a row is asked for, a count where nothing says so
_BARE = frozenset({"max", "maximum", "maximal", "min", "minimum", "minimal", "greatest", "most", "least", "smallest"})


def extremes(scope: Scope, where: Where) -> Iterator[Candidate]:
    """The most and the least: as a number, as the row that has it, as the value that comes most often."""
    trivial = _TRIVIAL if where.count == 1 and where.conditions else 0.0
    for end in ("max", "min"):
        named = scope.said(end)
        compared = Compared(scope, named, measured)
        said = scope.question.words_of(named)
        for column in scope.free(where, scope.ordered()) if named else ():
            dated = column.kind == "moment"
            if dated and (column.native or not scope.question.named("value") & named) and not said & _BARE:
                continue  # the warmest day is not the last one
            words, cost, guessed = compared.named(column, where.mask, COMPUTED + 0.2 * dated)
            cost += trivial + compared.misplaced(column)
            guessed += 2 if compared.counts(column) else 0
            meant = end_of(said, end, column)
            # "the highest price" is a number, "the most goals" somebody has; "who" asks for somebody, too
            alone = cost + (0.05 if compared.is_answer(column) else _ROW)
            yield scope.made(where, named | words, alone, guessed, meant, column=column.position)
            yield from _rows_with(scope, where, named | words, cost, guessed, function=f"with {meant}", column=column)
        yield from _often(scope, where, compared, end) if named else ()


def _often(scope: Scope, where: Where, compared: Compared, end: str) -> Iterator[Candidate]:
    trivial = _TRIVIAL if where.count == 1 and where.conditions else 0.0
    often = scope.said("mode")
    rather = compared.said & ~scope.question.named("value")
    if not often and (not rather or judged(scope.question.words_of(rather))):
        return  # "the highest" is a figure, "the most" may be how often
    for column in scope.free(where, scope.columns):
        if column.distinct > 0.95 * scope.table.rows:
            continue
        words, cost, guessed = scope.named(column, where.mask, SHOWN)
        cost += trivial
        if not often:  # that it is counted was not said, and of numbers the size is meant
            cost += _ROW + compared.counted(column)
            guessed += guessed
        function: Function = "most" if end == "max" else "least"
        yield scope.made(where, compared.said | often | words, cost, guessed, function, target=column.position)


def _rows_with(
    scope: Scope, where: Where, words: int, cost: float, guessed: int, *, function: str, column: Column
) -> Iterator[Candidate]:
    for target in scope.free(where, scope.columns):
        if target is not column:
            more, shown, guess = scope.shown(target, where.mask | words)
            if words and more and not scope.links[column.position].mask & ~more and not guess:
                shown, guess = shown + COMPUTED, guess + 1  # "league goals" do not name "league apps" as well
            shown += scope.not_shown(target)
            operands = {"column": column.position, "target": target.position}
            yield scope.made(where, words | more, cost + shown, guessed + guess, function, **operands)  # type: ignore[arg-type]


def ends(scope: Scope, where: Where) -> Iterator[Candidate]:
    """The first and the last row, in the table's order or by a column of dates."""
    for end, function in (("first", "with min"), ("last", "with max")):
        named = scope.said(end)
        compared = Compared(scope, named, timed)
        oldest = bool(named & scope.question.words_in("oldest"))
        aged = MISPLACED if oldest and any(map(is_age, scope.columns)) else 0.0
        for target in scope.columns if named else ():
            words, cost, guessed = scope.shown(target, where.mask)
            rows = aged + cost + 0.05 + compared.misplaced(None)
            yield scope.made(where, named | words, rows, guessed, function, target=target.position)  # type: ignore[arg-type]
            for column in filter(timed, scope.columns):
                own = column is target
                mask, by = named | words, aged + cost - (0.02 if own else -compared.misplaced(column))
                if own or column.position not in scope.asked:
                    mask |= scope.links[column.position].mask & ~where.mask
                operands = {"column": column.position, "target": target.position}
                yield scope.made(where, mask, by, guessed, function, **operands)  # type: ignore[arg-type]


def ages(scope: Scope, where: Where) -> Iterator[Candidate]:
    """The oldest and the youngest, where a column of ages tells."""
    oldest, youngest = (scope.question.words_in(word) for word in ("oldest", "youngest"))
    for column in filter(is_age, scope.free(where, scope.columns)):
        for said, function in ((oldest, "with max"), (youngest, "with min")):
            if said:
                words = said | scope.links[column.position].mask
                yield scope.made(where, words, _ROW, 0, function[5:], column=column.position)  # type: ignore[arg-type]
                for target in scope.free(where, scope.columns):
                    more, cost, guessed = scope.shown(target, where.mask | words)
                    operands = {"column": column.position, "target": target.position}
                    if target is not column:
                        yield scope.made(where, words | more, cost, guessed, function, **operands)  # type: ignore[arg-type]
