"""What is saved of an answer: the JSON of our own type, and the metadata of its output.

A cited answer adds its citations, its passages, and the value that was computed. Two runs that gave the same
answer save the same JSON: there is no time and no identifier in it, and sets are sorted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from jupyter_localllm.show.view import View
from jupyter_localllm.types import Answer, Citation, Locator, Passage, Provenance, Result

__all__ = ["SCHEMA_VERSION", "encodable", "named", "saved", "saved_answer", "saved_metadata"]

SCHEMA_VERSION = 1

_MOST_ROWS = 1_000
_MOST_SHOWN = 200
_LONGEST_CELL = 2_000
_DEEPEST = 20
_MOST_VALUES = 10_000
_LONGEST_INT = 1_024  # bits
_LONGEST_VALUE = 200_000
_WHERE_THERE = ("remote", "answered_by", "answered_sha256", "answered_why")  # of a provenance, if there is something


def saved_answer(view: View) -> dict[str, Any]:
    """Our own JSON type: of any answer, with what only cited ones have."""
    usage = view.result.usage if view.result else None
    plain = {
        "version": SCHEMA_VERSION,
        "text": encodable(view.text),
        "reasoning": encodable(view.reasoning),
        "format": "json" if view.format == "value" else view.format,
        "finish_reason": view.finish_reason,
        "model": encodable(view.model),
        "usage": {
            "prompt_tokens": usage.prompt_tokens if usage else 0,
            "completion_tokens": usage.completion_tokens if usage else view.tokens,
        },
        "notes": [{"code": note.code, "text": encodable(note.text)} for note in view.notes],
        "citations": [],
    }
    if view.calls:
        from jupyter_localllm.show.calls import saved_calls

        plain["calls"] = saved_calls(view.calls)
    return plain if view.answer is None else {**plain, **saved(view.answer)}


def saved_metadata(view: View) -> dict[str, Any]:
    """The metadata of an output: the provenance, and in ``volatile`` what differs from run to run."""
    if not view.ended:
        return {"complete": False}
    facts = {"complete": view.complete, "finish_reason": view.finish_reason, **named(view.name, view.question)}
    if view.result is None:
        return {**facts, **({"remote": view.remote} if view.remote else {})}
    return {**facts, **_provenance(view.result.provenance), "volatile": _volatile(view, view.result)}


def named(name: str, question: str) -> dict[str, Any]:
    """What a saved output says of its question, where it is known.

    Examples
    --------
    >>> named("total", "")
    {'name': 'total'}
    """
    told = {"name": encodable(name), "question": encodable(question)}
    return {key: text for key, text in told.items() if text}


def _provenance(provenance: Provenance) -> dict[str, Any]:
    return {
        "model": provenance.model,
        "model_sha256": provenance.model_sha256,
        "sampling": dict(provenance.sampling),
        "max_tokens": provenance.max_tokens,
        "stop": list(provenance.stop),
        "prompt_sha256": provenance.prompt_sha256,
        "sources": dict(provenance.sources),
        "key": provenance.key,
        "versions": dict(provenance.versions),
        **{name: value for name in _WHERE_THERE if (value := getattr(provenance, name))},
    }


def _volatile(view: View, result: Result) -> dict[str, Any]:
    return {
        "cached": result.cached,
        "timings": {name: ms for name, ms in asdict(result.timings).items() if ms or not name.startswith("server_")},
        "usage": asdict(result.usage),
        "notes": [asdict(note) for note in view.passing_notes],
    }


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
