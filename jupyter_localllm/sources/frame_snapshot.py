"""A table held still, and its passages: a card of its columns, statistics, rows, and cells worded with their key."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm.sources.held import sha256_of
from jupyter_localllm.sources.secrets import looks_secret
from jupyter_localllm.sources.suspicious import looks_like_instructions
from jupyter_localllm.sources.table import Column, Table
from jupyter_localllm.sources.values import Values
from jupyter_localllm.types import Locator, Note, Passage

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["FrameSnapshot", "hash_of"]

_EXCERPT = 24  # characters of a label that stands in an anchor
_CARD_ROWS = 50
_CARD_VALUES = 5
_CARD_COLUMNS = 60
_SHOWN_ROWS = 8
_LOOKED_AT = 40_000  # cells that are looked through for what reads like instructions, the first rows of the table


class FrameSnapshot:
    """What can be cited of one table.

    Parameters
    ----------
    name : str
    table : Table
    notes : tuple of Note
    """

    kind = "frame"

    def __init__(self, name: str, table: Table, notes: tuple[Note, ...] = ()) -> None:
        self.name = name
        self.table = table
        self._notes = notes

    @property
    def size(self) -> str:
        """As ``"100 rows x 5 columns"``."""
        return self.table.size

    @property
    def sha256(self) -> str:
        """Of all cells and names."""
        return self.table.sha256

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
        """The card, the statistics, and each row."""
        yield self.card()
        for column in self.table.columns:
            yield from self.statistics(column)
        for row in range(self.table.rows if self.table.columns else 0):
            yield self.row(row)

    def resolve(self, locator: Locator) -> Passage | None:
        """The passage at this place now; computations are run again by who knows how."""
        if locator.lines is not None or locator.page is not None or locator.path is not None:
            return None
        columns = [found for name in locator.columns if (found := self._column(name)) is not None]
        rows = locator.rows or ()
        if len(columns) < len(locator.columns) or any(not 0 <= row < self.table.rows for row in rows):
            return None
        if locator.operation is not None:
            figures = (passage for column in columns for passage in self.statistics(column))
            return next((passage for passage in figures if passage.locator.operation == locator.operation), None)
        if locator.rows is None:
            return self.card() if not columns else None
        if len(rows) != 1 or len(columns) > 2:
            return None
        return self.cell(rows[0], *columns) if columns else self.row(rows[0])

    def _column(self, name: str) -> Column | None:
        return next((column for column in self.table.columns if column.label == name), None)

    # -- passages -----------------------------------------------------------------------------------------------------

    def card(self) -> Passage:
        """The names and kinds of the columns, with some of their values."""
        lines = []
        for column in self.table.columns[:_CARD_COLUMNS]:
            first = column.read_rows(range(min(_CARD_ROWS, self.table.rows)))
            some = list(dict.fromkeys(text for text in first if text))[:_CARD_VALUES]
            lines.append(f"- {column.label} ({column.kind}): {', '.join(map(_short, some))}")
        more = len(self.table.columns) - _CARD_COLUMNS
        lines += [f"- and {more:,} columns more"] if more > 0 else []
        text = f"{self.name} is a table of {self.size}. Its columns, with the first values:\n" + "\n".join(lines)
        return Passage(self.name, "schema", text, Locator(label="columns"), hash_of(text))

    def cell(self, row: int, column: Column, key: Column | None = None) -> Passage:
        """One cell, worded with what its row is about: ``"Years of Nicholas T. Kane: 1887"``.

        Where another column is the key, the locator names it as well: the passage rests on it.
        """
        subject = key if key is not None and key is not column else self.table.subject
        label = subject.text(row) if subject is not None and subject is not column else ""
        value = column.text(row)
        text = f"{column.label} of {label}: {value}" if label else f"{column.label} in row {row + 1}: {value}"
        place = f"row {row + 1} ({_short(label)}), " if label else f"row {row + 1}, "
        named = [column] if subject is self.table.subject or subject is None else [column, subject]
        columns = tuple(one.label for one in named)
        locator = Locator(rows=(row,), columns=columns, label=f"{place}column {column.label}")
        return Passage(
            self.name, "cell", text, locator, hash_of(value, label), value, self.shown([row], [subject, column])
        )

    def row(self, row: int) -> Passage:
        """One row: ``"Name: Kane; Years: 1887"``."""
        columns = self.table.columns[:_CARD_COLUMNS]
        cells = [(column.label, column.text(row)) for column in columns]
        text = "; ".join(f"{label}: {value}" for label, value in cells if value) or f"Row {row + 1} is empty"
        more = len(self.table.columns) - len(columns)
        text += f"; and {more:,} columns more" if more else ""
        label = f"row {row + 1} ({_short(self.table.row_label(row))})"
        locator = Locator(rows=(row,), label=label)
        return Passage(self.name, "row", text, locator, hash_of(text), "", self.shown([row], columns[:8]))

    def statistics(self, column: Column) -> Iterator[Passage]:
        """What can be said of a whole column, one passage for each figure."""
        from jupyter_localllm.sources.statistics import figures

        for operation, said, value in figures(column, self.table.rows):
            locator = Locator(columns=(column.label,), operation=operation, label=operation)
            text = f"{said}: {value}"
            yield Passage(self.name, "statistic", text, locator, hash_of(text), value)

    def figures(self, most: int) -> list[Passage]:
        """The most telling statistics of the first columns: extremes and means of numbers, top values of texts."""
        telling = ("min(", "max(", "mean(", "top(")
        found: list[Passage] = []
        for column in self.table.columns:
            if len(found) >= most:
                break
            found += [p for p in self.statistics(column) if (p.locator.operation or "").startswith(telling)]
        return found[:most]

    def shown(self, rows: Sequence[int], columns: Sequence[Column | None]) -> tuple[tuple[str, ...], ...]:
        """Rows for the reader, the header first."""
        some = list(dict.fromkeys(column for column in columns if column is not None))
        head = ("row", *(column.label for column in some))
        body = [(str(row + 1), *(column.text(row) for column in some)) for row in rows[:_SHOWN_ROWS]]
        return (head, *body)

    def _suspicious(self) -> tuple[Note, ...]:
        found = [f"name of column {c.position + 1}" for c in self.table.columns if looks_like_instructions(c.label)]
        rows = min(self.table.rows, _LOOKED_AT // max(20, len(self.table.columns)))
        for column in self.table.columns:
            if column.kind == "text":
                found += [
                    f"row {row + 1}, column {column.label}"
                    for row, text in enumerate(column.read_rows(range(rows)))
                    if looks_like_instructions(text)
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


def hash_of(*parts: str) -> str:
    """Hash some texts with sha256, in hex."""
    return sha256_of("\x1f".join(parts))


def _short(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
