"""``not``, ``if``, dependencies and overlapping ``oneOf``, which llguidance does not know, in keywords that it does.

Nearly every keyword of JSON Schema has an opposite that can be written with others: what is not at least 3 is a number
below 3. Where one has none that is exact (``pattern``, ``multipleOf``, a whole number), or where it would be too large
(each level of ``oneOf`` repeats the one below), nothing is written anew, and the schema is refused as before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from jupyter_localllm.constrain.keywords import NOTES
from jupyter_localllm.constrain.roomy import LARGEST_TEXT

__all__ = ["opposite", "without_not"]

_TYPES = ("null", "boolean", "object", "array", "string", "number")


class _NoOpposite(Exception):
    pass


def without_not(schema: Any) -> Any:
    """A schema of the same meaning whose ``not``, ``if`` and ``oneOf`` are written anew wherever that is exact.

    Examples
    --------
    >>> without_not({"not": {"required": ["a"]}})
    {'allOf': [{'type': 'object', 'properties': {'a': False}}]}
    """
    if isinstance(schema, list):
        return [without_not(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _inner(key, value) for key, value in schema.items()}
    parts: list[Any] = []
    for keywords, rewrite in _REWRITTEN:
        present = {key: made[key] for key in keywords if key in made}
        if keywords[0] not in present:
            continue
        try:
            parts.append(_small(rewrite(present)))
        except _NoOpposite:
            continue
        made = {key: value for key, value in made.items() if key not in present}
    if not parts:
        return made
    # What is left stands first: llguidance writes properties in the order in which it meets them.
    outer = {key: made.pop(key) for key in ("$schema", "$id", "$defs", "definitions") if key in made}
    return {**outer, "allOf": [made, *parts] if made else parts}


def _small(schema: Any, times: int = 1) -> Any:
    """The schema itself; `_NoOpposite` if so many of it are more than a schema may have."""
    if times * len(json.dumps(schema)) > LARGEST_TEXT:
        raise _NoOpposite
    return schema


def _inner(key: str, value: Any) -> Any:
    if key in ("const", "enum", "default", "examples"):
        return value
    if key in ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas") and isinstance(
        value, dict
    ):
        return {name: without_not(part) for name, part in value.items()}
    return without_not(value)


def _conditional(schema: dict[str, Any]) -> Any:
    met = {"allOf": [schema["if"], schema.get("then", True)]}
    return _any([met, {"allOf": [opposite(schema["if"]), schema.get("else", True)]}])


def _exactly_one(cases: Any) -> Any:
    if not isinstance(cases, list):
        raise _NoOpposite
    others = [opposite(case) for case in _small(cases, len(cases))]
    return _any([{"allOf": [case, *others[:i], *others[i + 1 :]]} for i, case in enumerate(cases)])


def _with_name(needs: Any, make: Callable[[Any], Any]) -> Any:
    """If there is such a property, then so much else: either there is none, or that holds."""
    if not isinstance(needs, dict):
        raise _NoOpposite
    return {"allOf": [_any([{"properties": {name: False}}, make(needed)]) for name, needed in needs.items()]}


# The keyword, those that go with it, and what stands in their place.
_REWRITTEN: tuple[tuple[tuple[str, ...], Callable[[dict[str, Any]], Any]], ...] = (
    (("not",), lambda given: opposite(given["not"])),
    (("if", "then", "else"), _conditional),
    (("oneOf",), lambda given: _exactly_one(given["oneOf"])),
    (("dependentRequired",), lambda given: _with_name(given["dependentRequired"], lambda names: {"required": names})),
    (("dependentSchemas",), lambda given: _with_name(given["dependentSchemas"], lambda needed: needed)),
)


def opposite(schema: Any) -> Any:
    """A schema that allows exactly what this one does not.

    Raises
    ------
    _NoOpposite
        There is none in the keywords at hand.

    Examples
    --------
    >>> opposite({"minimum": 3})
    {'type': 'number', 'exclusiveMaximum': 3}
    """
    if isinstance(schema, bool):
        return not schema
    if not isinstance(schema, dict):
        raise _NoOpposite
    keywords = {key: value for key, value in schema.items() if key not in NOTES and not key.startswith(("_", "x-"))}
    if "properties" in keywords and {"additionalProperties", "patternProperties"} & keywords.keys():
        raise _NoOpposite
    return _any([_of_keyword(key, value) for key, value in keywords.items()])


def _any(cases: list[Any]) -> Any:
    cases = [case for case in cases if case is not False]
    if not cases:
        return False
    return cases[0] if len(cases) == 1 else {"anyOf": cases}


def _of_keyword(key: str, value: Any) -> Any:
    if key not in _OPPOSITES:
        raise _NoOpposite
    return _OPPOSITES[key](value)


def _other_types(value: Any) -> Any:
    types = [value] if isinstance(value, str) else value
    if "integer" in types and "number" not in types:
        raise _NoOpposite  # a number that is not whole
    rest = [name for name in _TYPES if name not in types]
    return {"type": rest} if rest else False


def _other_values(values: list[Any]) -> Any:
    if not all(value is None or isinstance(value, (str, bool, int, float)) for value in values):
        raise _NoOpposite
    texts = [value for value in values if isinstance(value, str)]
    flags = [value for value in values if isinstance(value, bool)]
    numbers = sorted({value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)})
    touched = ["string"] * bool(texts) + ["boolean"] * bool(flags) + ["null"] * (None in values)
    cases: list[Any] = [_other_types([*touched, *["number"] * bool(numbers)])]
    if texts:
        cases.append({"type": "string", "pattern": f"^(?:{_other_texts(texts)})$"})
    if flags:
        cases += [{"const": flag} for flag in (True, False) if flag not in flags]
    for low, high in zip([None, *numbers], [*numbers, None], strict=True) if numbers else ():
        bounds = {"exclusiveMinimum": low, "exclusiveMaximum": high}
        cases.append({"type": "number", **{key: bound for key, bound in bounds.items() if bound is not None}})
    return _any(cases)


def _other_texts(texts: list[str]) -> str:
    """A regular expression for all texts but these: those that end early, turn off, or go on."""
    prefixes = sorted({text[:length] for text in texts for length in range(len(text) + 1)})
    cases: list[str] = []
    for prefix in prefixes:
        if prefix not in texts:
            cases.append(_exactly(prefix))
        following = sorted({text[len(prefix)] for text in texts if text.startswith(prefix) and text != prefix})
        other = f"[^{''.join(_exactly(one) for one in following)}]" if following else r"[\s\S]"
        cases.append(f"{_exactly(prefix)}{other}[\\s\\S]*")
    return "|".join(cases)


def _exactly(text: str) -> str:
    return "".join(one if re.match(r"\w", one) else f"\\x{{{ord(one):x}}}" for one in text)


def _of_each(value: Any, make: Callable[[str, Any], Any]) -> Any:
    if not isinstance(value, dict):
        raise _NoOpposite
    return _any([make(name, part) for name, part in value.items()])


def _wrong_property(name: str, part: Any) -> Any:
    wrong = opposite(part)
    return False if wrong is False else {"type": "object", "properties": {name: wrong}, "required": [name]}


def _below(kind: str, keyword: str, least: int) -> Any:
    return {"type": kind, keyword: least - 1} if least > 0 else False


_OPPOSITES: dict[str, Callable[[Any], Any]] = {
    "type": _other_types,
    "const": lambda value: _other_values([value]),
    "enum": _other_values,
    "required": lambda names: _any([{"type": "object", "properties": {name: False}} for name in names]),
    "properties": lambda value: _of_each(value, _wrong_property),
    "minimum": lambda bound: {"type": "number", "exclusiveMaximum": bound},
    "maximum": lambda bound: {"type": "number", "exclusiveMinimum": bound},
    "exclusiveMinimum": lambda bound: {"type": "number", "maximum": bound},
    "exclusiveMaximum": lambda bound: {"type": "number", "minimum": bound},
    "minLength": lambda least: _below("string", "maxLength", least),
    "maxLength": lambda most: {"type": "string", "minLength": most + 1},
    "minItems": lambda least: _below("array", "maxItems", least),
    "maxItems": lambda most: {"type": "array", "minItems": most + 1},
    "minProperties": lambda least: _below("object", "maxProperties", least),
    "maxProperties": lambda most: {"type": "object", "minProperties": most + 1},
    "not": lambda inner: inner,
    "allOf": lambda cases: _any([opposite(case) for case in cases]),
    "anyOf": lambda cases: {"allOf": [opposite(case) for case in cases]},
}
