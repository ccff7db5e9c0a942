"""Whether two calls are one: what was called is not called again, and what was not is."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from jupyter_localllm.tools.running import checked
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import ToolCall

__all__ = ["is_same"]


def is_same(one: ToolCall, other: ToolCall, tools: Mapping[str, Tool]) -> bool:
    """Whether the function would get the same, defaults included: ``{}`` and ``{"count": 1}`` may be one call.

    Parameters
    ----------
    one, other : ToolCall
    tools : Mapping of str to Tool
        By their names.
    """
    if one.name != other.name:
        return False
    mine, theirs = _texts(one), _texts(other)
    if mine == theirs:
        return True
    if any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys()):
        return False
    first, second = checked(one, tools), checked(other, tools)
    if isinstance(first, ToolCall) or isinstance(second, ToolCall):
        return False
    signature = inspect.signature(first[0].function)
    given = [signature.bind(*positional, **named).arguments for _, (positional, named) in (first, second)]
    only = given[0].keys() ^ given[1].keys()  # what one call leaves to the function
    both = {**given[0], **given[1]}
    return all(_equal(both[name], signature.parameters[name].default) for name in only)


def _texts(call: ToolCall) -> dict[str, str]:
    """Each argument as a text: ``1`` and ``true`` are two, ``1`` and ``1.0`` one; none, if they are no JSON object."""
    try:
        read = json.loads(call.json, parse_float=_number)
        return {name: json.dumps(value, sort_keys=True) for name, value in read.items()}
    except (ValueError, RecursionError, AttributeError):
        return {}


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


def _equal(given: Any, default: Any) -> bool:
    """Whether an argument is the default; equal things may look different, and what looks alike may not be equal."""
    try:
        return bool(given == default) and repr(given) == repr(default)
    except Exception:  # somebody else's
        return False
