"""Reading calls out of what a model wrote; also where nothing held it to its format."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_localllm.tools.formats.base import Reply
from jupyter_localllm.types import ToolCall

__all__ = ["call_of", "calls_of", "json_text", "marked", "objects_at"]

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


def marked(text: str, opening: str, read: Callable[[str, int], tuple[Sequence[ToolCall], int] | None]) -> Reply:
    """Text, and calls that each begin with a mark; a mark within a call is data, and begins nothing.

    Parameters
    ----------
    text : str
        What the model wrote.
    opening : str
        The mark.
    read : callable
        From the text and the place behind a mark to the calls that stand there and where they end; None if none do.
    """
    said, at = "", 0
    calls: list[ToolCall] = []
    while (begin := text.find(opening, at)) >= 0:
        found = read(text, begin + len(opening))
        if found is None:
            return Reply(text, broken=True)
        said += text[at:begin]
        calls += found[0]
        at = found[1]
    return Reply((said + text[at:]).rstrip() if calls else text, tuple(calls))
