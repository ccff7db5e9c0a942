"""A table held still, with what its columns are worked out when it is first asked for.

Columns are known by their place, because names may be missing, doubled, or no strings. Everything is computed by the
table's own library through narwhals; Python reads single cells only where a column is text.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm.sources.cells import column_texts
from jupyter_localllm.sources.typed import amount, moment, with_commas

if TYPE_CHECKING:
    import narwhals as nw
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Column", "Table"]

_MOSTLY = 0.6  # share of the cells that must read as numbers (or dates) for a column of texts to count as such
_SAMPLE = 2_000  # cells that are looked at to decide this
_BLANK = frozenset({"", "-", "–", "—", "?", "n/a", "na", "nan", "none", "null", "nil", "...", "…", "<na>", "nat"})  # noqa: RUF001
_TOTALS = frozenset(
    {
        *("total", "totals", "sum", "overall", "subtotal", "average", "gesamt", "summe", "insgesamt", "totale"),
        *("totaal", "suma", "soma", "totalt", "razem", "итого", "всего", "合計", "合计", "总计"),
    }
)
_DIFFERENT = 300_000  # different values among which rows of totals are looked for
_FEW = 0.25  # more rows than this that begin with such a word are no rows of totals


class Column:
    """One column.

    Parameters
    ----------
    position : int
        Its place among the table's columns, from 0; levels of an index come first.
    label : str
        Its name as people read it.
    series : narwhals.Series
    index : bool
        Whether it is a level of a pandas index.
    """

    def __init__(self, position: int, label: str, series: nw.Series[Any], *, index: bool, pandas: bool) -> None:
        self.position = position
        self.label = label
        self.series = series
        self.index = index
        self._pandas = pandas

    @functools.cached_property
    def kind(self) -> str:
        """What the cells are: ``"number"``, ``"moment"``, ``"truth"`` or ``"text"``."""
        dtype = self.series.dtype
        if dtype.is_numeric():
            return "number"
        name = str(dtype).partition("(")[0]
        if name in ("Date", "Datetime"):
            return "moment"
        if name == "Boolean":
            return "truth"
        return self._kind_of_texts()

    @property
    def native(self) -> bool:
        """Whether the column's own type says what it is, and nothing was read out of texts."""
        return self.series.dtype.is_numeric() or self.series.dtype.is_temporal()

    @functools.cached_property
    def years(self) -> bool:
        """Whether whole numbers may be years, by their range: ordered in time, and numbers all the same."""
        if not self.series.dtype.is_integer() or len(self.series) == 0:
            return False
        low, high = self.series.min(), self.series.max()
        return low is not None and high is not None and int(low) >= 1500 and int(high) <= 2100

    @property
    def timed(self) -> bool:
        """Whether the cells are ordered in time."""
        return self.kind == "moment" or self.years

    def _kind_of_texts(self) -> str:
        some = self.series.head(_SAMPLE) if len(self.series) > _SAMPLE else self.series
        texts = [text for text in _texts(some, self._pandas) if text.casefold() not in _BLANK]
        if not texts:
            return "text"
        comma = with_commas(texts)
        amounts = [found for text in texts if (found := amount(text, comma=comma)) is not None]
        moments = sum(moment(text) is not None for text in texts)
        years = all(text.isdecimal() for text in texts)
        if moments >= _MOSTLY * len(texts) and (moments > len(amounts) or years):
            return "moment"
        if len({found.unit for found in amounts if found.unit}) > 1:
            return "text"  # kilometres and metres do not compare as numbers do
        return "number" if len(amounts) >= _MOSTLY * len(texts) else "text"

    @functools.cached_property
    def clock(self) -> bool:
        """Whether the cells are times of a clock or of a race: they have an order, and their sum says nothing."""
        if self.native or self.kind != "number":
            return False
        found = (amount(text) for text in _texts(self.series.head(_SAMPLE), self._pandas))
        return any(one is not None and one.unit == ":" for one in found)

    @functools.cached_property
    def texts(self) -> Sequence[str]:
        """The cells as people read them, one text for each row; ``""`` where the value is missing."""
        return _texts(self.series, self._pandas)

    def read(self, series: nw.Series[Any]) -> list[str]:
        """Some cells of this column as people read them."""
        return _texts(series, self._pandas)

    def text(self, row: int) -> str:
        """One cell as people read it."""
        if "texts" in self.__dict__:
            return self.texts[row]
        return _texts(self.series[row : row + 1], self._pandas)[0]

    @functools.cached_property
    def numbers(self) -> nw.Series[Any]:
        """The cells as numbers; null where one is none."""
        import narwhals as nw

        if self.series.dtype.is_numeric():
            if self._pandas and self.series.dtype.is_float():
                return self.series.fill_nan(None) if hasattr(self.series, "fill_nan") else self.series
            return self.series
        different = set(self.texts)
        comma = with_commas(different)
        read = {text: found.value if (found := amount(text, comma=comma)) else None for text in different}
        return self._new([read[text] for text in self.texts], nw.Float64())

    @functools.cached_property
    def moments(self) -> nw.Series[Any]:
        """The cells as ISO 8601 texts, which compare as moments do; null where one is none."""
        import narwhals as nw

        if self.series.dtype.is_integer():
            return self.series.cast(nw.String())
        if self.series.dtype.is_temporal():
            return self.series.dt.to_string("%Y-%m-%d")
        read = {text: moment(text) for text in set(self.texts)}
        return self._new([read[text] for text in self.texts], nw.String())

    @functools.cached_property
    def ordered(self) -> nw.Series[Any]:
        """The cells in a form that has an order: moments, else numbers."""
        if self.kind != "moment":
            return self.numbers
        return self.series if self.series.dtype.is_temporal() else self.moments

    @functools.cached_property
    def grouping(self) -> nw.Series[Any]:
        """The cells in a form that can be grouped: as they are, or as texts of objects; null where missing."""
        import narwhals as nw

        if str(self.series.dtype) == "Object" or self.series.dtype.is_nested():
            return self._new([text or None for text in self.texts], nw.String())
        return self.series

    @functools.cached_property
    def sha256(self) -> str:
        """Of the cells, as people read them, and of the type."""
        digest = hashlib.sha256(f"{self.label}\x1f{self.series.dtype}".encode("utf-8", "surrogatepass"))
        if self.series.dtype.is_numeric() and self.series.null_count() == 0:
            digest.update(self.series.to_numpy().tobytes())
        else:
            for start in range(0, len(self.series), 100_000):
                texts = _texts(self.series[start : start + 100_000], self._pandas)
                digest.update("\x1f".join(texts).encode("utf-8", "surrogatepass"))
                digest.update(b"\x1e")
        return digest.hexdigest()

    @functools.cached_property
    def distinct(self) -> int:
        """Different values, missing ones not counted."""
        return self.values.n_unique() if len(self.values) else 0

    @functools.cached_property
    def values(self) -> nw.Series[Any]:
        """The cells that are not missing; texts where the values themselves cannot be compared."""
        return self.grouping.drop_nulls()

    def _new(self, values: list[Any], dtype: Any) -> nw.Series[Any]:
        import narwhals as nw

        return nw.new_series(self.label or "column", values, dtype, backend=self.series.implementation)


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
        return hashlib.sha256("\x1f".join(column.sha256 for column in self.columns).encode()).hexdigest()

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
            if column.kind == "text" and not column.native and column.distinct <= _DIFFERENT:
                named = {text for text in column.read(column.values.unique()) if _is_total(text)}
                if named:
                    found |= np.fromiter((text in named for text in column.texts), dtype=bool, count=self.rows)
        return found if found.mean() <= _FEW else np.zeros(self.rows, dtype=bool) if self.rows else found

    def row_label(self, row: int) -> str:
        """What people call a row: its subject, else its number from 1."""
        text = self.subject.text(row) if self.subject is not None else ""
        return text if text else f"row {row + 1}"


def _is_total(text: str) -> bool:
    words = text.casefold().replace(":", " ").split()
    return 1 <= len(words) <= 3 and words[0] in _TOTALS


def _texts(series: nw.Series[Any], pandas: bool) -> list[str]:
    """The cells as people read them, without the escapes of a Markdown table where they are plain texts."""
    if str(series.dtype) in ("String", "Object", "Categorical", "Enum") or str(series.dtype).startswith("Enum"):
        values = series.to_list()
        return [_line(value) if type(value) is str else _other(value, pandas) for value in values]
    try:
        return column_texts(series, nan_is_missing=pandas)
    except Exception:  # one cell of a rare type spoils the column: cell by cell, then
        return [_other(value, pandas) for value in series.to_list()]


def _line(text: str) -> str:
    """A text on one line, as a cell is read."""
    return " ".join(text.split()) if "\n" in text or "  " in text else text.strip()


def _other(value: Any, pandas: bool) -> str:
    """A cell that is no text: a number, a date, a list. Of a foreign object only its type: to ask it may be slow."""
    from jupyter_localllm.sources.cells import cell_texts
    from jupyter_localllm.sources.scalar import ScalarKind, is_missing
    from jupyter_localllm.sources.structure import StructureKind

    if is_missing(value):
        return ""
    try:
        if ScalarKind().matches(value) or StructureKind().matches(value):
            return _line(cell_texts([value], nan_is_missing=pandas)[0])
    except Exception as error:  # whatever a foreign object in a list does while it is read
        return f"<unreadable {type(value).__name__}: {type(error).__name__}>"
    return f"<{type(value).__name__}>"
