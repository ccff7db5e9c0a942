"""Values that are a few known ones: choices, and the levels of a column."""

from __future__ import annotations

import enum
import typing
from collections.abc import Mapping
from typing import Any

from jupyter_localllm.constrain.forms import value_type
from jupyter_localllm.constrain.listed import Choices

__all__ = ["choices_of", "levels"]


def levels(annotation: Any) -> tuple[Any, ...] | None:
    """The values that a column can have, in their order, where they are a few known ones; otherwise None.

    Parameters
    ----------
    annotation : object
        A value of `Typed.columns`, or `Typed.given`: a type, a part of a JSON Schema, choices.

    Examples
    --------
    >>> levels(typing.Literal["low", "high"]), levels({"enum": [1, 2]}), levels(str)
    (('low', 'high'), (1, 2), None)
    """
    annotation = value_type(annotation)  # nothing is no level
    if typing.get_origin(annotation) is typing.Literal:
        return typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return tuple(annotation)
    if isinstance(annotation, Mapping):
        return tuple(annotation["enum"]) if isinstance(annotation.get("enum"), (list, tuple)) else None
    choices = annotation.options if isinstance(annotation, Choices) else choices_of(annotation)
    return tuple(choices) if choices is not None else None


def choices_of(given: Any) -> list[Any] | None:
    """The options of a list, set, array or series; None if it is none of these."""
    if isinstance(given, (set, frozenset)):
        return sorted(given, key=repr)  # their own order is another one in each process
    if isinstance(given, (list, tuple)):
        return list(given)
    listing = getattr(given, "tolist", None) or getattr(given, "to_list", None) or getattr(given, "to_pylist", None)
    if callable(listing) and not isinstance(given, type) and hasattr(given, "__len__"):
        found = listing()
        return found if isinstance(found, list) else None
    return None
