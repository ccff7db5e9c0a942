"""Keywords of old drafts, and those that llguidance does not know, in words that it does: the same meaning exactly.

Sources: the lists of changes in draft 6, 2019-09 and 2020-12 (https://json-schema.org/specification); what a
dependency means is draft 2020-12, validation, 6.5.4 and core, 10.2.2.4.
"""

from __future__ import annotations

from typing import Any

__all__ = ["modern"]

# Where subschemas stand: by name, in a list, or alone.
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLE = (
    *("items", "additionalItems", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)


def modern(schema: Any) -> Any:
    """A schema in draft 2020-12, its dependencies as alternatives.

    Examples
    --------
    >>> modern({"items": [{"type": "null"}], "additionalItems": False})
    {'prefixItems': [{'type': 'null'}], 'items': False}
    >>> modern({"dependencies": {"a": ["b"]}})
    {'allOf': [{'anyOf': [{'properties': {'a': False}}, {'required': ['b']}]}]}
    """
    if not isinstance(schema, dict):
        return schema
    made = {key: _inner(key, value) for key, value in schema.items()}
    if {"additionalItems", "items"} & made.keys():
        made = _items(made)
    for edge in ("inimum", "aximum"):
        made = _exclusive(made, f"m{edge}", f"exclusiveM{edge}")
    return _dependencies(made)


def _inner(key: str, value: Any) -> Any:
    if key in _NAMED and isinstance(value, dict):
        return {name: modern(part) for name, part in value.items()}
    if key in _LISTED and isinstance(value, list):
        return [modern(part) for part in value]
    return modern(value) if key in _SINGLE else value


def _items(schema: dict[str, Any]) -> dict[str, Any]:
    """A list of items with what comes after it; beside anything else additionalItems never meant anything."""
    if not isinstance(schema.get("items"), list):
        return {key: value for key, value in schema.items() if key != "additionalItems"}
    rest = schema.get("additionalItems", True)
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "items":
            made |= {"prefixItems": value, **({} if rest is True else {"items": rest})}
        elif key != "additionalItems":
            made[key] = value
    return made


def _exclusive(schema: dict[str, Any], bound: str, exclusive: str) -> dict[str, Any]:
    """``exclusiveMinimum: true`` of draft 4, which makes the minimum itself exclusive."""
    if not isinstance(schema.get(exclusive), bool) or (schema[exclusive] and bound not in schema):
        return schema
    made = {key: value for key, value in schema.items() if key != exclusive}
    if schema[exclusive]:
        made[exclusive] = made.pop(bound)
    return made


def _dependencies(schema: dict[str, Any]) -> dict[str, Any]:
    """If there is such a property, then so much else: either there is none, or that holds."""
    cases: list[Any] = []
    for key in ("dependencies", "dependentRequired", "dependentSchemas"):
        if not isinstance(schema.get(key), dict):
            continue
        for name, needed in schema[key].items():
            # draft 3 had a single name, too
            needs = {"required": [needed] if isinstance(needed, str) else needed}
            then = needed if isinstance(needed, (dict, bool)) else needs
            cases.append({"anyOf": [{"properties": {name: False}}, then]})
        schema = {other: value for other, value in schema.items() if other != key}
    if not cases:
        return schema
    before = schema["allOf"] if isinstance(schema.get("allOf"), list) else []
    return {**schema, "allOf": [*before, *cases]}
