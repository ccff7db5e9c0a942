"""A table held still, and its passages: a card of its columns, statistics, rows, and cells worded with their key."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm.sources.frame_groups import group_figures
from jupyter_localllm.sources.frame_passages import FramePassages, hash_of
from jupyter_localllm.sources.secrets import looks_secret
from jupyter_localllm.sources.suspicious import looks_like_instructions
from jupyter_localllm.sources.table import Column, Table
from jupyter_localllm.sources.values import Values
from jupyter_localllm.types import Locator, Note, Passage

if TYPE_CHECKING:
    import narwhals as nw

    from jupyter_localllm.sources.kept_columns import KeptColumns

__all__ = ["FrameSnapshot", "hash_of"]

_TOLD = 100_000  # rows from which it is told which column is read
_LOOKED_AT = 40_000  # cells that are looked through for what reads like instructions, the first rows of the table


class FrameSnapshot(FramePassages):
    """What can be cited of one table.

    Parameters
    ----------
    name : str
    table : Table
    notes : tuple of Note
    """

    kind = "frame"

    def __init__(self, name: str, table: Table, notes: tuple[Note, ...] = ()) -> None:
        super().__init__(name, table)
        self._notes = notes
        self.keeper: KeptColumns | None = None

    @property
    def sha256(self) -> str:
        """Of all cells and names."""
        return self.table.sha256

    def keep_in(self, keeper: KeptColumns | None, tell: Callable[[str], None] | None = None) -> None:
        """Keep what is found out of the columns for other questions, and read what is not known yet.

        Parameters
        ----------
        keeper : KeptColumns or None
            Where; None to leave it as it is.
        tell : callable, optional
            Called with what is being read; what it raises ends it.
        """
        if keeper is not None:
            self.keeper = keeper
            for column in self.table.columns:
                column.keep_in(keeper)
        if tell is not None and self.table.rows > _TOLD:
            for column in self.table.columns:
                tell(f"reading column {column.label} of {self.name} ({self.size})")
                self.values.read(column)

    @functools.cached_property
    def values(self) -> Values:
        """The index of the table's values."""
        return Values(self.table)

    @functools.cached_property
    def notes(self) -> tuple[Note, ...]:
        """What was left out, and what reads like instructions."""
        return (*self._notes, *self._empty(), *self._suspicious())

    def _empty(self) -> tuple[Note, ...]:
        if self.table.rows and self.table.columns:
            return ()
        return (Note("empty", f"{self.name} has no cells that could be cited ({self.size})"),)

    def passages(self) -> Iterator[Passage]:
        """The card, the statistics, each row, and blocks of rows."""
        yield self.card()
        for column in self.table.columns:
            yield from self.statistics(column)
        yield from map(self.by_group, group_figures(self.table))
        for row in range(self.table.rows if self.table.columns else 0):
            yield self.row(row)
        yield from self.blocks()

    def resolve(self, locator: Locator) -> Passage | None:
        """The passage at this place now; computations are run again by who knows how."""
        if locator.lines is not None or locator.page is not None or locator.path is not None:
            return None
        columns = [found for name in locator.columns if (found := self._column(name)) is not None]
        rows = locator.rows or ()
        if len(columns) < len(locator.columns) or any(not 0 <= row < self.table.rows for row in rows):
            return None
        if locator.operation is not None:
            return self._figure(locator.operation, columns)
        if locator.rows is None:
            return self.card() if not columns else None
        return self._of_rows(rows, columns)

    def _of_rows(self, rows: tuple[int, ...], columns: Sequence[Column]) -> Passage | None:
        if len(rows) > 1 and columns:
            block = self.block(rows, columns)
            return block if block.locator.rows == rows else None
        if len(rows) != 1 or len(columns) > 2:
            return None
        return self.cell(rows[0], *columns) if columns else self.row(rows[0])

    def _figure(self, operation: str, columns: Sequence[Column]) -> Passage | None:
        if len(columns) == 1:
            found = (passage for passage in self.statistics(columns[0]) if passage.locator.operation == operation)
            if (passage := next(found, None)) is not None:
                return passage
        names = tuple(column.label for column in columns)
        groups = (one for one in group_figures(self.table) if (one.operation, one.columns) == (operation, names))
        return next(map(self.by_group, groups), None)

    def _column(self, name: str) -> Column | None:
        return next((column for column in self.table.columns if column.label == name), None)

    def _suspicious(self) -> tuple[Note, ...]:
        found = [f"name of column {c.position + 1}" for c in self.table.columns if looks_like_instructions(c.label)]
        rows = min(self.table.rows, _LOOKED_AT // max(20, len(self.table.columns)))
        for column in self.table.columns:
            if column.kind == "text":
                found += [
                    f"row {row + 1}, column {column.label}"
                    for row in column.kept(f"instructions {rows}", functools.partial(_instructions, column, rows))
                ]
        if not found:
            return ()
        where = "; ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        return (Note("instructions", f"{self.name} holds text that reads like instructions to a model: {where}"),)


def snapshot_of(
    name: str,
    columns: Sequence[tuple[str, nw.Series[Any], bool]],
    rows: int,
    size: str,
    *,
    pandas: bool,
    asked: str = "",
    notes: tuple[Note, ...] = (),
) -> FrameSnapshot:
    """Make a snapshot of columns that hold still.

    Parameters
    ----------
    name : str
    columns : sequence of (str, narwhals.Series, bool)
        Label, cells, and whether it is a level of the index.
    rows : int
    size : str
    pandas : bool
        Whether NaN stands for a missing value.
    asked : str
        The column that the person gave by itself, which is meant whatever it is called.
    notes : tuple of Note
        What was found before.
    """
    kept: list[Column] = []
    secret: list[str] = []
    for label, series, index in columns:
        if looks_secret(label) and label != asked and not looks_secret(name):  # one that the person names is meant
            secret.append(label)
        else:
            kept.append(Column(len(kept), label, series, index=index, pandas=pandas))
            kept[-1].hold()
    if secret:
        listed = ", ".join(secret)
        notes = (*notes, Note("secret", f"{name}: columns left out because their names look secret: {listed}"))
    return FrameSnapshot(name, Table(kept, rows, size), notes)


def _instructions(column: Column, rows: int) -> tuple[int, ...]:
    """Which of the first rows read like instructions to a model."""
    return tuple(row for row, text in enumerate(column.read_rows(range(rows))) if looks_like_instructions(text))
