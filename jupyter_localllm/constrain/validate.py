"""Whether a finished text or JSON value is what was asked for: for engines that hold answers to nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any

from jupyter_localllm.constrain.forms import inner_place
from jupyter_localllm.constrain.kept import Kept
from jupyter_localllm.constrain.schema import JsonSchema
from jupyter_localllm.engine.constraint import Constraint, Vocabulary
from jupyter_localllm.errors import DependencyMissing, UsageError

__all__ = ["BYTES", "Validator", "fits", "validator"]

_END = 256
BYTES = Vocabulary("bytes", (*(bytes([byte]) for byte in range(_END)), b"<end>"), frozenset({_END}), frozenset({_END}))
"""A vocabulary of single bytes: a constraint can be tried on it without a model."""


def fits(constraint: Constraint, text: str) -> bool:
    """Whether a whole text is what a constraint allows; in time linear in its length, whatever the pattern.

    Raises
    ------
    UsageError
        The constraint turns out to be too complex to be held.

    Examples
    --------
    >>> from jupyter_localllm.constrain import Choices
    >>> fits(Choices(["yes", "no"]), "yes"), fits(Choices(["yes", "no"]), "ye")
    (True, False)
    """
    import numpy as np

    matcher = constraint.start(BYTES)
    for byte in (*text.encode("utf-8", "surrogatepass"), _END):
        if not matcher.allows(byte):
            matcher.restrict(np.zeros(_END + 1, dtype=np.float32))  # which tells a limit from a wrong byte
            if trouble := getattr(matcher, "trouble", ""):
                raise UsageError(
                    f"this form is too complex to be held: {trouble}",
                    "Write it in a simpler way: repetitions within repetitions are what costs most.",
                )
            return False
        matcher.advance(byte)
    return True


def validator(schema: Mapping[str, Any]) -> Validator:
    """The validator of a schema, made once."""
    text = json.dumps(schema, sort_keys=True)
    return _validators.get(text, lambda: Validator(schema))


class Validator:
    """Tells what is wrong with a JSON value under a JSON Schema, by the package jsonschema.

    Nothing is fetched for a reference, and patterns are matched in linear time.

    Parameters
    ----------
    schema : Mapping
        Draft 2020-12.

    Raises
    ------
    DependencyMissing
        jsonschema is not installed.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        who = "Checking answers against a JSON schema needs jsonschema"
        with DependencyMissing.unless_imported(who, 'pip install "jupyter_localllm[constrain]"'):
            import jsonschema
            from jsonschema.validators import extend
            from referencing import Registry
        plain = jsonschema.Draft202012Validator
        mine: Any = extend(
            plain,
            {
                "multipleOf": _multiple_of,
                "pattern": _pattern,
                "patternProperties": _pattern_properties,
                "additionalProperties": _additional,
            },
        )
        self._validator = mine(dict(schema), registry=Registry(), format_checker=plain.FORMAT_CHECKER)

    def problems(self, value: Any, place: str = "#") -> Iterator[tuple[str, str]]:
        """Each problem with its place, a JSON pointer that begins with `place`."""
        for error in self._validator.iter_errors(value):
            at = place
            for part in error.absolute_path:
                at = inner_place(at, part)
            words = str(error.message)
            yield at, words if len(words) <= 300 else f"{words[:200]} … {words[-80:]}"


_validators: Kept[Validator] = Kept(size=32)


def _found(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; Python's `re` may take for ever where this is linear."""
    return fits(JsonSchema({"type": "string", "pattern": pattern}), json.dumps(text, ensure_ascii=False))


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _multiple_of(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """In decimal numbers, as they are written: 19.99 is a multiple of 0.01, though not in binary ones."""
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, bool) or not isinstance(instance, (int, float)):
        return
    with localcontext() as context:
        context.prec = 700
        whole = math.isfinite(instance) and Decimal(str(instance)) % Decimal(str(step)) == 0
    if not whole:
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, part in patterns.items():
            for name, value in instance.items():
                if _found(pattern, name):
                    yield from validator.descend(value, part, path=name, schema_path=pattern)


def _additional(validator: Any, rest: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if not isinstance(instance, dict):
        return
    for name in _unnamed(instance, schema):
        if rest is False:
            yield ValidationError(f"{name!r} is no property of it")
        else:
            yield from validator.descend(instance[name], rest, path=name)


def _unnamed(names: Iterable[str], schema: Mapping[str, Any]) -> Iterator[str]:
    patterns = schema.get("patternProperties", {})
    for name in names:
        if name not in schema.get("properties", {}) and not any(_found(pattern, name) for pattern in patterns):
            yield name
