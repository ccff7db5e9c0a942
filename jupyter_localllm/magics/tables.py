"""Columns and sizes, as the subcommands print them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["size", "table"]


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


def size(count: float) -> str:
    """Bytes for people.

    Examples
    --------
    >>> size(999), size(98_400_000)
    ('999 bytes', '98.4 MB')
    """
    if count < 1000:
        return f"{count:.0f} bytes"
    power = 1 if count < 1e6 else 2 if count < 1e9 else 3
    return f"{count / 1000**power:.1f} {('kB', 'MB', 'GB')[power - 1]}"
