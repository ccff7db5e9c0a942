"""`Annotated` types: bounds and descriptions, as annotated_types and pydantic's ``Field`` write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from jupyter_localllm.constrain.forms import Form, Unfit
from jupyter_localllm.errors import UsageError

__all__ = ["annotated_form"]

_BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}
_LENGTHS = {"string": "Length", "array": "Items", "object": "Properties"}


def annotated_form(inner: Form, metadata: Iterable[Any]) -> Form:
    """The form of ``Annotated[inner, *metadata]``.

    A text is a description, a compiled regular expression the pattern of a text. Bounds are objects with the
    attributes ``ge``, ``gt``, ``le``, ``lt``, ``multiple_of``, ``min_length``, ``max_length``, ``pattern``,
    ``description`` (those of annotated_types and pydantic have them); other objects are for other programs.

    Raises
    ------
    UsageError
        A bound does not go with the type, or is one of pydantic's or annotated_types' that cannot be held.
    """
    keywords: dict[str, Any] = {}
    description = ""
    for given in _flat(metadata):
        if isinstance(given, str):
            description = given
            continue
        found = _keywords(given, inner.schema.get("type", ""))
        description = getattr(given, "description", None) or description
        home = type(given).__module__.partition(".")[0]
        if not found and home in ("annotated_types", "pydantic") and not hasattr(given, "description"):
            raise UsageError(
                f"{given!r} cannot be held in an answer.",
                "Bounds, lengths, patterns and descriptions can; check the rest in a validator of a pydantic model.",
            )
        keywords = _both(keywords, found)
    if "pattern" in keywords and "pattern" in inner.schema:
        raise UsageError("A second pattern cannot be held.", "Write one pattern for the whole text: Annotated[str, …].")
    schema = _both(inner.schema, keywords)
    if description:
        schema["description"] = description

    def read(value: Any, place: str) -> Any:
        made = inner.read(value, place)
        if keywords:
            from jupyter_localllm.constrain.validate import validator

            problems = list(validator({"type": inner.schema["type"], **keywords}).problems(value, place))
            if problems:
                raise Unfit(*problems)
        return made

    return Form(schema, read)


def _both(given: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Keywords that hold together: of two bounds the tighter one."""
    made = {**given, **more}
    for key in given.keys() & more.keys():
        if key.startswith(("min", "exclusiveMin")):
            made[key] = max(given[key], more[key])
        elif key.startswith(("max", "exclusiveMax")):
            made[key] = min(given[key], more[key])
        elif given[key] != more[key]:
            raise UsageError(f"{key} {given[key]} and {more[key]} cannot both be held.", "Write one that means both.")
    return made


def _flat(metadata: Iterable[Any]) -> Iterable[Any]:
    for given in metadata:
        yield given
        nested = getattr(given, "metadata", None)  # pydantic's FieldInfo holds those of its arguments
        if isinstance(nested, (list, tuple)):
            yield from _flat(nested)


def _keywords(given: Any, kind: str) -> dict[str, Any]:
    if isinstance(given, re.Pattern):
        from jupyter_localllm.constrain.convert import rust_pattern

        return _of_kind({"pattern": f"^(?:{rust_pattern(given)})$"}, kind, "string")
    found: dict[str, Any] = {}
    for name, keyword in _BOUNDS.items():
        if (value := getattr(given, name, None)) is not None:
            found |= _of_kind({keyword: value}, kind, "integer", "number")
    for name, edge in (("min_length", "min"), ("max_length", "max")):
        if (value := getattr(given, name, None)) is not None:
            found |= _of_kind({f"{edge}{_LENGTHS.get(kind, '')}": value}, kind, *_LENGTHS)
    if isinstance(pattern := getattr(given, "pattern", None), str):
        found |= _of_kind({"pattern": pattern}, kind, "string")
    return {
        key: value
        for key, value in found.items()
        if not (key.startswith("min") and value == 0 and key[3:] in _LENGTHS.values())
    }


def _of_kind(keywords: dict[str, Any], kind: str, *kinds: str) -> dict[str, Any]:
    if kind not in kinds:
        (keyword,) = keywords
        raise UsageError(
            f"{keyword} goes with {' or '.join(kinds)}, not with {kind or 'a type of several kinds'}.",
            "Put the bound on the part that it is meant for: Annotated[int, …] | None.",
        )
    return keywords
