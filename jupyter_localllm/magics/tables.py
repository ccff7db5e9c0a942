"""Columns, as the subcommands print them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["table"]


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Columns as wide as their widest cell.

    Examples
    --------
    >>> print(table([("a", "1"), ("long", "2")], ("name", "n")))
    name  n
    a     1
    long  2
    """
    lines = [tuple(head), *map(tuple, rows)] if head else list(map(tuple, rows))
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)
