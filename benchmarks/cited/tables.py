"""Tables of a folder, as people load them, and what in them can be asked about.

The folder holds ``csv/*.csv`` and ``questions.tsv`` (id, utterance, context, targetValue). Every cell is read as text
first, with pandas' own way of naming columns. A column in which all cells that are not blank are numbers (digits with
an optional sign, thousands commas, decimals; no leading zeros) becomes ``Int64`` or ``Float64``, its blanks become
missing. All others stay text, their blanks stay blank.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cited.matching import folded, number

__all__ = ["Question", "Table", "categories", "key_columns", "named_columns", "read_questions", "read_tables", "typed"]

_ZEROS = re.compile(r"[-+]?0\d")
_BLANK = {"", "-", "--", "n/a", "na", "none", "nan", "?", "tba", "tbd", "unknown", "total", "totals"}


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it is asked about (`frame`), and with all cells as the texts they were (`text`)."""

    name: str
    frame: Any
    text: Any

    def without(self, *, row: int | None = None, column: str | None = None) -> Any:
        """The frame without this row or column."""
        left = self.frame
        if row is not None:
            left = left.drop(index=left.index[row]).reset_index(drop=True)
        return left.drop(columns=[column]) if column is not None else left


@dataclass(frozen=True)
class Question:
    """A question of the benchmark."""

    id: str
    text: str
    table: str
    target: str


def typed(text: Any) -> Any:
    """A frame of texts with its columns of numbers read as such."""
    import pandas as pd

    frame = text.copy()
    for name in frame.columns:
        cells = [str(cell).strip() for cell in text[name]]
        told = [cell for cell in cells if cell]
        if not told or any(number(cell) is None or _ZEROS.match(cell) for cell in told):
            continue
        values = [number(cell) if cell else None for cell in cells]
        whole = all(v is None or v.is_integer() for v in values) and not any("." in cell for cell in told)
        frame[name] = pd.array(values, dtype="Float64").astype("Int64") if whole else pd.array(values, dtype="Float64")
    return frame


def read_tables(folder: Path, names: Iterable[str] | None = None) -> list[Table]:
    """All tables of a folder, by name.

    Raises
    ------
    FileNotFoundError
        There are none.
    """
    import pandas as pd

    files = sorted((folder / "csv").glob("*.csv")) if names is None else [folder / name for name in names]
    if not files:
        raise FileNotFoundError(f"no tables: {folder / 'csv'} holds no .csv files")
    tables = []
    for file in files:
        text = pd.read_csv(file, dtype=str, keep_default_na=False, escapechar="\\", skipinitialspace=True)
        if len(text):
            tables.append(Table(file.name, typed(text), text))
    return tables


def read_questions(folder: Path) -> list[Question]:
    """The questions of a folder, in its order."""
    with (folder / "questions.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Question(r["id"], r["utterance"], Path(r["context"]).name, r["targetValue"]) for r in rows]


def blank(text: str) -> bool:
    """Whether a cell says nothing that could be asked for."""
    return folded(text) in _BLANK or not any(c.isalnum() for c in text)


def named_columns(table: Table) -> list[str]:
    """Columns whose names say something."""
    return [c for c in table.text.columns if any(x.isalpha() for x in c) and not re.match(r"Unnamed: \d+|.*\.\d+$", c)]


def key_columns(table: Table, *, words: bool = True) -> list[str]:
    """Columns that name the rows: no value stands twice in them, and no cell elsewhere is the same as one.

    Parameters
    ----------
    words : bool, optional
        Those whose values have letters; otherwise those of numbers.
    """
    everywhere = Counter(folded(cell) for column in table.text.columns for cell in table.text[column])
    return [c for c in named_columns(table) if _names_rows(list(table.text[c]), everywhere, words)]


def _names_rows(cells: list[str], everywhere: Counter[str], words: bool) -> bool:
    good = [c for c in cells if not blank(c) and len(c) <= 60 and any(x.isalpha() for x in c) == words]
    once = [c for c in good if everywhere[folded(c)] == 1]
    return len(cells) >= 3 and len(good) >= 0.8 * len(cells) and len(once) >= 0.8 * len(cells)


def categories(table: Table) -> list[tuple[str, str]]:
    """Pairs of a column of words and a value that stands in it two times or more, and in no other column."""
    found = []
    for column in named_columns(table):
        counts = Counter(str(cell) for cell in table.text[column])
        if not 2 <= len(counts) <= len(table.text) / 2 or number_like(table, column):
            continue
        others = {folded(cell) for other in table.text.columns if other != column for cell in table.text[other]}
        alike = Counter(folded(value) for value in counts)
        for value, times in counts.items():
            told = not blank(value) and 2 <= len(value) <= 40 and any(c.isalpha() for c in value)
            if 2 <= times < len(table.text) and told and folded(value) not in others and alike[folded(value)] == 1:
                found.append((column, value))
    return found


def number_like(table: Table, column: str) -> bool:
    """Whether the column was read as numbers."""
    return str(table.frame[column].dtype) in ("Int64", "Float64")
