"""Operations of locators, done again with pandas from their text alone.

``mean(price) where region == 'EU'``, ``Years where Name == 'Kane'``, ``count(rows)``, ``Name with max(Laps)``,
``Party with max(count(rows))``, ``sum(units) by region``, ``range(price)``, ``after(Name) where Year == '1999'``,
``difference(Wins) where Team == 'Reds' and Team == 'Blues'``. What cannot be read here is None: not
judged, and counted as such.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cited.matching import as_items, folded, number, numbers, simplified

__all__ = ["Evaluated", "amounts", "evaluate", "totals"]

_CONDITION = re.compile(r"^(.+?)\s(==|!=|>=|<=|>|<|has|is|contains|in)\s(.+)$", re.DOTALL)
_ROW = re.compile(r"^(.+) where (.+)$", re.DOTALL)  # "Laps > Laps where Name == 'Kane'": of another row
_CALL = re.compile(r"^(\w[\w ]*?)\s?\((.*)\)$", re.DOTALL)
_WITH = re.compile(r"^(.+) with (min|max)\((.*)\)$", re.DOTALL)
_BY = re.compile(r"^(\w+)\((.*)\) by (.+)$", re.DOTALL)
_BETWEEN = r"\s{}\s(?=(?:[^'\"]*(?:'[^']*'|\"[^\"]*\"))*[^'\"]*$)"
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "is": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_TOTAL = re.compile(r"(?:grand )?(?:total|totals|sum|average|overall|all|combined|subtotal)\b", re.IGNORECASE)
Reduce = Callable[[Sequence[float]], float]
_REDUCE: dict[str, Reduce] = {
    "sum": math.fsum,
    "mean": lambda v: math.fsum(v) / len(v),
    "min": min,
    "max": max,
    "range": lambda v: max(v) - min(v),
    "count": len,
    "median": lambda v: (sorted(v)[(len(v) - 1) // 2] + sorted(v)[len(v) // 2]) / 2,
}


@dataclass(frozen=True)
class Evaluated:
    """The results of an operation, the rows that it reads, and its filters (column, value)."""

    values: tuple[str, ...]
    rows: tuple[int, ...]
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class _Reader:
    frame: Any
    left_out: frozenset[int] = field(default_factory=frozenset)

    def evaluate(self, operation: str) -> Evaluated | None:
        head, _, condition = operation.partition(" where ")
        told = self._filtered(condition)
        if told is None:
            return None
        rows, filters = told
        between = re.match(r"^difference\((.*)\)$", head.strip(), re.DOTALL)
        values = self._difference(between[1], condition) if between else self._head(head.strip(), rows)
        return None if values is None else Evaluated(tuple(values), tuple(rows), filters)

    def _head(self, head: str, rows: list[int]) -> list[str] | None:
        by, best, call = _BY.match(head), _WITH.match(head), _CALL.match(head)
        if by:
            groups = self._groups(by[1], by[2], by[3], rows)
            return None if groups is None else [x for k, v in groups.items() for x in (k, *as_items(v))]
        if best:
            return self._best(best[1], best[2], best[3], rows)
        column = self._column(head)
        if column is not None:
            return list(dict.fromkeys(self._texts(column, rows)))
        return self._call(call[1].strip().lower(), call[2], rows) if call else None

    def _call(self, name: str, inner: str, rows: list[int]) -> list[str] | None:
        if name == "count" and inner in ("", "*", "rows"):
            return [str(len(rows))]
        column = self._column(inner)
        if column is None:
            return None
        texts = self._texts(column, rows)
        if name in ("after", "before"):
            place = (rows[-1] + 1 if name == "after" else rows[0] - 1) if rows else -1
            return self._texts(column, [place]) if 0 <= place < len(self.frame) else None
        if name == "distinct":
            return [str(len(set(texts)))]
        if name == "count":
            return [str(len(texts))]
        values = amounts(texts)
        return as_items(_REDUCE[name](values)) if values and name in _REDUCE else None

    def _difference(self, inner: str, condition: str) -> list[str] | None:
        """Between the rows that two conditions find, whose values are summed."""
        column, sums = self._column(inner), list[float]()
        for part in re.split(_BETWEEN.format("and"), condition):
            found = self._filtered(part) if column is not None else None
            values = amounts(self._texts(column, found[0])) if found is not None and column is not None else None
            if values is None:
                return None
            sums.append(math.fsum(values))
        return as_items(abs(sums[0] - sums[1])) if len(sums) == 2 else None

    def _best(self, target: str, way: str, inner: str, rows: list[int]) -> list[str] | None:
        wanted, call = self._column(target), _CALL.match(inner)
        if wanted is None:
            return None
        choose = min if way == "min" else max
        column = self._column(inner)
        if column is not None:
            pairs = [(i, amounts([t])) for i in rows for t in self._texts(column, [i])]
            scored = [(i, v[0]) for i, v in pairs if v]
            top = choose((v for _, v in scored), default=None)
            return None if len(scored) < 0.8 * len(pairs) else self._texts(wanted, [i for i, v in scored if v == top])
        if inner == "row":
            return self._texts(wanted, [choose(rows)]) if rows else None
        groups = self._groups(call[1], call[2], target, rows) if call else None
        if not groups:
            return None
        top = choose(groups.values())
        return [key for key, value in groups.items() if value == top]

    def _groups(self, of: str, inner: str, target: str, rows: list[int]) -> dict[str, float] | None:
        wanted, column = self._column(target), self._column(inner)
        if wanted is None or of not in _REDUCE or (column is None and inner != "rows"):
            return None
        keyed = [(t, i) for i in rows for t in self._texts(wanted, [i])]
        if column is None:
            return {k: float(v) for k, v in Counter(key for key, _ in keyed).items()}
        grouped: dict[str, list[float]] = {}
        for key, i in keyed:
            grouped.setdefault(key, []).extend(amounts(self._texts(column, [i])) or ())
        return {key: float(_REDUCE[of](values)) for key, values in grouped.items() if values}

    def _filtered(self, condition: str) -> tuple[list[int], tuple[tuple[str, str], ...]] | None:
        rows = [i for i in range(len(self.frame)) if i not in self.left_out]
        if not condition.strip():
            return rows, ()
        either = re.split(_BETWEEN.format("or"), condition)
        parts = either if len(either) > 1 else re.split(_BETWEEN.format("and"), condition)
        read = [_CONDITION.match(part.strip()) for part in parts]
        masks: list[list[bool]] = []
        filters = []
        for told in read:
            column = self._column(told[1]) if told else None
            if told is None or column is None:
                return None
            wanted = self._wanted(told[3])
            if wanted is None:
                return None
            filters.append((str(self.frame.columns[column]), str(wanted)))
            masks.append([_holds(cell, told[2], wanted) for cell in self.frame.iloc[:, column]])
        combine = any if len(either) > 1 else all
        all_rows = range(len(self.frame)) if self.left_out == frozenset() else rows
        return [i for i in all_rows if combine(mask[i] for mask in masks)], tuple(filters)

    def _wanted(self, text: str) -> Any:
        """What is compared with: a literal, or the cell of the row that a condition finds; None if there is none."""
        other = _ROW.match(text)
        if not other:
            return _literal(text)
        column, found = self._column(other[1]), self._filtered(other[2])
        cells = self._texts(column, found[0][:1]) if column is not None and found is not None else []
        return next(iter(amounts(cells) or ()), None)

    def _texts(self, column: int, rows: Sequence[int]) -> list[str]:
        cells = [self.frame.iloc[i, column] for i in rows]
        return [" ".join(text.split()) for cell in cells for text in as_items(_plain(cell)) if text.strip()]

    def _column(self, text: str) -> int | None:
        wanted = folded(text.strip().strip("`"))
        alike = [i for i, c in enumerate(self.frame.columns) if folded(str(c)) == wanted]
        return alike[0] if len(alike) == 1 else None


def evaluate(frame: Any, operation: str, left_out: Sequence[int] = ()) -> Evaluated | None:
    """Do an operation again, some rows left out; None where its text cannot be read.

    Examples
    --------
    >>> import pandas as pd
    >>> evaluate(pd.DataFrame({"a": [1, 2, 6], "b": ["x", "x", "y"]}), "mean(a) where b == 'x'").values
    ('1.5',)
    """
    return _Reader(frame, frozenset(left_out)).evaluate(operation)


def amounts(texts: Sequence[str]) -> list[float] | None:
    """The first number of each text; None if a fifth of them has none."""
    found = [n[0].value for n in map(numbers, texts) if n]
    return found if found and len(found) >= 0.8 * len(texts) else None


def totals(frame: Any) -> list[int]:
    """Rows that are totals of the others, by a word for it in one of the first three columns."""
    first = [frame.iloc[:, c] for c in range(min(3, frame.shape[1]))]
    return [i for i in range(len(frame)) if any(_TOTAL.match(str(c.iloc[i]).strip()) for c in first)]


def _plain(cell: Any) -> Any:
    missing = type(cell).__name__ in ("NAType", "NaTType") or (isinstance(cell, float) and math.isnan(cell))
    return None if missing else cell


def _holds(cell: Any, sign: str, wanted: Any) -> bool:
    texts = as_items(_plain(cell)) if str(cell) != "<NA>" else []
    if not texts:
        return False
    if sign == "in":
        return _moment(texts[0]).startswith(str(wanted))
    if sign in ("has", "contains"):
        return _words(str(wanted)) <= _words(texts[0])
    amount = number(texts[0])
    limit = wanted if isinstance(wanted, (int, float)) else number(str(wanted))
    if amount is not None and limit is not None:
        return bool(_COMPARE[sign](amount, limit))
    if sign in ("==", "is", "!="):
        return bool(_COMPARE[sign](folded(texts[0]), folded(str(wanted))))
    first = numbers(texts[0])
    return bool(first) and limit is not None and bool(_COMPARE[sign](first[0].value, limit))


def _moment(text: str) -> str:
    """A date as ISO 8601 has it, as far as the text tells; a text that is no date as it is."""
    from dateutil import parser  # type: ignore[import-untyped]

    plain = simplified(text)
    try:
        return plain if re.fullmatch(r"\d{4}(-\d\d)?", plain) else str(parser.parse(plain).isoformat())
    except (ValueError, OverflowError):
        return plain


def _words(text: str) -> set[str]:
    """Words without the s of a plural, and numbers."""
    return {w.rstrip("s") if len(w) > 3 else w for w in re.findall(r"[^\W\d_]+|\d+", folded(text))}


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return text.strip()
