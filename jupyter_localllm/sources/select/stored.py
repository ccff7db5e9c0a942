"""A passage as a row of a table: bytes and JSON, no pickle."""

from __future__ import annotations

import json
import operator

from jupyter_localllm.types import Locator, Passage

__all__ = ["from_row", "to_row"]


def to_row(passage: Passage) -> tuple[bytes, str]:
    """The text, and everything else.

    Lone surrogates, which SQLite's text cannot hold, survive in both.
    """
    place = passage.locator
    rest = [
        passage.source,
        passage.kind,
        passage.sha256,
        passage.value,
        passage.shown,
        [place.rows, place.columns, place.lines, place.page, place.path, place.operation, place.label],
    ]
    return passage.text.encode("utf-8", "surrogatepass"), json.dumps(rest, default=operator.index)


def from_row(text: bytes, rest: str) -> Passage:
    """The passage again, equal to what it was."""
    source, kind, sha256, value, shown, (rows, columns, lines, page, path, operation, label) = json.loads(rest)
    place = Locator(
        rows=None if rows is None else tuple(rows),
        columns=tuple(columns),
        lines=None if lines is None else (lines[0], lines[1]),
        page=page,
        path=path,
        operation=operation,
        label=label,
    )
    return Passage(
        source, kind, text.decode("utf-8", "surrogatepass"), place, sha256, value, tuple(tuple(row) for row in shown)
    )
