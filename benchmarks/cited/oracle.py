"""What passages of a frame say, read from the frame itself: the oracle in place of a model of entailment.

ALCE (Gao et al., 2023, arXiv 2305.14627) asks a model of natural language inference whether the cited passages entail a
statement. Here the row and column of every passage are known, so it is looked up:

- cells: a statement is entailed when it tells the value of a cited cell, every number in it stands in a cited row (or
  in the columns' names, or is the row's number), and every row that it names by its key is cited;
- a computation: it is done again from the text of its locator (``mean(price) where region == 'EU'``) with pandas; the
  statement must tell the result, and no number but it, those of the operation and the number of rows. A filter's value
  that the statement names must be the operation's own. Rows of totals may have been left out or not.

An operation that cannot be read here is not judged (None), and counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cited.matching import folded, number, numbers, same_number, stands_in, without_marks
from benchmarks.cited.operations import Evaluated, evaluate, totals
from jupyter_localllm.types import Citation, Locator

__all__ = ["FrameOracle"]


@dataclass(frozen=True, eq=False)
class FrameOracle:
    """What a frame says; ``keys`` are the columns whose values name its rows."""

    frame: Any
    text: Any
    keys: tuple[str, ...] = ()

    def entails(self, claim: str, citations: Sequence[Citation]) -> bool | None:
        """Whether the cited passages together entail a statement; None where an operation cannot be read."""
        places = [c.locator for c in citations if c.number]
        done: list[Evaluated] = []
        cells = [p for p in places if p.rows and not p.operation]
        for place in places:
            again = self._again(place.operation) if place.operation else []
            done += again
            if place.operation and not again:
                if len(place.rows or ()) != 1 or re.match(r"\w+\(", place.operation):
                    return None
                cells.append(place)
        said = without_marks(claim)
        return self._by_computations(said, done, cells) if done else self._by_cells(said, cells)

    def _again(self, operation: str) -> list[Evaluated]:
        left_out = totals(self.frame)
        ways = [evaluate(self.frame, operation), evaluate(self.frame, operation, left_out) if left_out else None]
        return [way for way in ways if way is not None]

    def _by_cells(self, claim: str, places: Sequence[Locator]) -> bool:
        rows = {r for p in places for r in p.rows or () if 0 <= r < len(self.text)}
        cited = [
            (c, str(self.text[c].iloc[r]))
            for p in places
            for r in sorted(rows & set(p.rows or ()))
            for c in self._columns(p)
        ]
        beside = [(c, value) for c, value in cited if c not in self.keys] or cited  # the key alone tells nothing
        if not any(value.strip() and stands_in(value, claim) for _, value in beside):
            return False
        near = [str(self.text[c].iloc[r]) for r in rows for c in self.text.columns]
        near += [*map(str, self.text.columns), *(str(r + 1) for r in rows), *(str(r) for r in rows)]
        columns = {*self.keys, *(c for c, _ in cited)}
        return self._numbers_in(claim, near) and not self._others(claim, near, columns)

    def _by_computations(self, claim: str, done: Sequence[Evaluated], cells: Sequence[Locator]) -> bool:
        results = [value for d in done for value in d.values]
        if not any(_told(value, claim) for value in results):
            return False
        near = [*results, *map(str, self.text.columns), *(str(len(d.rows)) for d in done), str(len(self.text))]
        near += [value for d in done for _, value in d.filters]
        near += [str(self.text[c].iloc[r]) for p in cells for r in p.rows or () for c in self.text.columns]
        filtered = {column for d in done for column, _ in d.filters}
        own = {folded(value) for d in done for _, value in d.filters} | {folded(v) for v in results}
        others = {folded(str(v)) for c in filtered for v in self.text[c]} - own
        wrong = any(v and stands_in(v, folded(claim)) and not any(v in o for o in own) for v in others)
        return self._numbers_in(claim, near) and not wrong

    def _columns(self, place: Locator) -> list[str]:
        wanted = {folded(c) for c in place.columns}
        named = [c for c in self.text.columns if folded(str(c)) in wanted]
        return named or list(self.text.columns)

    def _numbers_in(self, claim: str, texts: Sequence[str]) -> bool:
        there = [n.value for text in texts for n in numbers(text)]
        return all(any(same_number(value, n) or same_number(abs(value), n) for value in there) for n in numbers(claim))

    def _others(self, claim: str, near: Sequence[str], columns: set[str]) -> bool:
        """Whether the statement tells a value of these columns that no cited row has."""
        said, own = folded(claim), folded(" | ".join(near))
        values = {folded(str(value)) for column in columns for value in self.text[column]}
        there = [v for v in values if len(v) >= 3 and any(c.isalpha() for c in v) and v not in own]
        return any(v in said and stands_in(v, said) for v in there)


def _told(value: str, claim: str) -> bool:
    amount = number(value)
    if amount is not None:
        return any(same_number(amount, n) for n in numbers(claim))
    return stands_in(value, claim)
