"""What a model wrote, as JSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from jupyter_localllm.constrain.forms import Unfit

__all__ = ["bare", "parsed"]


def bare(text: str) -> str:
    """The answer without the fence that models put around code."""
    fenced = re.fullmatch(r"\s*(`{3,})[\w+-]*[ \t]*\n(.*?)\n?[ \t]*\1\s*", text, re.DOTALL)
    return fenced[2] if fenced else text


def parsed(text: str) -> Any:
    """The JSON value of a text; no word that only JavaScript knows, no number beyond floats, no property twice."""

    def reject(word: str) -> Any:
        raise ValueError(f"{word} is no JSON")

    def number(text: str) -> float:
        if math.isinf(value := float(text)):
            raise ValueError(f"{text[:40]} is beyond what a float can hold")
        return value

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            raise ValueError("a property stands twice in one object")
        return made

    try:
        return json.loads(text, parse_constant=reject, parse_float=number, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise Unfit(("#", f"is no JSON: {error}")) from None
