"""A table held still, with what its columns are worked out when it is first asked for.

Columns are known by their place, because names may be missing, doubled, or no strings.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_localllm.sources.column import Column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Column", "Table"]

_TOTALS = frozenset(
    {
        *("total", "totals", "sum", "overall", "subtotal", "average", "gesamt", "summe", "insgesamt", "totale"),
        *("totaal", "suma", "soma", "totalt", "razem", "итого", "всего", "合計", "合计", "总计"),
    }
)
_AROUND = frozenset({"grand", "sub", "general", "of", "all", "the", "in"})
_BRACKETS = re.compile(r"\(.*?\)|[*†‡]")
_DIFFERENT = 300_000  # different values among which rows of totals are looked for
_FEW = 0.25  # more rows than this that begin with such a word are no rows of totals


class Table:
    """A table held still.

    Parameters
    ----------
    columns : sequence of Column
        Levels of the index first.
    rows : int
    size : str
        In words, as ``"100 rows x 5 columns"``.
    """

    def __init__(self, columns: Sequence[Column], rows: int, size: str) -> None:
        self.columns = tuple(columns)
        self.rows = rows
        self.size = size

    @functools.cached_property
    def sha256(self) -> str:
        """Of all columns."""
        parts = [str(self.rows), *(column.sha256 for column in self.columns)]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()

    @functools.cached_property
    def subject(self) -> Column | None:
        """The column that says what a row is about: the leftmost text (or index) whose values mostly differ."""
        texts = [c for c in self.columns if c.kind == "text" and c.distinct > 1] or list(self.columns)
        if not texts or not self.rows:
            return texts[0] if texts else None

        def worth(column: Column) -> float:
            differ = column.distinct / self.rows
            place = self.columns.index(column) / len(self.columns)
            return (1.0 if differ > 0.8 else differ) - 0.3 * place

        return max(texts, key=worth)

    @functools.cached_property
    def totals(self) -> NDArray[np.bool_]:
        """Which rows are totals of the others, as reports have them: a word for it in one of the first columns.

        Shape (rows,). They are left out of computations, and this is said.
        """
        import numpy as np

        found = np.zeros(self.rows, dtype=bool)
        for column in self.columns[:3]:
            if not column.native and column.kind != "truth":
                found[column.kept("totals", functools.partial(_totals, column))] = True
        few = found.sum() <= _FEW * self.rows or (found.sum() == 1 and bool(found[-1]))
        return found if few else np.zeros(self.rows, dtype=bool)

    def row_label(self, row: int) -> str:
        """What people call a row: its subject, else its number from 1."""
        text = self.subject.text(row) if self.subject is not None else ""
        return text if text else f"row {row + 1}"


def _totals(column: Column) -> NDArray[np.intp]:
    """Rows whose cell is a word for a total."""
    import numpy as np

    named: set[str] = set()
    if column.distinct <= _DIFFERENT:
        named = {text for text in column.read(column.values.unique()) if _is_total(text)}
    rows = (row for row, text in enumerate(column.texts) if text in named) if named else ()
    return np.fromiter(rows, dtype=np.intp)


def _is_total(text: str) -> bool:
    words = _BRACKETS.sub(" ", text.casefold()).replace(":", " ").split()
    return 1 <= len(words) <= 3 and any(word in _TOTALS for word in words) and set(words) <= _TOTALS | _AROUND
