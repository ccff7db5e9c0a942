"""What answers are as columns: one of text, or under a schema as many as it has fields, each of its type.

A column's kind is read from the schema, never from the answers: the same map over other rows, or over another partition
of a Dask collection, has the same columns of the same types.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jupyter_localllm.types import Result

if TYPE_CHECKING:
    from jupyter_localllm.constrain.typed import Typed

__all__ = ["ANSWER", "TEXT", "Column", "Kind", "Shape", "plain"]

ANSWER = "answer"
"""What the answers are called."""

Name = Literal["text", "whole", "number", "truth", "date", "moment", "category", "object"]

_KINDS: dict[Any, Name] = {
    **{str: "text", int: "whole", float: "number", bool: "truth"},
    **{datetime.date: "date", datetime.datetime: "moment"},
    **{"string": "text", "integer": "whole", "number": "number", "boolean": "truth"},
}


@dataclass(frozen=True)
class Kind:
    """The type of a column, whatever library makes it.

    Parameters
    ----------
    name : str
    levels : tuple
        Of a category: its values, in the order of the schema.
    """

    name: Name = "text"
    levels: tuple[Any, ...] = ()

    @classmethod
    def of(cls, annotation: Any) -> Kind:
        """The kind of a type, or of a part of a JSON schema; nothing more special than ``object`` if it has no other.

        Examples
        --------
        >>> Kind.of(Literal["low", "high"]), Kind.of(int | None).name, Kind.of(list[str]).name
        (Kind(name='category', levels=('low', 'high')), 'whole', 'object')
        """
        from jupyter_localllm.constrain.forms import value_type  # not before there is a schema
        from jupyter_localllm.constrain.typed import levels

        found = levels(annotation)
        if found:
            values = tuple(dict.fromkeys(plain(level) for level in found if level is not None))
            return cls("category", values) if all(isinstance(value, str) for value in values) else cls("object")
        annotation = value_type(annotation)
        if isinstance(annotation, Mapping):
            annotation = annotation.get("type")
            if isinstance(annotation, list):
                rest = [one for one in annotation if one != "null"]
                annotation = rest[0] if len(rest) == 1 else None
        known = annotation.__hash__ is not None
        return cls(_KINDS.get(annotation, "object")) if known else cls("object")


@dataclass(frozen=True)
class Column:
    """A column to be made.

    Parameters
    ----------
    name : str
    kind : Kind
    values : sequence
        None where there is no answer.
    """

    name: str
    kind: Kind
    values: Sequence[Any]

    def plain(self) -> list[Any]:
        """The values without the schema's own classes: of an Enum its value, of a model or dataclass a dict."""
        return [plain(value) for value in self.values]


@dataclass(frozen=True)
class Shape:
    """What answers are.

    Parameters
    ----------
    kinds : Mapping of str to Kind
        The columns; of a single one, `ANSWER`.
    single : bool
        Whether an answer is one value, and so the answers one column.
    typed : bool
        Whether answers have values, and are not just texts.
    row : callable or None
        Gives the fields of a value by the names of the columns.
    """

    kinds: Mapping[str, Kind]
    single: bool = True
    typed: bool = False
    row: Callable[[Any], Mapping[str, Any]] | None = None

    @classmethod
    def of(cls, typed: Typed | None) -> Shape:
        """The shape of answers under a schema, or of free text."""
        if typed is None:
            return TEXT
        if typed.columns:
            kinds = {name: Kind.of(annotation) for name, annotation in typed.columns.items()}
            return cls(kinds, False, True, typed.row)
        text = typed.schema is None
        return cls({ANSWER: Kind("text") if text else _single(typed)}, True, True)

    def value(self, result: Result) -> Any:
        """The value of an answer: its text, or what it was read as."""
        return result.value if self.typed else result.text

    def columns(self, answers: Sequence[Any]) -> list[Column]:
        """The columns of all answers, None where there is none."""
        if self.row is None:
            ((name, kind),) = self.kinds.items()
            return [Column(name, kind, answers)]
        rows = [{} if answer is None else self.row(answer) for answer in answers]
        return [Column(name, kind, [row.get(name) for row in rows]) for name, kind in self.kinds.items()]


TEXT = Shape({ANSWER: Kind("text")})
"""Free text."""


def _single(typed: Typed) -> Kind:
    kind = Kind.of(typed.given)
    return kind if kind.name != "object" else Kind.of(typed.schema)


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
    return {name: getattr(value, name) for name in names} or None
