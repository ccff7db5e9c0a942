"""Passages as the tests need them."""

from __future__ import annotations

from jupyter_localllm.types import Locator, Passage

__all__ = ["cell", "prose"]


def cell(column: str, name: str, value: str, *, source: str = "df", row: int = 0) -> Passage:
    label = f"row {row + 1} ({name}), column {column}"
    return Passage(source, "cell", f"{column} of {name}: {value}", Locator((row,), (column,), label=label), value=value)


def prose(text: str, source: str = "notes") -> Passage:
    return Passage(source, "text", text, Locator(lines=(1, text.count("\n") + 1)))
