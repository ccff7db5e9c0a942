"""Single cells of real tables, asked for with the name of their row and column."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.cited.matching import folded, simplified
from benchmarks.cited.tables import Table, blank, key_columns, named_columns
from benchmarks.cited.wording import LANGUAGES, PARAPHRASES, PLAIN, misspelt, shortened

__all__ = ["Lookup", "in_languages", "removable", "reworded", "sample"]


@dataclass(frozen=True, eq=False)
class Lookup:
    """A question whose answer is one cell.

    ``gold`` is the cell as the table's file has it; ``wording`` the name of the question's form.
    """

    table: Table
    row: int
    column: str
    key_column: str
    key: str
    gold: str
    question: str
    wording: str = "plain"

    def ask(self, template: str, wording: str, *, key: str = "", column: str = "") -> Lookup:
        """The same cell in another wording."""
        said = template.format(
            key=_line(key or self.key), column=_line(column or self.column), key_column=_line(self.key_column)
        )
        return replace(self, question=said, wording=wording)


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def sample(tables: Sequence[Table], n: int, seed: int, *, words: bool = True) -> list[Lookup]:
    """Lookups in the plain wording, as many tables as there are in turn, each cell once.

    Left out are cells that say nothing, that the question itself would tell, and those of more than 80 characters.

    Parameters
    ----------
    words : bool, optional
        Rows are named by words; otherwise by numbers, as years.
    """
    rng = random.Random(seed)
    order = list(tables)
    rng.shuffle(order)
    left = {table.name: list(_cells(table, words)) for table in order}
    for cells in left.values():
        rng.shuffle(cells)
    found: list[Lookup] = []
    while len(found) < n and any(left.values()):
        found += [left[t.name].pop() for t in order if left[t.name]][: n - len(found)]
    return found


def _cells(table: Table, words: bool) -> Iterator[Lookup]:
    names = [folded(c) for c in table.text.columns]
    for key_column in key_columns(table, words=words)[:2]:
        times = Counter(folded(key) for key in table.text[key_column])
        for column in named_columns(table):
            if column == key_column or names.count(folded(column)) > 1:
                continue
            for row, (key, gold) in enumerate(zip(table.text[key_column], table.text[column], strict=True)):
                if blank(key) or len(key) > 60 or times[folded(key)] > 1:
                    continue
                lookup = Lookup(table, row, column, key_column, key, gold, "").ask(PLAIN, "plain")
                if not blank(gold) and len(gold) <= 80 and not _told(lookup):
                    yield lookup


def _told(lookup: Lookup) -> bool:
    """Whether the question tells the answer, or the answer its row."""
    gold = folded(simplified(lookup.gold)) or folded(lookup.gold)
    return gold in folded(lookup.question) or folded(lookup.key) in gold


def reworded(lookups: Sequence[Lookup], seed: int) -> list[Lookup]:
    """Each of them in one other English wording, in turn."""
    names = list(PARAPHRASES)
    return [_said(lookup, names[i % len(names)], random.Random(seed + i)) for i, lookup in enumerate(lookups)]


def _said(lookup: Lookup, wording: str, rng: random.Random) -> Lookup:
    key, column = lookup.key, lookup.column
    if wording == "lower":
        key, column = key.lower(), column.lower()
    elif wording == "upper":
        key, column = key.upper(), column.upper()
    elif wording == "typo":
        key = misspelt(key, rng)
    elif wording == "short-key":
        key = shortened(key, [*(k for k in lookup.table.text[lookup.key_column] if k != lookup.key), column])
    elif wording == "short-column":
        column = re.sub(r"\s*\([^)]*\)|\s*\[[^\]]*\]", "", column).strip() or column
    return lookup.ask(PARAPHRASES[wording], wording, key=key, column=column)


def in_languages(lookups: Sequence[Lookup], seed: int) -> list[Lookup]:
    """Each of them in one other language, in turn; names and columns stay as the table has them."""
    names = list(LANGUAGES)
    rng = random.Random(seed)
    return [
        lookup.ask(rng.choice(LANGUAGES[names[i % len(names)]]), names[i % len(names)])
        for i, lookup in enumerate(lookups)
    ]


def removable(lookup: Lookup) -> tuple[bool, bool]:
    """Whether the frame says nothing of it without the row, and without the column.

    Without the row: no other cell holds the name or any word of four letters of it. Without the column: no other
    column's name shares a word with it, and no other cell of the row is equal.
    """
    text = lookup.table.text
    rest = [folded(c) for column in text.columns for i, c in enumerate(text[column]) if i != lookup.row]
    words = set(re.findall(r"[^\W\d_]{4,}", folded(lookup.key))) or {folded(lookup.key)}
    row = not any(w in cell for w in words for cell in rest)
    own = set(re.findall(r"[^\W_]+", folded(lookup.column)))
    others = [c for c in text.columns if c != lookup.column]
    near = any(own & set(re.findall(r"[^\W_]+", folded(c))) for c in others)
    equal = any(folded(text[c].iloc[lookup.row]) == folded(lookup.gold) for c in others)
    return row, not near and not equal and len(others) >= 2
