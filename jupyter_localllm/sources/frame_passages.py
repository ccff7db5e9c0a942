"""What a table says, passage by passage, each with its place: a card, statistics, cells, rows, blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from jupyter_localllm.sources.frame_groups import GroupFigure, group_figures
from jupyter_localllm.sources.held import sha256_of
from jupyter_localllm.sources.table import Column, Table
from jupyter_localllm.types import Locator, Passage

__all__ = ["FramePassages", "hash_of"]

_EXCERPT = 24  # characters of a label that stands in an anchor
_CARD_ROWS = 50
_CARD_VALUES = 5
_CARD_COLUMNS = 60
_SHOWN_ROWS = 8
_BLOCK_ROWS = 8
_BLOCK_LETTERS = 1_200  # of a block of rows, from its second row on


class FramePassages:
    """The passages of a table, each made when it is asked for.

    Parameters
    ----------
    name : str
        How the person calls the table.
    table : Table
    """

    def __init__(self, name: str, table: Table) -> None:
        self.name = name
        self.table = table

    @property
    def size(self) -> str:
        """As ``"100 rows x 5 columns"``."""
        return self.table.size

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

    def block(self, rows: Sequence[int], columns: Sequence[Column] = ()) -> Passage:
        """Some rows, each on a line; the first of them, if they are many or long: the locator names those that are in.

        Parameters
        ----------
        rows : sequence of int
            At least one.
        columns : sequence of Column
            Default: all, of a wide table the first.
        """
        columns = columns or self.table.columns[:_CARD_COLUMNS]
        some = list(rows[:_BLOCK_ROWS])
        cells = [column.read_rows(some) for column in columns]
        lines: list[str] = []
        for at, row in enumerate(some):
            told = "; ".join(f"{column.label}: {text[at]}" for column, text in zip(columns, cells, strict=True))
            if lines and sum(map(len, lines)) + len(told) > _BLOCK_LETTERS:
                break
            lines.append(f"- row {row + 1}: {told}")
        taken = tuple(some[: len(lines)])
        label = _rows_label(taken)
        more = len(self.table.columns) - len(columns)
        text = f"{label[:1].upper()}{label[1:]} of {self.name}" + (f", without {more:,} columns" if more else "")
        place = Locator(rows=taken, columns=tuple(column.label for column in columns), label=label)
        shown = self.shown(taken, columns[:8])
        return Passage(self.name, "rows", "\n".join((f"{text}:", *lines)), place, hash_of(*lines), "", shown)

    def by_group(self, figure: GroupFigure) -> Passage:
        """One figure for each group of rows: ``"Mean of price by region: EU: 12.4; US: 11"``."""
        results = figure.results(self.table)
        text = f"{figure.said}: {figure.told(self.table, results)}"
        place = Locator(columns=figure.columns, operation=figure.operation, label=figure.operation)
        shown = ((figure.key.label, figure.operation), *results)[: _SHOWN_ROWS + 1]
        return Passage(self.name, "statistic", text, place, hash_of(text), "", shown)

    def overview(self, figures: int, tell: Callable[[str], None] | None = None) -> Iterator[Passage]:
        """What says most of the table as a whole: figures of columns, of groups, and the first rows.

        Parameters
        ----------
        figures : int
            Of columns, at most; of groups half as many.
        tell : callable, optional
            Called with what is computed.
        """
        yield from self.figures(figures)
        for one in islice(group_figures(self.table), figures // 2):
            if tell is not None:
                tell(f"computing {one.operation} over {self.name}")
            yield self.by_group(one)
        yield from islice(self.blocks(), 1)

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

    def blocks(self) -> Iterator[Passage]:
        """Rows that follow each other, some in each passage, as far as they are not too long."""
        start = 0
        while self.table.columns and start < self.table.rows:
            block = self.block(range(start, min(start + _BLOCK_ROWS, self.table.rows)))
            taken = len(block.locator.rows or ())
            if taken > 1:  # one by itself is the passage of its row
                yield block
            start += taken


def hash_of(*parts: str) -> str:
    """Hash some texts with sha256, in hex."""
    return sha256_of("\x1f".join(parts))


def _rows_label(rows: Sequence[int]) -> str:
    """As in ``"rows 3 to 8"`` or ``"rows 3, 5 and 9"``."""
    numbers = [f"{row + 1}" for row in rows]
    if len(rows) == 1:
        return f"row {numbers[0]}"
    if list(rows) == list(range(rows[0], rows[0] + len(rows))):
        return f"rows {numbers[0]} to {numbers[-1]}"
    return f"rows {', '.join(numbers[:-1])} and {numbers[-1]}"


def _short(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
