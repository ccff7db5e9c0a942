"""A column held still: what its cells are, how people read them, and in which form they are compared.

Everything is computed by the table's own library through narwhals; Python reads single cells only where a column is
text. What follows from the cells alone is kept by their content, see `jupyter_localllm.sources.kept_columns`.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_localllm.sources.content import STILL, content_of
from jupyter_localllm.sources.held import sha256_of, sha256_of_parts
from jupyter_localllm.sources.kept_columns import KeptColumns, derived
from jupyter_localllm.sources.plain_cells import is_loose, is_text, plain_series, plain_texts
from jupyter_localllm.sources.typed import amount, moment, unclear, with_commas

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["Column"]

_MOSTLY = 0.6  # share of the cells that must read as numbers (or dates) for a column of texts to count as such
_SAMPLE = 2_000  # cells that are looked at to decide this
_BLANK = frozenset({"", "-", "–", "—", "?", "n/a", "na", "nan", "none", "null", "nil", "...", "…", "<na>", "nat"})  # noqa: RUF001

T = TypeVar("T")


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
        self._keeper: KeptColumns | None = None
        self._held = False

    def keep_in(self, keeper: KeptColumns) -> None:
        """Look there for what is known of the content, and leave there what is found out."""
        self._keeper = keeper

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """What is known of the content under a name; made if it is not known.

        The cells are hashed for it once. So it is for what takes longer than that, which in a column of numbers is
        only what has to tell all of them apart.
        """
        return make() if self._keeper is None else self._keeper.get(self._key, name, make)

    @functools.cached_property
    def _key(self) -> str:
        """The content, and the form that what is made of it has."""
        import narwhals as nw

        native: Any = nw.to_native(self.series)
        form = f"{self.series.implementation} {getattr(native, 'dtype', getattr(native, 'type', ''))} {self._pandas}"
        return f"{form} {self.content}"

    @property
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
        return self._kind_of_texts

    @functools.cached_property
    def loose(self) -> bool:
        """Whether any cell may be any object of Python, whatever its library says of the first ones."""
        return is_loose(self.series)

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

    @derived
    def _kind_of_texts(self) -> str:
        some = self.read_rows(range(min(_SAMPLE, len(self.series))))
        texts = [text for text in some if text.casefold() not in _BLANK]
        if not texts:
            return "text"
        comma = with_commas(texts)
        amounts = [found for text in texts if (found := amount(text, comma=comma)) is not None]
        moments = sum(moment(text) is not None for text in texts)
        years = all(text.isdecimal() for text in texts)
        if moments >= _MOSTLY * len(texts) and (moments > len(amounts) or years):
            return "moment"
        units = {found.unit for found in amounts}
        if len(units - {""}) > 1 or {"", "%"} <= units or unclear(texts):
            return "text"  # kilometres and metres do not compare as numbers do
        return "number" if len(amounts) >= _MOSTLY * len(texts) else "text"

    @property
    def clock(self) -> bool:
        """Whether the cells are times of a clock or of a race: they have an order, and their sum says nothing."""
        return not self.native and self.kind == "number" and self._timings

    @derived
    def _timings(self) -> bool:
        found = (amount(text) for text in self.read_rows(range(min(_SAMPLE, len(self.series)))))
        return any(one is not None and one.unit == ":" for one in found)

    def hold(self) -> None:
        """Read cells that can change while they stay in their place, as lists do, before they change."""
        if self.loose and not {type(value) for value in self.series.to_list()} <= STILL:
            self._held = bool(self.texts)

    @functools.cached_property
    def texts(self) -> Sequence[str]:
        """The cells as people read them, one text for each row; ``""`` where the value is missing."""
        return self.read(self.series)

    @property
    def _times(self) -> bool:
        """Whether moments are written with the time of day, because one of them has one."""
        dtype = self.series.dtype
        plain = str(dtype).startswith("Datetime") and getattr(dtype, "time_zone", None) is None
        return plain and self._has_times

    @derived
    def _has_times(self) -> bool:
        part = self.series.dt
        return any(bool((one > 0).any()) for one in (part.hour(), part.minute(), part.second(), part.nanosecond()))

    def read(self, series: nw.Series[Any]) -> list[str]:
        """Some cells of this column as people read them, written as all of them are."""
        return plain_texts(series, self._pandas, times=self._times)

    def read_rows(self, rows: Sequence[int]) -> list[str]:
        """The cells of some rows as people read them."""
        if "texts" in self.__dict__:
            return [self.texts[row] for row in rows]
        if isinstance(rows, range):
            return self.read(self.series[rows.start : rows.stop])
        return self.read(self.series[list(rows)]) if len(rows) else []

    def text(self, row: int) -> str:
        """One cell as people read it."""
        if "texts" in self.__dict__:
            return self.texts[row]
        if "'ns'" in str(self.series.dtype) and not self._pandas:  # whether its last digits are written, all tell
            return self.texts[row]
        return self.read(self.series[row : row + 1])[0]

    @functools.cached_property
    def numbers(self) -> nw.Series[Any]:
        """The cells as numbers, in 64 bits; null where one is none."""
        import narwhals as nw

        dtype = self.series.dtype
        if dtype.is_integer():  # sums of narrow types run over
            return self.series if dtype in (nw.Int64, nw.UInt64) else self.series.cast(nw.Int64())
        if dtype.is_numeric():  # the mean of decimals would be rounded to their own digits
            numbers = self.series if dtype == nw.Float64 else self.series.cast(nw.Float64())
            return numbers.fill_nan(None) if bool(numbers.is_nan().any()) else numbers
        return self._read_numbers

    @derived
    def _read_numbers(self) -> nw.Series[Any]:
        import narwhals as nw

        different = set(self.texts)
        comma = with_commas(different)
        read = {text: found.value if (found := amount(text, comma=comma)) else None for text in different}
        return self._new([read[text] for text in self.texts], nw.Float64())

    def equal_to(self, number: int | float) -> nw.Series[Any]:
        """Which cells of a column of numbers are this number."""
        import narwhals as nw

        if self.series.dtype == nw.Float32 and isinstance(number, float):
            number = struct.unpack("f", struct.pack("f", number))[0] if abs(number) < 3e38 else number
        found: nw.Series[Any] = self.numbers == number
        return found

    @functools.cached_property
    def moments(self) -> nw.Series[Any]:
        """The cells as ISO 8601 texts, which compare as moments do; null where one is none."""
        import narwhals as nw

        if self.series.dtype.is_integer():
            return self.series.cast(nw.String())
        return self._read_moments

    @derived
    def _read_moments(self) -> nw.Series[Any]:
        import narwhals as nw

        if self.series.dtype.is_temporal():
            return self.series.dt.to_string("%Y-%m-%d")
        read = {text: moment(text) for text in set(self.texts)}
        return self._new([read[text] for text in self.texts], nw.String())

    @functools.cached_property
    def ordered(self) -> nw.Series[Any]:
        """The cells in a form that has an order: moments, else numbers."""
        import narwhals as nw

        if self.kind != "moment":
            return self.numbers
        if not self._pandas and "'ns'" in str(self.series.dtype):
            return self.series.cast(nw.Int64())  # as Python's own moments they would lose digits
        return self.series if self.series.dtype.is_temporal() else self.moments

    @functools.cached_property
    def grouping(self) -> nw.Series[Any]:
        """The cells in a form that can be grouped; null where missing.

        Texts are as people read them: blanks around one make no other value. What cannot be compared is its text.
        """
        dtype = self.series.dtype
        if self.loose or str(dtype) in ("Binary", "Unknown") or dtype.is_nested():
            return self._read_texts
        if is_text(dtype):
            read = self._plain
            return self.series if read is None else read
        return self.numbers if dtype.is_float() else self.series

    @derived
    def _read_texts(self) -> nw.Series[Any]:
        import narwhals as nw

        return self._new([text or None for text in self.texts], nw.String())

    @derived
    def _plain(self) -> nw.Series[Any] | None:
        """Texts as people read them; None if the cells are that already, so that they are not kept twice."""
        read = plain_series(self.series)
        if str(self.series.dtype) != "String" or read.null_count() != self.series.null_count():
            return read
        return None if bool((read == self.series).fill_null(True).all()) else read

    @functools.cached_property
    def content(self) -> str:
        """The hash of the cells and their type: the same under another name."""
        if self._held:  # because the objects may change
            return sha256_of_parts(f"{len(text)} {text}" for text in self.texts)
        # Read without what is kept by this very hash.
        moments = str(self.series.dtype).startswith("Datetime")
        return content_of(
            self.series,
            lambda rows: plain_texts(self.series[rows.start : rows.stop], self._pandas, times=moments),
            loose=self.loose,
        )

    @functools.cached_property
    def sha256(self) -> str:
        """The hash of the cells, their type and the name."""
        return sha256_of(f"{self.content} {self.label}")

    @derived
    def distinct(self) -> int:
        """Different values, missing ones not counted."""
        return self.values.n_unique() if len(self.values) else 0

    @functools.cached_property
    def values(self) -> nw.Series[Any]:
        """The cells that are not missing; texts where the values themselves cannot be compared."""
        return self.grouping.drop_nulls()

    def _new(self, values: list[Any], dtype: Any) -> nw.Series[Any]:
        import narwhals as nw

        return nw.new_series("column", values, dtype, backend=self.series.implementation)
