"""What an answer may look like: JSON Schema, regular expression, choices, grammar, numbers, each a `Constraint`.

`Choices` and `Numbers` are plain Python. The others use llguidance (the extra ``constrain``), imported at `start`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_localllm.constrain.convert import as_constraint
    from jupyter_localllm.constrain.grammar import Grammar, Regex
    from jupyter_localllm.constrain.listed import Choices, Numbers
    from jupyter_localllm.constrain.schema import JsonSchema
    from jupyter_localllm.constrain.typed import Typed

__all__ = ["Choices", "Grammar", "JsonSchema", "Numbers", "Regex", "Typed", "as_constraint"]

_HOMES = {
    "Choices": "listed",
    "Grammar": "grammar",
    "JsonSchema": "schema",
    "Numbers": "listed",
    "Regex": "grammar",
    "Typed": "typed",
    "as_constraint": "convert",
}


def __getattr__(name: str) -> Any:
    # Lazily (PEP 562): `%load_ext` imports the room without paying for what it does not use yet.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
