"""Questions whose answer is computed: mean, most, least, sum, count, distinct, with a filter and without."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cited.matching import folded
from benchmarks.cited.operations import totals
from benchmarks.cited.tables import Table, categories, key_columns, named_columns, number_like
from benchmarks.cited.wording import FILTERS, STATISTICS

__all__ = ["Figure", "gold_of", "sample_figures"]

KINDS = tuple(STATISTICS)


@dataclass(frozen=True, eq=False)
class Figure:
    """A question over a table's column; ``gold`` is a number, or for ``"most"`` the name of the row."""

    table: Table
    kind: str
    column: str
    by: str
    value: str
    language: str
    question: str
    gold: float | str

    @property
    def group(self) -> str:
        """Kind and filter, for the shares of each."""
        return f"{self.kind}{' by filter' if self.by else ''}"


def gold_of(frame: Any, kind: str, column: str, by: str = "", value: str = "") -> float | None:
    """What pandas gives; missing cells do not count. None where nothing is there."""
    rows = frame[frame[by].astype(str).map(folded) == folded(value)] if by else frame
    if kind == "count":
        return float(len(rows))
    cells = rows[column].dropna()
    if kind == "distinct":
        return float(len({folded(str(c)) for c in cells if str(c).strip()}))
    return float(getattr(cells, kind)()) if len(cells) else None


def sample_figures(tables: Sequence[Table], n: int, seed: int) -> list[Figure]:
    """All kinds in turn, every second one with a filter, half of them in another language.

    Tables with rows of totals are left out: whether these count is a question of taste.
    """
    rng = random.Random(seed)
    order = [t for t in tables if len(t.frame) >= 5 and not totals(t.text)]
    rng.shuffle(order)
    found: list[Figure] = []
    at = 0
    while order and len(found) < n and at < 40 * n:
        i = len(found)
        table = order[at % len(order)]
        at += 1
        language = rng.choice(("English", "English", "English", "German", "French", "Spanish"))
        made = _figure(table, KINDS[i % len(KINDS)], language, (i // len(KINDS)) % 2 == 1, rng)
        if made is not None:
            found.append(made)
    return found


def _figure(table: Table, kind: str, language: str, filtered: bool, rng: random.Random) -> Figure | None:
    if kind == "most":
        return _most(table, language, rng)
    by, value = "", ""
    if filtered:
        pairs = categories(table)
        if not pairs:
            return None
        by, value = rng.choice(pairs)
    columns = [c for c in named_columns(table) if c != by and _fits(table, c, kind)]
    if not columns:
        return None
    column = rng.choice(columns)
    gold = gold_of(table.frame, kind, column, by, value)
    if gold is None:
        return None
    where = rng.choice(FILTERS[language]).format(by=_line(by), value=_line(value)) if filtered else ""
    asked = rng.choice(STATISTICS[kind][language]).format(column=_line(column), where=where)
    return Figure(table, kind, column, by, value, language, asked, gold)


def _most(table: Table, language: str, rng: random.Random) -> Figure | None:
    keys = key_columns(table)[:1]
    columns = [c for c in named_columns(table) if _fits(table, c, "max")]
    columns = [c for c in columns if (table.frame[c] == table.frame[c].max()).sum() == 1]
    if not keys or not columns:
        return None
    column = rng.choice(columns)
    gold = str(table.text[keys[0]].iloc[int(table.frame[column].astype("Float64").fillna(float("-inf")).argmax())])
    asked = rng.choice(STATISTICS["most"][language]).format(column=_line(column), key_column=_line(keys[0]))
    return Figure(table, "most", column, "", "", language, asked, gold) if gold.strip() else None


_NUMERIC = ("mean", "max", "min", "sum")


def _fits(table: Table, column: str, kind: str) -> bool:
    """Numbers for what is computed of numbers; words that come again for what is counted; columns named only once."""
    names = [folded(c) for c in table.text.columns]
    if sum(folded(column) in name for name in names) > 1:
        return False
    if kind == "count":
        return True
    cells = [c for c in table.text[column] if c.strip()]
    several = len({folded(c) for c in cells}) >= 3
    return several and (number_like(table, column) if kind in _NUMERIC else len({*cells}) < len(cells))


def _line(text: str) -> str:
    return " ".join(text.split())
