"""A schema that is named by a text: JSON, a file, or an expression over the notebook's variables."""

from __future__ import annotations

import datetime
import json
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_localllm.constrain.grammar import Grammar, Regex
from jupyter_localllm.constrain.listed import Choices, Numbers
from jupyter_localllm.constrain.schema import JsonSchema
from jupyter_localllm.errors import UsageError

__all__ = ["ACCEPTED", "resolved"]

ACCEPTED = (
    "Give a type (a pydantic model, dataclass, TypedDict, Enum, Literal[…], list[int] …), a JSON schema (a dict, its "
    "JSON text, or the path of a .json file), the path of a grammar (.gbnf, .lark), a list of choices, a compiled "
    "regular expression (re.compile), or one of JsonSchema, Choices, Numbers, Regex, Grammar."
)


def resolved(schema: Any, namespace: Mapping[str, Any] | None) -> Any:
    """What a text stands for: JSON, a file, or an expression over the namespace."""
    if isinstance(schema, Path):
        return _from_file(schema)
    if not isinstance(schema, str):
        return schema
    text = schema.strip()
    if text.startswith("{"):
        return _json_object(text, "A schema that is a text must be a JSON object")
    if "::=" in text:  # llama.cpp's GBNF; neither Python nor JSON has this outside of strings
        return Grammar(text)
    path = Path(text).expanduser()
    if text.lower().endswith((".json", ".gbnf", ".lark")) and path.is_file():
        return _from_file(path)
    if namespace is None:
        raise UsageError(f"There is no schema {text!r}: it is no JSON object and no file.", ACCEPTED)
    try:
        # The person's own cell. One dict: what stands inside a comprehension sees no locals of eval.
        return eval(text, {"__builtins__": __builtins__, **_KNOWN, **namespace})
    except Exception as error:
        raise UsageError(
            f"The schema {text!r} is no JSON, no file and no name of the notebook: {type(error).__name__}: {error}",
            ACCEPTED,
        ) from None


_KNOWN: dict[str, Any] = {
    **{name: getattr(typing, name) for name in ("Annotated", "Any", "Literal", "Optional", "Union")},
    **{"datetime": datetime, "date": datetime.date, "re": re},
    **{kind.__name__: kind for kind in (Choices, Grammar, JsonSchema, Numbers, Regex)},
}


def _from_file(path: Path) -> Mapping[str, Any] | Grammar:
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The schema in {path} cannot be read: {error}") from None
    if path.suffix.lower() in (".gbnf", ".lark"):
        return Grammar(text)
    return _json_object(text, f"The file {path} must be a JSON object")


def _json_object(text: str, must: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{must}, and this is not: {error}", ACCEPTED) from None
    if not isinstance(found, dict):
        raise UsageError(f"{must}, and this is {type(found).__name__}.", ACCEPTED)
    return found
