"""Where in a table a word stands: an index of the different values of its columns.

Only different values are read by Python; which rows hold them is asked of the table's own library. So ten million rows
of a few hundred names are as good as a few hundred rows.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from jupyter_localllm.sources.column_words import SMALL, SPELT, ColumnCodes, ColumnWords, holds
from jupyter_localllm.sources.tokens import stem, tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.sources.table import Column, Table

__all__ = ["MAX_VALUES", "Values"]

MAX_VALUES = 300_000
"""Different values of one column that are indexed word by word; of a column with more, only whole values are found."""

_REMEMBERED = 8  # sets of rows of a table, each of which takes a byte per row


class Values:
    """The different values of a table's columns, by their words.

    Parameters
    ----------
    table : Table
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._words: dict[int, ColumnWords] = {}
        self._places: dict[str, tuple[int, ...]] = {}
        self._rows: OrderedDict[tuple[int, tuple[str, ...]], NDArray[np.bool_]] = OrderedDict()

    def read(self, column: Column) -> None:
        """Read a column whose values are indexed, if it is not known yet."""
        if not column.native and not (self.table.rows > MAX_VALUES and column.distinct > MAX_VALUES):
            self.words(column)

    @functools.cached_property
    def columns(self) -> tuple[Column, ...]:
        """Columns whose values are indexed: those that are not numbers or dates by their own type."""
        return tuple(c for c in self.table.columns if not c.native and c not in self.large)

    @functools.cached_property
    def large(self) -> tuple[Column, ...]:
        """Columns with more different values than are indexed."""
        if self.table.rows <= MAX_VALUES:
            return ()
        return tuple(c for c in self.table.columns if not c.native and c.distinct > MAX_VALUES)

    def words(self, column: Column) -> ColumnWords:
        """The words of one column."""
        if column.position not in self._words:
            self._words[column.position] = ColumnWords.of(column)
        return self._words[column.position]

    @functools.cached_property
    def vocabulary(self) -> Collection[str]:
        """All stems that occur, in the order in which they do."""
        return dict.fromkeys(word for column in self.columns for word in self.words(column).values)

    @functools.cached_property
    def _longest(self) -> int:
        return max(map(len, self.vocabulary), default=0)

    def spelt_like(self, word: str) -> list[str]:
        """Stems of four letters and more that may differ from a word in one letter, and some that do not.

        A letter that is wrong, missing or added leaves the first two letters as they are, or the last two.
        """
        if len(word) > self._longest + 1:  # as long as somebody pastes: letters are not turned for nothing
            return []
        turns = (f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}" for at in range(len(word) - 1))
        swapped = [turned for turned in turns if len(turned) >= SPELT]
        found: dict[str, None] = {}
        for column in self.columns:
            words = self.words(column)
            likely = (*words.ends.get(word[:2], ()), *words.ends.get(f"…{word[-2:]}", ()))
            found |= dict.fromkeys((*likely, *(other for other in swapped if other in words.values)))
        return list(found)

    def with_words(self, words: Sequence[str]) -> Iterator[tuple[Column, list[str]]]:
        """Values in which some stems stand in a row.

        Parameters
        ----------
        words : sequence of str
            Stems, at least one.

        Returns
        -------
        iterator of (Column, list of str)
            The column and its values, for each column that has some.
        """
        holding = [self._holding(word) for word in words]
        rarest = min(holding, key=len)
        for position in rarest:
            if any(position not in places for places in holding):
                continue
            column = self.table.columns[position]
            known = self.words(column)
            shortest = min((known.values[word] for word in words), key=len)
            values = [value for value in shortest if len(words) == 1 or holds(known.stems[value], words)]
            if values:
                yield column, values

    def _holding(self, word: str) -> tuple[int, ...]:
        """Positions of the columns in which a stem occurs."""
        if word not in self._places:
            self._places[word] = tuple(c.position for c in self.columns if word in self.words(c).values)
        return self._places[word]

    def stems_of(self, column: Column, value: str) -> tuple[str, ...]:
        """The stems of one value."""
        if column in self.columns:
            return self.words(column).stems.get(value, ())
        return tuple(stem(token) for token in tokens(value))

    def rows(self, column: Column, values: Collection[str]) -> NDArray[np.bool_]:
        """Which rows hold one of some values; shape (rows,)."""
        import numpy as np

        if not values:
            return np.zeros(self.table.rows, dtype=bool)
        key = (column.position, tuple(values))
        if key in self._rows:
            self._rows.move_to_end(key)
            return self._rows[key]
        large = self.table.rows > SMALL or column in self.large
        found = _is_in(column, values) if large else ColumnCodes.of(column).rows(values)
        found.flags.writeable = False
        self._rows[key] = found
        while len(self._rows) > _REMEMBERED:
            self._rows.popitem(last=False)
        return found


def _is_in(column: Column, values: Collection[str]) -> NDArray[np.bool_]:
    """As `Values.rows`, for tables so large that their own library has to look."""
    import narwhals as nw
    import numpy as np

    if column.grouping.dtype == nw.String:
        found = column.grouping.is_in(list(values))
        return np.array(found.fill_null(False).to_numpy(), dtype=bool)
    wanted = set(values)
    return np.fromiter((text in wanted for text in column.texts), bool, len(column.texts))
