"""The different values of one column, by their words."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from jupyter_localllm.sources.tokens import stem, tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_localllm.sources.column import Column

__all__ = ["SMALL", "SPELT", "ColumnCodes", "ColumnWords", "different", "holds"]

SPELT = 4
"""Letters of a word that may be misspelt."""

SMALL = 1_000_000
"""Rows up to which Python reads each cell, and keeps a number for it."""


class ColumnWords:
    """An index of the different values of a column.

    Parameters
    ----------
    stems : dict of str to tuple of str
        Each value, in the order in which they come first, and its stems.
    """

    def __init__(self, stems: dict[str, tuple[str, ...]]) -> None:
        self.stems = stems

    @classmethod
    def of(cls, column: Column) -> ColumnWords:
        """The index of a column; kept with its content."""
        return column.kept("words", lambda: cls._read(column))

    @classmethod
    def _read(cls, column: Column) -> ColumnWords:
        one: dict[str, str] = {}  # each stem is one text, in however many values it stands
        found = cls(
            {
                text: tuple(one.setdefault(word, word) for word in map(stem, tokens(text)))
                for text in different(column)
                if text
            }
        )
        _ = (found.values, found.ends)  # now, so that they are weighed as well
        return found

    @functools.cached_property
    def values(self) -> dict[str, list[str]]:
        """Stem -> the values that hold the word."""
        found: dict[str, list[str]] = defaultdict(list)
        for value, stems in self.stems.items():
            for word in dict.fromkeys(stems):  # a set has another order in each process
                found[word].append(value)
        return dict(found)

    @functools.cached_property
    def ends(self) -> dict[str, list[str]]:
        """The first two letters of a stem, and the last two behind "…" -> the stems."""
        found: dict[str, list[str]] = defaultdict(list)
        for word in self.values:
            if len(word) >= SPELT:
                found[word[:2]].append(word)
                found[f"…{word[-2:]}"].append(word)
        return dict(found)


class ColumnCodes:
    """A number for each cell of a column, by which rows are found.

    Parameters
    ----------
    codes : ndarray of int32, shape (rows,)
    numbers : dict of str to int
        The number of each value.
    """

    def __init__(self, codes: NDArray[np.int32], numbers: dict[str, int]) -> None:
        self.codes = codes
        self.numbers = numbers

    @classmethod
    def of(cls, column: Column) -> ColumnCodes:
        """The numbers of a column; kept with its content."""
        return column.kept("codes", lambda: cls._read(column))

    @classmethod
    def _read(cls, column: Column) -> ColumnCodes:
        import numpy as np

        numbers: dict[str, int] = {}
        read = (numbers.setdefault(text, len(numbers)) for text in column.texts)
        return cls(np.fromiter(read, np.int32, len(column.texts)), numbers)

    def rows(self, values: Collection[str]) -> NDArray[np.bool_]:
        """Which rows hold one of some values; shape (rows,)."""
        import numpy as np

        wanted = [self.numbers[value] for value in values if value in self.numbers]
        return np.isin(self.codes, wanted) if len(wanted) != 1 else self.codes == wanted[0]


def holds(stems: Sequence[str], words: Sequence[str]) -> bool:
    """Whether some words stand in a text one after the other."""
    length, first = len(words), words[0]
    return any(
        stems[start] == first and tuple(stems[start : start + length]) == tuple(words)
        for start in range(len(stems) - length + 1)
    )


def different(column: Column) -> list[str]:
    """The different texts of a column, in the order in which they come first."""
    if len(column.series) <= SMALL or column.loose or "texts" in vars(column):
        return list(dict.fromkeys(column.texts))
    return list(dict.fromkeys(column.read(column.series.unique(maintain_order=True))))
