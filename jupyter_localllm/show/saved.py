"""What a cited answer adds to the JSON of our own type: its citations, its passages, and the value that was computed.

Two runs that gave the same answer save the same: there is no time and no identifier in it, and sets are sorted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from jupyter_localllm.types import Answer, Citation, Locator, Passage

__all__ = ["encodable", "saved"]

_MOST_ROWS = 1_000
_MOST_SHOWN = 200
_LONGEST_CELL = 2_000
_DEEPEST = 20
_MOST_VALUES = 10_000
_LONGEST_INT = 1_024  # bits
_LONGEST_VALUE = 200_000


def saved(answer: Answer) -> dict[str, Any]:
    """The part of the JSON that only cited answers have.

    Parameters
    ----------
    answer : Answer

    Returns
    -------
    dict
        ``citations``, ``passages``, ``reading``, ``abstained``; and ``value`` if it can be told in JSON and is not too
        large: a dataclass or a model of pydantic as an object, a scalar of numpy as a number.

    Examples
    --------
    >>> saved(Answer("12 [1]", value=12, reading="number of rows"))["value"]
    12
    """
    made = {
        "citations": [_citation(one) for one in answer.citations],
        "passages": [_passage(one) for one in answer.passages],
        "reading": encodable(answer.reading),
        "abstained": answer.abstained,
    }
    if answer.value is None:
        return made
    try:
        return {**made, "value": _Plain().of(answer.value)}
    except Exception:  # a foreign object, read while it is shown
        return made


def encodable(text: str) -> str:
    """Half of a surrogate pair cannot be sent."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _citation(cited: Citation) -> dict[str, Any]:
    return {
        "number": cited.number,
        "source": encodable(cited.source),
        "locator": _locator(cited.locator),
        "quote": encodable(cited.quote),
        "start": cited.start,
        "end": cited.end,
        "status": cited.status,
        "reason": encodable(cited.reason),
    }


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        "source": encodable(passage.source),
        "kind": encodable(passage.kind),
        "text": encodable(passage.text),
        "locator": _locator(passage.locator),
        "sha256": encodable(passage.sha256),
        "value": encodable(passage.value),
        "shown": [[encodable(_cell(cell)) for cell in row] for row in passage.shown[:_MOST_SHOWN]],
    }


def _cell(text: str) -> str:
    """The text of a cell; one that is longer than a reader would read says so."""
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]} … ({len(text):,} characters)"


def _locator(locator: Locator) -> dict[str, Any]:
    """A place, without what does not apply. Of very many rows the first ones stand, and how many there are."""
    rows = locator.rows
    told: dict[str, Any] = {
        "rows": list(rows[:_MOST_ROWS]) if rows is not None else None,
        "row_count": len(rows) if rows is not None and len(rows) > _MOST_ROWS else None,
        "columns": [encodable(column) for column in locator.columns] or None,
        "lines": list(locator.lines) if locator.lines else None,
        "page": locator.page,
        "path": None if locator.path is None else encodable(locator.path),
        "operation": None if locator.operation is None else encodable(locator.operation),
        "label": encodable(locator.label) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


class _NotPlain(Exception):
    """A value that JSON cannot tell."""


class _Plain:
    """A value as JSON has it, within bounds; anything else is refused and not guessed at."""

    def __init__(self) -> None:
        self._values = 0
        self._characters = 0

    def of(self, value: Any, depth: int = 0) -> Any:
        """The value, or `_NotPlain`."""
        self._values += 1
        if depth > _DEEPEST or self._values > _MOST_VALUES:
            raise _NotPlain
        value = _unwrapped(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            self._characters += len(value)
            if self._characters > _LONGEST_VALUE:
                raise _NotPlain
            return encodable(str(value))
        if isinstance(value, int) and value.bit_length() <= _LONGEST_INT:
            return int(value)
        if isinstance(value, float) and math.isfinite(value):
            return float(value)
        return self._container(value, depth + 1)

    def _container(self, value: Any, depth: int) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            return {field.name: self.of(getattr(value, field.name), depth) for field in fields(value)}
        if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
            return {encodable(name): self.of(item, depth) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(item, depth) for item in value]
        if isinstance(value, (set, frozenset)):
            return sorted((self.of(item, depth) for item in value), key=lambda item: (type(item).__name__, item))
        raise _NotPlain


def _unwrapped(value: Any) -> Any:
    """A scalar of numpy as Python's, a model of pydantic as a dict; nothing of the two is imported."""
    home = type(value).__module__.partition(".")[0]
    if home == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    dump = getattr(type(value), "model_dump", None)
    return value.model_dump(mode="json") if callable(dump) else value
