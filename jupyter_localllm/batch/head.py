"""The first rows of a map with their answers, as a table of text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

from jupyter_localllm.batch.data import ROW, Data, Row
from jupyter_localllm.batch.shape import TEXT, Shape
from jupyter_localllm.show.plain import clean

__all__ = ["HEAD_ROWS", "Head", "Witness"]

HEAD_ROWS = 10
"""Rows that are shown."""

_COLUMNS = 6
_CELL = (
    "padding:.2em .6em;text-align:left;vertical-align:top;white-space:pre-wrap;max-width:32em;overflow-wrap:anywhere"
)


class Witness(Data):
    """Data that keeps its first rows as they go by, to show them in the end.

    Parameters
    ----------
    data : Data
    most : int, optional
    """

    def __init__(self, data: Data, most: int = HEAD_ROWS) -> None:
        self._data = data
        self._most = most
        self.total = data.total
        self.single_use = data.single_use
        self.head: list[Row] = []
        self.shape = TEXT

    @property
    def names(self) -> tuple[str, ...]:
        """The data's."""
        return self._data.names

    def first(self) -> Row | None:
        """The data's."""
        return self._data.first()

    def rows(self, names: Collection[str] | None = None) -> Iterator[Row]:
        """The data's, the first ones kept."""
        self.head = []
        for row in self._data.rows(names):
            if len(self.head) < self._most:
                self.head.append(row)
            yield row

    def label(self, position: int) -> Any:
        """The data's."""
        return self._data.label(position)

    def title(self, name: str) -> str:
        """The data's."""
        return self._data.title(name)

    def like(self, answers: list[Any], shape: Shape = TEXT) -> list[Any]:
        """The answers alone, to be put beside the data later."""
        self.shape = shape
        return answers

    def beside(self, answers: list[Any], shape: Shape | None = None) -> tuple[Any, tuple[str, ...]]:
        """The data's."""
        return self._data.beside(answers, shape or self.shape)


@dataclass(frozen=True)
class Head:
    """The first rows of the outcome, as text.

    Parameters
    ----------
    titles : tuple of str
        One for each column; of the row's label it is empty.
    cells : tuple of tuple of str
    total : int
        Rows there are.
    hidden : int
        Columns the template uses that are not shown.
    plain_width, html_width : int
        Characters of the longest cell.
    """

    titles: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    total: int
    hidden: int = 0
    plain_width: ClassVar[int] = 60
    html_width: ClassVar[int] = 300

    @classmethod
    def of(cls, data: Witness, answers: Sequence[Any], *titles_of_answers: str) -> Head:
        """The rows that went by, and their answers in columns of these names; without names, without answers."""
        used = [name for name in dict.fromkeys(name for row in data.head for name in row.values) if name != ROW]
        names = _without_twins(used, data)
        shown = names[:_COLUMNS]
        titles = ("", *map(data.title, shown), *titles_of_answers)
        rows = []
        columns = data.shape.columns(answers[: len(data.head)]) if titles_of_answers else []
        for row, *said in zip(data.head, *(column.plain() for column in columns), strict=False):
            label = data.label(row.position)
            values = [_text(row.values[name]) if name in row.values else "" for name in shown]
            rows.append((_text(row.position if label is None else label), *values, *map(_said, said)))
        return cls(titles, tuple(rows), len(answers), len(names) - len(shown))

    def remark(self, width: int) -> str:
        """How much of the whole it is, when cells have at most so many characters."""
        rows = f"first {len(self.cells)} of {self.total:,} rows" if len(self.cells) < self.total else ""
        columns = f"{self.hidden} more {'column' if self.hidden == 1 else 'columns'} not shown" if self.hidden else ""
        long = max((len(cell) for row in self.cells for cell in row), default=0) > width
        cut = "long cells are cut" if long else ""
        said = "; ".join(part for part in (rows, columns, cut) if part)
        return f"{said[0].upper()}{said[1:]}." if said else ""

    def plain(self) -> str:
        """A table of text."""
        lines = [[_cut(cell, self.plain_width) for cell in line] for line in (self.titles, *self.cells)]
        widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )

    def html(self) -> str:
        """A table whose cells are text and nothing else."""
        width = self.html_width
        head = "".join(f'<th style="{_CELL}">{escape(_cut(title, width))}</th>' for title in self.titles)
        body = ""
        for row in self.cells:
            cells = (f'<td style="{_CELL}">{escape(_clipped(clean(cell), width))}</td>' for cell in row)
            body += f"<tr>{''.join(cells)}</tr>\n"
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _without_twins(names: list[str], data: Data) -> list[str]:
    """Leave out a column that is there a second time as ``value``."""
    titles: dict[str, str] = {}
    for name in names:
        titles.setdefault(data.title(name), name)
    return list(titles.values())


def _said(value: Any) -> str:
    return "-" if value is None else _text(value)


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:  # an object of somebody else's
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _cut(text: str, most: int) -> str:
    """Make one line of a text."""
    return _clipped(" ".join(clean(text).split()), most)
