"""From what a person gives as `schema=` to a constraint."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jupyter_localllm.constrain.grammar import Regex
from jupyter_localllm.constrain.listed import Choices
from jupyter_localllm.constrain.schema import JsonSchema
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.errors import UsageError

__all__ = ["as_constraint"]

_FLAGS = {re.IGNORECASE: "i", re.DOTALL: "s", re.MULTILINE: "m"}


def as_constraint(schema: Any) -> Constraint:
    """What an answer must look like, from a plain Python value.

    Parameters
    ----------
    schema : object
        A dict, or a text that is a JSON object: a JSON schema. A list, tuple or set of texts: one of them. A compiled
        regular expression: the whole answer matches it. A constraint stays as it is.

    Returns
    -------
    Constraint
        The same one for equal values.

    Raises
    ------
    UsageError
        It is none of these, or wrong in itself.

    Examples
    --------
    >>> as_constraint({"type": "boolean"})
    JsonSchema(text='{"type":"boolean"}')
    >>> as_constraint(["no", "yes"])
    Choices(options=('no', 'yes'))
    >>> import re
    >>> as_constraint(re.compile("[a-z]+", re.IGNORECASE))
    Regex(pattern='(?i)[a-z]+')
    """
    if isinstance(schema, Constraint) and not isinstance(schema, type):
        return schema
    if isinstance(schema, Mapping):
        return JsonSchema(schema)
    if isinstance(schema, str):
        return JsonSchema(_parsed(schema))
    if isinstance(schema, (list, tuple, set, frozenset)):
        return Choices(schema)
    if isinstance(schema, re.Pattern):
        return _from_python(schema)
    raise UsageError(f"A schema cannot be {_name(schema)}.", _ACCEPTED)


_ACCEPTED = (
    "Give a JSON schema (a dict, or its JSON text), a list of texts to choose from, a compiled regular expression "
    "(re.compile), or one of JsonSchema, Choices, Numbers, Regex, Grammar."
)


def _name(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"A schema that is a text must be JSON, and this is not: {error}", _ACCEPTED) from None
    if not isinstance(schema, dict):
        raise UsageError("A schema that is a text must be a JSON object.", _ACCEPTED)
    return schema


def _from_python(pattern: re.Pattern[Any]) -> Regex:
    return Regex(rust_pattern(pattern))


def rust_pattern(pattern: re.Pattern[Any]) -> str:
    """A compiled expression of Python's in Rust's syntax.

    Raises
    ------
    UsageError
        It is for bytes, has flags that are not possible, or means something else in Rust's syntax.
    """
    if not isinstance(pattern.pattern, str):
        raise UsageError("This regular expression is for bytes.", "Compile one for str.")
    flags = re.RegexFlag(pattern.flags) & ~re.UNICODE
    inline = "".join(letter for flag, letter in _FLAGS.items() if flags & flag)
    for flag in _FLAGS:
        flags &= ~flag
    # The pattern's own "(?i)" at its beginning is in the flags as well; twice does no harm.
    if flags:
        raise UsageError(
            f"The flags {flags!r} are not possible in a schema.", "Only IGNORECASE, DOTALL and MULTILINE are."
        )
    text = _in_rust(pattern.pattern)
    return f"(?{inline}){text}" if inline else text


# What stands in a set. Rust's \w has combining marks as well; \d is narrower than Python's, as nobody asks a model for
# the digits of another script.
_CLASSES = {"w": r"\p{L}\p{N}_", "W": r"^\p{L}\p{N}_", "d": "0-9", "D": r"^\p{Nd}"}


def _in_rust(pattern: str) -> str:
    """A Python expression in Rust's syntax.

    Sets within sets and their operators (``[a[b]]``, ``&&``, ``--``, ``~~``) are plain characters in Python, and
    possessive quantifiers (``a*+``) are repetitions of repetitions in Rust: these are refused.
    """
    pieces: list[str] = []
    in_set = False
    for token in re.finditer(r"\\.|\[\^?\]?|&&|--|~~|[*+?}]\+|.", pattern, re.DOTALL):
        text = token[0]
        if text[0] == "\\":
            inner = _CLASSES.get(text[1], "")
            pieces.append(inner if text[1] in "wd" and in_set else f"[{inner}]" if inner else text)
            continue
        differs = text[0] == "[" or text in ("&&", "--", "~~") if in_set else len(text) == 2 and text[0] in "*+?}"
        if differs:
            raise UsageError(
                f"{text} in {pattern!r} means something else to the engine than to Python.",
                "Put a backslash before each of its characters that is meant as itself.",
            )
        in_set = text != "]" if in_set else text[0] == "["
        pieces.append(text)
    return "".join(pieces)
