"""What a model is told of a form in words: what the form says of its parts, or all of it where nothing holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jupyter_localllm.constrain.forms import unescaped
from jupyter_localllm.constrain.grammar import Grammar, Regex
from jupyter_localllm.constrain.listed import Choices, Numbers

if TYPE_CHECKING:
    from jupyter_localllm.constrain.typed import Typed

__all__ = ["told"]


def told(form: Typed, *, held: bool) -> str:
    """A paragraph for the system message; empty if there is nothing to tell.

    Parameters
    ----------
    form : Typed
    held : bool
        Whether the engine holds answers to the form. Then only the descriptions are told.

    Examples
    --------
    >>> from jupyter_localllm.constrain.typed import typed
    >>> print(told(typed({"properties": {"fat": {"type": "number", "description": "grams"}}}), held=True))
    About the parts of the answer:
    - fat: grams
    >>> told(typed(["yes", "no"]), held=False)
    'Answer with one of these and nothing else: "no", "yes".'
    """
    if not held:
        return _whole(form)
    lines = [f"- {path or 'the answer'}: {words}" for path, words in _descriptions(form.schema or {})]
    return "\n".join(["About the parts of the answer:", *lines]) if lines else ""


def _whole(form: Typed) -> str:
    constraint = form.constraint
    if isinstance(constraint, (Choices, Numbers)):
        options = constraint.options if isinstance(constraint, Choices) else constraint.allowed
        listed = ", ".join(json.dumps(option, ensure_ascii=False) for option in options)
        return f"Answer with one of these and nothing else: {listed}."
    if form.schema is not None:
        schema = json.dumps(form.schema, ensure_ascii=False)
        return f"Answer with JSON of this JSON schema and nothing else:\n{schema}"
    if isinstance(constraint, Regex):
        return f"Answer with a text that matches this regular expression and nothing else: {constraint.pattern}"
    if isinstance(constraint, Grammar):
        return f"Answer with a text of this grammar and nothing else:\n{constraint.text}"
    return ""


def _descriptions(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each part that says something of itself, by its way from the root; each definition once."""
    seen: set[str] = set()
    waiting: list[tuple[str, Any]] = [("", schema)]
    while waiting:
        path, part = waiting.pop(0)
        if not isinstance(part, dict):
            continue
        if isinstance(words := part.get("description"), str) and words.strip():
            yield path, " ".join(words.split())
        target = part.get("$ref")
        if isinstance(target, str) and target.startswith("#/$defs/") and target not in seen:
            seen.add(target)
            found = schema.get("$defs", {}).get(unescaped(target.removeprefix("#/$defs/")))
            # what the reference says of itself stands before what it refers to
            waiting.insert(0, (path, {**found, "description": ""} if words and isinstance(found, dict) else found))
        inner = [(f"{path}.{name}".lstrip("."), one) for name, one in (part.get("properties") or {}).items()]
        inner += [(f"{path}[{number}]", one) for number, one in enumerate(part.get("prefixItems") or ())]
        inner += [(f"{path}[]", part.get("items"))]
        others = [part.get("additionalProperties"), *(part.get("patternProperties") or {}).values()]
        inner += [(f"{path}.*".lstrip("."), one) for one in others]
        inner += [(path, one) for key in ("anyOf", "oneOf", "allOf") for one in part.get(key, ())]
        waiting.extend(inner)
