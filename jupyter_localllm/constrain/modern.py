"""Keywords of old drafts in those of draft 2020-12: the same meaning exactly.

Source: the lists of changes in draft 6, 2019-09 and 2020-12 (https://json-schema.org/specification).
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
    """A schema in draft 2020-12.

    Examples
    --------
    >>> modern({"items": [{"type": "null"}], "additionalItems": False})
    {'prefixItems': [{'type': 'null'}], 'items': False}
    >>> modern({"dependencies": {"a": ["b"]}})
    {'dependentRequired': {'a': ['b']}}
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
    """``dependencies`` in two: names that are required with a name, and schemas that hold with it."""
    given = schema.get("dependencies")
    if not isinstance(given, dict):
        return schema
    made = {key: value for key, value in schema.items() if key != "dependencies"}
    for name, needed in given.items():
        if isinstance(needed, (dict, bool)):
            made["dependentSchemas"] = {**made.get("dependentSchemas", {}), name: needed}
        else:  # draft 3 had a single name, too
            names = [needed] if isinstance(needed, str) else needed
            made["dependentRequired"] = {**made.get("dependentRequired", {}), name: names}
    return made
