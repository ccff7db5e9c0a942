"""Where in a table a word stands: an index of the different values of its columns.

Only different values are read by Python; which rows hold them is asked of the table's own library. So ten million rows
of a few hundred names are as good as a few hundred rows.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from jupyter_localllm.sources.tokens import stem, tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.sources.table import Column, Table

__all__ = ["MAX_VALUES", "Values", "holds"]

MAX_VALUES = 300_000
"""Different values of one column that are indexed word by word; of a column with more, only whole values are found."""

_SPELT = 4  # letters of a word that may be misspelt
_SMALL = 1_000_000  # rows up to which Python keeps a number for each cell


class Values:
    """The different values of a table's columns, by their words.

    Parameters
    ----------
    table : Table
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._stems = functools.cache(self._read_stems)  # kept by this index alone, and gone with it
        self._codes = functools.cache(self._read_codes)

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

    @functools.cached_property
    def _words(self) -> dict[str, dict[int, list[str]]]:
        """Stem -> position of a column -> its values that hold the word."""
        found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for column in self.columns:
            for value, stems in self._stems(column).items():
                for word in dict.fromkeys(stems):  # a set has another order in each process
                    found[word][column.position].append(value)
        return found

    @functools.cached_property
    def vocabulary(self) -> Collection[str]:
        """All stems that occur."""
        return self._words.keys()

    def spelt_like(self, word: str) -> list[str]:
        """Stems of four letters and more that may differ from a word in one letter, and some that do not.

        A letter that is wrong, missing or added leaves the first two letters as they are, or the last two.
        """
        words, order, by_ends = self._ends
        swapped = (f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}" for at in range(len(word) - 1))
        found = {words[other] for other in swapped if other in words}
        found.update(by_ends.get(word[:2], ()), by_ends.get(f"…{word[-2:]}", ()))
        return [order[place] for place in sorted(found)]

    @functools.cached_property
    def _ends(self) -> tuple[dict[str, int], list[str], dict[str, list[int]]]:
        """The place of each stem, and the places of those that begin or end with two letters."""
        words = {word: place for place, word in enumerate(w for w in self.vocabulary if len(w) >= _SPELT)}
        by_ends: dict[str, list[int]] = defaultdict(list)
        for word, place in words.items():
            by_ends[word[:2]].append(place)
            by_ends[f"…{word[-2:]}"].append(place)
        return words, list(words), by_ends

    def _read_stems(self, column: Column) -> dict[str, tuple[str, ...]]:
        """The different values of a column, and their stems."""
        return {text: tuple(stem(token) for token in tokens(text)) for text in different(column) if text}

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
        places = [self._words.get(word) for word in words]
        if any(place is None for place in places):
            return
        rarest: dict[int, list[str]] = min((p for p in places if p is not None), key=len)
        for position in rarest:
            column = self.table.columns[position]
            shortest = min((place.get(position, []) for place in places if place is not None), key=len)
            stems = self._stems(column)
            values = [value for value in shortest if len(words) == 1 or holds(stems[value], words)]
            if values:
                yield column, values

    def stems_of(self, column: Column, value: str) -> tuple[str, ...]:
        """The stems of one value."""
        if column in self.columns:
            return self._stems(column).get(value, ())
        return tuple(stem(token) for token in tokens(value))

    def rows(self, column: Column, values: Collection[str]) -> NDArray[np.bool_]:
        """Which rows hold one of some values; shape (rows,)."""
        import numpy as np

        if not values:
            return np.zeros(self.table.rows, dtype=bool)
        if self.table.rows > _SMALL:
            return _is_in(column, values)
        codes, numbers = self._codes(column)
        wanted = [numbers[value] for value in values if value in numbers]
        return np.isin(codes, wanted) if len(wanted) != 1 else codes == wanted[0]

    def _read_codes(self, column: Column) -> tuple[NDArray[np.int32], dict[str, int]]:
        import numpy as np

        numbers: dict[str, int] = {}
        codes = np.fromiter(
            (numbers.setdefault(text, len(numbers)) for text in column.texts), np.int32, len(column.texts)
        )
        return codes, numbers


def holds(stems: Sequence[str], words: Sequence[str]) -> bool:
    """Whether some words stand in a text one after the other."""
    length, first = len(words), words[0]
    return any(
        stems[start] == first and tuple(stems[start : start + length]) == tuple(words)
        for start in range(len(stems) - length + 1)
    )


def different(column: Column) -> list[str]:
    """The different texts of a column, in the order in which they come first."""
    if len(column.series) <= _SMALL or "texts" in vars(column):
        return list(dict.fromkeys(column.texts))
    return list(dict.fromkeys(column.read(column.series.unique(maintain_order=True))))


def _is_in(column: Column, values: Collection[str]) -> NDArray[np.bool_]:
    """As `Values.rows`, for tables so large that their own library has to look."""
    import narwhals as nw
    import numpy as np

    if column.grouping.dtype == nw.String:
        found = column.grouping.is_in(list(values))
        return np.asarray(found.fill_null(False).to_numpy(), dtype=bool)
    wanted = set(values)
    return np.fromiter((text in wanted for text in column.texts), bool, len(column.texts))
