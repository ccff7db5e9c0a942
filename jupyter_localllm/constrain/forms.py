"""Python types as forms of an answer: the JSON Schema that holds it, and the way from JSON to the Python object."""

from __future__ import annotations

import enum
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.errors import UsageError

__all__ = [
    "Form",
    "Forms",
    "Unfit",
    "bare_type",
    "escaped",
    "inner_place",
    "json_name",
    "literal_form",
    "named_type",
    "plain_value",
    "unescaped",
    "value_type",
]


class Unfit(Exception):
    """A JSON value that a form does not take.

    Parameters
    ----------
    *problems : tuple of (str, str)
        Each a JSON pointer from the answer's root (``"#/price"``), and what is wrong there.
    """

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(*problems)
        self.problems = problems


@dataclass(frozen=True)
class Form:
    """What a type looks like as JSON.

    Parameters
    ----------
    schema : dict
        Its JSON Schema; references point into the ``$defs`` of the whole.
    read : callable
        From a JSON value and its place to the Python value; raises `Unfit` for what the schema does not allow.
    """

    schema: dict[str, Any]
    read: Callable[[Any, str], Any]


@dataclass
class Forms:
    """Forms in the making: what was met so far, so that types may contain themselves.

    Parameters
    ----------
    make : callable
        From an annotation and these `Forms` to a `Form`.
    definitions : dict of str to dict
        The named parts (``$defs``).
    """

    make: Callable[[Any, Forms], Form]
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    _names: dict[type, str] = field(default_factory=dict)
    _readers: dict[str, Callable[[Any, str], Any]] = field(default_factory=dict)

    def of(self, annotation: Any) -> Form:
        """The form of a part."""
        return self.make(annotation, self)

    def named(self, cls: type, make: Callable[[], Form]) -> Form:
        """The form of a class as a reference to its definition, which is made once."""
        name = self._names.get(cls)
        if name is None:
            name = self.free_name(cls.__name__)
            self._names[cls] = name
            self.definitions[name] = {}  # its place, while its fields are looked at
            form = make()
            self.definitions[name] = form.schema
            self._readers[name] = form.read

        def read(value: Any, place: str) -> Any:
            return self._readers[name](value, place)  # which is not made yet while a class looks at itself

        return Form({"$ref": f"#/$defs/{escaped(name)}"}, read)

    def free_name(self, wanted: str) -> str:
        """A name for a definition that no other has."""
        name, number = wanted, 1
        while name in self.definitions:
            number += 1
            name = f"{wanted}_{number}"
        return name


def inner_place(place: str, key: str | int) -> str:
    """The JSON pointer of a part."""
    return f"{place}/{escaped(str(key))}"


def escaped(key: str) -> str:
    """A name as it stands in a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def unescaped(part: str) -> str:
    """The name that a part of a JSON pointer stands for."""
    return part.replace("~1", "/").replace("~0", "~")


def named_type(annotation: Any) -> Any:
    """The type that a ``NewType`` or a ``type X = …`` of Python 3.12 stands for; any other as it is."""
    while True:
        if type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        else:
            return annotation


def bare_type(annotation: Any) -> Any:
    """A type without the names it goes by and the notes of ``Annotated``."""
    while typing.get_origin(annotation := named_type(annotation)) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation


def value_type(annotation: Any) -> Any:
    """The type of a value that is there: without names and notes, and without what allows None, in a type or a schema.

    Examples
    --------
    >>> value_type(typing.Annotated[int | None, "years"]), value_type({"anyOf": [{"type": "null"}, {"enum": [1]}]})
    (<class 'int'>, {'enum': [1]})
    """
    annotation = bare_type(annotation)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        rest = [one for one in typing.get_args(annotation) if one is not type(None)]
        return value_type(rest[0]) if len(rest) == 1 else annotation
    if isinstance(annotation, Mapping) and isinstance(cases := annotation.get("anyOf"), (list, tuple)):
        rest = [one for one in cases if one != {"type": "null"}]
        return value_type(rest[0]) if len(rest) == 1 and isinstance(rest[0], Mapping) else annotation
    return annotation


def json_name(value: Any) -> str:
    """What a JSON value is called in a sentence."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), type(value).__name__)


def literal_form(options: Mapping[Any, Any]) -> Form:
    """One of a few JSON values.

    Parameters
    ----------
    options : Mapping
        From each JSON value, as a pair of its type and itself (1 and true are equal in Python), to what it stands for.
    """
    values = [value for _, value in options]

    def read(value: Any, place: str) -> Any:
        found = options.get((type(value), value)) if isinstance(value, (str, int, float, type(None))) else None
        if found is None and (type(value), value) not in options:
            raise Unfit((place, f"{_short(value)} is none of {_listed(values)}"))
        return found

    return Form({"enum": values}, read)


def plain_value(value: Any, what: str) -> Any:
    """A value that an answer may be, as JSON has it: numpy's scalars become Python's.

    Raises
    ------
    UsageError
        JSON has no such value.
    """
    if isinstance(value, enum.Enum):
        value = value.value
    if not isinstance(value, (str, bool, int, float)) and callable(item := getattr(value, "item", None)):
        value = item()
    value = next((kind(value) for kind in (bool, str, int, float) if isinstance(value, kind)), value)
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{value} cannot be one of {what}: JSON has no such number.", "Leave missing values out.")
    if value is not None and not isinstance(value, (str, bool, int, float)):
        raise UsageError(
            f"{_short(value)} of type {type(value).__name__} cannot be one of {what}.",
            "Texts, numbers, True, False and None can; make texts of the others, and leave missing values out.",
        )
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]} … {text[-15:]}"


def _listed(values: list[Any]) -> str:
    shown = ", ".join(_short(value) for value in values[:10])
    return f"{shown} and {len(values) - 10:,} others" if len(values) > 10 else shown
