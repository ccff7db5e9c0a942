"""The type of a column of answers, whatever library makes it: read from the schema, never from the answers."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import typing
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Kind", "plain"]

Name = Literal[
    "text", "whole", "number", "truth", "date", "moment", "time", "duration", "decimal", "uuid", "bytes",
    "category", "list", "record", "object",
]  # fmt: skip

_KINDS: dict[Any, Name] = {
    **{str: "text", int: "whole", float: "number", bool: "truth", bytes: "bytes"},
    **{datetime.date: "date", datetime.datetime: "moment", datetime.time: "time", datetime.timedelta: "duration"},
    **{decimal.Decimal: "decimal", uuid.UUID: "uuid"},
    **{"string": "text", "integer": "whole", "number": "number", "boolean": "truth"},
}


@dataclass(frozen=True)
class Kind:
    """The type of a column.

    Parameters
    ----------
    name : str
    levels : tuple
        Of a category: its values, in the order of the schema.
    parts : tuple of (str, Kind)
        Of a record its fields; of a list one, without a name: its items.
    """

    name: Name = "text"
    levels: tuple[Any, ...] = ()
    parts: tuple[tuple[str, Kind], ...] = ()

    @classmethod
    def of(cls, annotation: Any, within: tuple[Any, ...] = ()) -> Kind:
        """The kind of a type, or of a part of a JSON schema; ``object`` if no column type holds all its values.

        Parameters
        ----------
        annotation : object
        within : tuple, optional
            The records that this is a part of: one that contains itself has no end.

        Examples
        --------
        >>> Kind.of(Literal["low", "high"]), Kind.of(int | None).name, Kind.of(dict[str, int]).name
        (Kind(name='category', levels=('low', 'high'), parts=()), 'whole', 'object')
        """
        from jupyter_localllm.constrain.forms import value_type  # not before there is a schema
        from jupyter_localllm.constrain.records import fields_of
        from jupyter_localllm.constrain.typed import levels

        found = levels(annotation)
        if found:
            return _of_levels(found)
        annotation = value_type(annotation)
        if isinstance(annotation, Mapping):
            return _of_schema(annotation)
        fields = fields_of(annotation)
        if fields is not None:
            if annotation in within or _is_open(annotation):
                return cls("object")
            inside = (*within, annotation)
            return _record((one.name, Kind.of(one.annotation, inside)) for one in fields)
        if (item := _item(annotation)) is not None:
            return _list(Kind.of(item, within))
        known = annotation.__hash__ is not None
        return cls(_KINDS.get(annotation, "object")) if known else cls("object")

    def arranged(self, value: Any) -> Any:
        """A plain value as a column of this kind holds it: records with all their fields, numbers as floats.

        Raises
        ------
        ValueError, OverflowError
            No column of this kind holds it.
        """
        if value is None:
            return None
        if self.name == "list":
            return [self.parts[0][1].arranged(item) for item in value]
        if self.name == "record":
            return {name: kind.arranged(value.get(name)) for name, kind in self.parts}
        if self.name == "uuid":
            return str(value)
        if self.name == "number" and float(value) != value:
            raise ValueError(f"{value} is no number of 64 bits")
        return float(value) if self.name == "number" else value


def _of_levels(found: tuple[Any, ...]) -> Kind:
    """Of a few values: a category of texts, or the type that all of them have."""
    values = tuple(dict.fromkeys(plain(level) for level in found if level is not None))
    if all(isinstance(value, str) for value in values):
        return Kind("category", values)
    types = {type(value) for value in values}
    return Kind(_KINDS.get(types.pop(), "object")) if len(types) == 1 else Kind("object")


def _of_schema(schema: Mapping[str, Any]) -> Kind:
    kind: Any = schema.get("type")
    if isinstance(kind, (list, tuple)):
        rest = [one for one in kind if one != "null"]
        kind = rest[0] if len(rest) == 1 else None
    if kind == "array" and isinstance(schema.get("items"), Mapping) and "prefixItems" not in schema:
        return _list(Kind.of(schema["items"]))
    # Only where no other properties may come: what a column has no place for would be lost.
    if kind == "object" and schema.get("additionalProperties") is False and "patternProperties" not in schema:
        return _record((str(name), Kind.of(part)) for name, part in schema.get("properties", {}).items())
    return Kind(_KINDS.get(kind, "object")) if isinstance(kind, str) else Kind("object")


def _list(item: Kind) -> Kind:
    return Kind("object") if item.name == "object" else Kind("list", parts=(("", item),))


def _record(parts: typing.Iterable[tuple[str, Kind]]) -> Kind:
    known = tuple(parts)
    closed = known and all(kind.name != "object" for _, kind in known)
    return Kind("record", parts=known) if closed else Kind("object")


def _item(annotation: Any) -> Any:
    """The type of the items of a list of one type; None if it is no such list."""
    from jupyter_localllm.constrain.plain import LISTS, SETS

    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return arguments[0]
    return arguments[0] if origin in (*LISTS, *SETS) and len(arguments) == 1 else None


def _is_open(record: Any) -> bool:
    """Whether a pydantic model takes fields that it does not name."""
    config = getattr(record, "model_config", None)
    return isinstance(config, dict) and config.get("extra") == "allow"


def plain(value: Any) -> Any:
    """A value without classes of its own.

    Examples
    --------
    >>> class Colour(enum.Enum):
    ...     RED = "red"
    >>> plain([Colour.RED, {1, 2}])
    ['red', [1, 2]]
    """
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "_asdict"):
        return [plain(one) for one in value]
    fields = _fields(value)
    return value if fields is None else {str(name): plain(one) for name, one in fields.items()}


def _fields(value: Any) -> Mapping[Any, Any] | None:
    """The fields of a record of any kind; None for what is none."""
    if isinstance(value, Mapping):
        return value
    if hasattr(value, "_asdict"):
        named: Mapping[Any, Any] = value._asdict()
        return named
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    kind: Any = type(value)
    known: Any = getattr(kind, "model_fields", None) or getattr(kind, "__attrs_attrs__", ())
    names = [one if isinstance(one, str) else one.name for one in known]
    more = getattr(value, "model_extra", None) or {}  # of a pydantic model that takes any
    return {**{name: getattr(value, name) for name in names}, **more} or None
