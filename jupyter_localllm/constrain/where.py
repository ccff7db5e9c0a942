"""Where in a schema stands what llguidance refuses: it says what, seldom where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_localllm.constrain.keywords import parts

__all__ = ["where"]

_MOST_TRIES = 400  # of about a millisecond each


def where(schema: dict[str, Any], refusal: Callable[[dict[str, Any]], str]) -> str:
    """The JSON pointer of the keyword that is refused; empty if none can be told.

    Parameters
    ----------
    schema : dict
    refusal : callable
        From a schema to the words with which it is refused, empty if it is not.

    Examples
    --------
    >>> where({"items": {"type": "array", "not": {}}}, lambda part: "no" if "not" in str(part) else "")
    '#/items/not'
    """
    words = refusal(schema)
    shared: dict[str, Any] = {key: schema[key] for key in ("$defs", "definitions", "$id", "$schema") if key in schema}
    # From the inside out: the first part that is refused on its own in the same words is the one.
    found = sorted(parts(schema), key=lambda one: -one[0].count("/"))
    if len(found) > _MOST_TRIES:
        return ""
    for place, part in found:
        alone = {**shared, **part} if place != "#" else part
        if refusal(alone) != words:
            continue
        for keyword in part:
            if refusal({key: value for key, value in alone.items() if key != keyword}) != words:
                return f"{place}/{keyword}"
        return place
    return ""
