"""Reading calls out of what a model wrote; also where nothing held it to its format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jupyter_localllm.types import ToolCall

__all__ = ["call_of", "calls_of", "json_text", "objects_at"]

_DECODER = json.JSONDecoder()


def json_text(value: Any) -> str:
    """The JSON of arguments as they are kept: one text for one value, in the order they were written."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def call_of(name: Any, arguments: Any) -> ToolCall | None:
    """A call, if this is one; arguments that are the text of a JSON object count as the object."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return None
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return ToolCall(name, json_text(arguments))


def calls_of(value: Any, *keys: tuple[str, str]) -> tuple[ToolCall, ...] | None:
    """The calls that a JSON value says: an object, or a list of objects; None if it says something else.

    Parameters
    ----------
    value : object
    *keys : (str, str)
        How name and arguments may be called.
    """
    listed = value if isinstance(value, list) else [value]
    found = []
    for one in listed:
        if not isinstance(one, Mapping):
            return None
        called = next((call_of(one[n], one[a]) for n, a in keys if n in one and a in one), None)
        if called is None:
            return None
        found.append(called)
    return tuple(found) or None


def objects_at(text: str, start: int = 0) -> tuple[list[Any], int] | None:
    """The JSON values that stand in a row from a place on, and where they end; None if there is none."""
    values = []
    at = start
    while True:
        begin = at + len(text[at:]) - len(text[at:].lstrip(" \t\r\n;"))
        if text[begin : begin + 1] not in ("{", "["):
            break
        try:
            value, at = _DECODER.raw_decode(text, begin)
        except (ValueError, RecursionError):
            break
        values.append(value)
    return (values, at) if values else None
