"""What llguidance passes over in a JSON schema, found before it can loosen an answer.

It refuses the keywords of draft 2020-12 that it does not know how to honour. Keywords of older drafts, misspelt ones,
numbers that do not fit in a double, and schemas that only endless answers would fulfil it takes without a word. Two
kinds of bounds it breaks (found by random answers against the package jsonschema, with version 1.9.1).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from jupyter_localllm.constrain.forms import escaped
from jupyter_localllm.constrain.grammar import LARGEST_PATTERN
from jupyter_localllm.errors import UsageError

__all__ = ["NOTES", "check_says_something", "check_schema", "parts"]

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
# Keywords with subschemas: by name, in a list, or alone.
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = (
    *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_VALIDATING = {
    *(*_BOUNDS, *_NAMED, *_LISTED, *_SINGLE, "type", "enum", "const", "$ref", "required", "pattern", "format"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems"),
    *("minContains", "maxContains", "dependentRequired", "$dynamicRef"),
}
NOTES = {
    *("title", "description", "default", "examples", "$comment", "$schema", "$id", "id", "$anchor", "deprecated"),
    *("readOnly", "writeOnly"),
}
"""Keywords that say nothing of what is valid."""

_OLD = {"disallow": "Write the types that are allowed.", "divisibleBy": "Write multipleOf.", "extends": "Write allOf."}
_NULLABLE = 'Write null as one of the types: "type": ["string", "null"].'
_EXACT = 2**53  # integers up to here are exact in the doubles that llguidance makes of all numbers


def check_schema(schema: dict[str, Any]) -> None:
    """Raise a UsageError for what would be passed over; it names keyword and place.

    Examples
    --------
    >>> check_schema({"type": "integer", "minimun": 3})
    Traceback (most recent call last):
    ...
    jupyter_localllm.errors.UsageError: This JSON schema has an unknown keyword at #: 'minimun'.
    Write 'minimum'; or give it another name if it is a note of yours.
    """
    if not isinstance(schema.get("x-guidance", {}), dict):
        raise UsageError("This JSON schema has x-guidance that is no object.", "Leave it out.")
    for place, part in parts(schema):
        for keyword, value in part.items():
            _check_keyword(keyword, value, place)
        _check_contradictions(part, place)
        _check_narrow_bounds(part, place)
        _check_number_of_properties(part, place)
    _check_ending(schema)


_TYPES = {
    **{"str": "string", "text": "string", "int": "integer", "float": "number", "bool": "boolean"},
    **{"list": "array", "dict": "object"},
}
_JSON_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")


def check_says_something(schema: Mapping[str, Any]) -> None:
    """Raise a UsageError for a schema that holds nothing; names and types of fields, perhaps.

    Examples
    --------
    >>> check_says_something({"name": "string", "age": int})
    Traceback (most recent call last):
    ...
    jupyter_localllm.errors.UsageError: This JSON schema has no keyword that an answer is held to: 'name', 'age'.
    Did you mean {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}?
    """
    holding = (_VALIDATING | {"dependencies"}) - {"$defs", "definitions"}
    if not schema or holding & schema.keys():
        return
    check_schema({name: value for name, value in schema.items() if isinstance(name, str)})  # misspelt, perhaps
    named = {name: _type_named(value) for name, value in schema.items()}
    meant = {"type": "object", "properties": {name: {"type": kind} for name, kind in named.items() if kind}}
    shown = ", ".join(repr(name) for name in list(schema)[:5])
    hint = f"Did you mean {json.dumps(meant, ensure_ascii=False)}?" if all(named.values()) else ""
    raise UsageError(
        f"This JSON schema has no keyword that an answer is held to: {shown}.",
        hint or 'Such as {"type": "object", "properties": {"name": {"type": "string"}}}; {} stands for any JSON.',
    )


def _type_named(value: Any) -> str:
    """The JSON type that a value names; empty if it names none."""
    name = value.__name__ if isinstance(value, type) else value if isinstance(value, str) else ""
    name = _TYPES.get(name, name)
    return name if name in _JSON_TYPES else ""


def parts(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each schema within a schema, itself included, with its JSON pointer."""
    waiting = [("#", schema)]
    while waiting:
        place, part = waiting.pop()
        if not isinstance(part, dict):
            continue
        yield place, part
        waiting.extend(_children(place, part))


def _children(place: str, part: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for keyword, value in part.items():
        here = f"{place}/{keyword}"
        if keyword in _NAMED and isinstance(value, dict):
            for name, inner in value.items():
                yield f"{here}/{escaped(name)}", inner
        elif keyword in _LISTED and isinstance(value, list):
            for position, inner in enumerate(value):
                yield f"{here}/{position}", inner
        elif keyword in _SINGLE:
            yield here, value


def _check_keyword(keyword: str, value: Any, place: str) -> None:
    what, hint = "", ""
    if keyword in _OLD:
        what, hint = f"has the keyword {keyword} of an old draft", _OLD[keyword]
    elif keyword == "nullable" and value is True:
        what, hint = "has the keyword nullable of OpenAPI", _NULLABLE
    elif keyword in _BOUNDS and isinstance(value, bool):
        what, hint = f"has {keyword} that is no number, as an old draft had", f"Write {keyword} with the number itself."
    elif keyword == "required" and not isinstance(value, list):
        what, hint = "has required that is no list, as an old draft had", "List the names beside 'properties'."
    elif keyword in _BOUNDS and isinstance(value, (int, float)) and abs(value) > _EXACT:
        what, hint = f"has {keyword} {value}, beyond ±2^53", "Numbers as large as this are not exact; leave it out."
    elif keyword in ("const", "enum") and (number := _too_large(value)) is not None:
        what, hint = f"has the integer {number} in {keyword}, beyond ±2^53", "Write it as a text."
    elif keyword == "pattern" and isinstance(value, str) and len(value) > LARGEST_PATTERN:
        what, hint = f"has a pattern of {len(value):,} characters", f"{LARGEST_PATTERN:,} are possible."
    elif not _is_note(keyword) and (near := difflib.get_close_matches(keyword, _VALIDATING, 1, cutoff=0.83)):
        what, hint = "has an unknown keyword", f"Write {near[0]!r}; or give it another name if it is a note of yours."
        raise UsageError(f"This JSON schema {what} at {place}: {keyword!r}.", hint)
    if what:
        raise UsageError(f"This JSON schema {what} (at {place}).", hint)


_PAIRS = (
    *((f"min{what}", f"max{what}", False) for what in ("imum", "Length", "Items", "Properties", "Contains")),
    *(("minimum", "exclusiveMaximum", True), ("exclusiveMinimum", "maximum", True)),
    ("exclusiveMinimum", "exclusiveMaximum", True),
)


def _is_note(keyword: str) -> bool:
    """Whether a keyword is known, or is marked as none."""
    return keyword in _VALIDATING or keyword in NOTES or keyword.startswith(("_", "x-"))


def _check_contradictions(part: dict[str, Any], place: str) -> None:
    """Bounds that leave nothing between them, and properties that must be there and may not."""
    for low, high, strictly in _PAIRS:
        least, most = part.get(low), part.get(high)
        if not isinstance(least, (int, float)) or not isinstance(most, (int, float)):
            continue
        if least > most or (strictly and least == most):
            raise UsageError(
                f"This JSON schema has {low} {least} and {high} {most}, which no answer can fulfil (at {place}).",
                "Change one of the two.",
            )
    if part.get("additionalProperties") is False and "patternProperties" not in part:
        for name in _list(part.get("required")):
            if name not in part.get("properties", {}):
                raise UsageError(
                    f"This JSON schema requires {name!r} and has no such property, nor allows others (at {place}).",
                    "Put it into 'properties', or leave it out of 'required'.",
                )


def _check_narrow_bounds(part: dict[str, Any], place: str) -> None:
    """Between an exclusive whole number and a bound less than 1 away, the whole number itself would be let through."""
    if part.get("type") == "integer":
        return
    pairs = (
        ("exclusiveMinimum", ("maximum", "exclusiveMaximum")),
        ("exclusiveMaximum", ("minimum", "exclusiveMinimum")),
    )
    for whole, others in pairs:
        for other in others:
            a, b = part.get(whole), part.get(other)
            if not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
                continue
            if a == int(a) and 0 < abs(a - b) < 1:
                raise UsageError(
                    f"This JSON schema has {whole} {a} and {other} {b}, less than 1 apart, which cannot be held "
                    f"(at {place}).",
                    f"Write a number just inside of {a} with {whole.replace('exclusiveM', 'm')} instead.",
                )


def _check_number_of_properties(part: dict[str, Any], place: str) -> None:
    """Properties that are not named may be written twice under one name, and then count once."""
    least, required = part.get("minProperties"), _list(part.get("required"))
    if isinstance(least, int) and least - len(required) >= 2:
        raise UsageError(
            f"This JSON schema has minProperties {least} where {len(required)} are required, which cannot be held "
            f"(at {place}).",
            "Name the properties and put them into 'required', or use a list.",
        )


def _too_large(value: Any) -> int | None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, int) and abs(one) > _EXACT:
            return one
        if isinstance(one, (list, dict)):
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return None


def _check_ending(schema: dict[str, Any]) -> None:
    """Raise a UsageError if a part requires itself: only an endless text would fulfil it."""
    by_place = dict(parts(schema))
    done: set[str] = set()
    for start in by_place:
        path: list[str] = []
        waiting = [(start, 0)]
        while waiting:
            place, depth = waiting.pop()
            del path[depth:]
            if place in path:
                raise UsageError(
                    f"This JSON schema requires {place} within itself, so no answer would ever be complete.",
                    "Leave one of the properties out of 'required', or allow null instead.",
                )
            if place not in done:
                done.add(place)
                path.append(place)
                waiting.extend((needed, depth + 1) for needed in _needed(place, by_place) if needed in by_place)


def _needed(place: str, by_place: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The parts that every answer of this part contains, as far as plain to see."""
    part = by_place[place]
    if isinstance(target := part.get("$ref"), str):
        yield target
    yield from (f"{place}/allOf/{position}" for position in range(len(_list(part.get("allOf")))))
    branches = [name for name in ("anyOf", "oneOf") if len(_list(part.get(name))) == 1]
    yield from (f"{place}/{name}/0" for name in branches)
    if part.get("type") == "object":
        for name in _list(part.get("required")):
            yield f"{place}/properties/{escaped(str(name))}"
    if part.get("type") == "array" and isinstance(least := part.get("minItems"), int) and least > 0:
        first = _list(part.get("prefixItems"))
        yield from (f"{place}/prefixItems/{position}" for position in range(min(least, len(first))))
        if least > len(first):
            yield f"{place}/items"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
