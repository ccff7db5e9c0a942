"""What answers are as columns: one of text, or under a schema as many as it has fields, each of its type.

A column's kind is read from the schema, never from the answers: the same map over other rows, or over another partition
of a Dask collection, has the same columns of the same types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_localllm.batch.kind import Kind, plain
from jupyter_localllm.types import Result

if TYPE_CHECKING:
    from jupyter_localllm.constrain.typed import Typed

__all__ = ["ANSWER", "TEXT", "Column", "Shape"]

ANSWER = "answer"
"""What the answers are called."""


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

    def arranged(self) -> list[Any]:
        """The plain values as a column of this kind holds them.

        Raises
        ------
        ValueError, OverflowError
            There is one that it does not hold.
        """
        return [self.kind.arranged(value) for value in self.plain()]


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
            parts = (typed.schema or {}).get("properties", {})
            kinds = {name: _kind(annotation, parts.get(name)) for name, annotation in typed.columns.items()}
            return cls(kinds, False, True, typed.row)
        text = typed.schema is None
        return cls({ANSWER: Kind("text") if text else _kind(typed.given, typed.schema)}, True, True)

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


def _kind(given: Any, schema: Any) -> Kind:
    """Of a type that has none, its schema's: a text of a certain format is a text."""
    kind = Kind.of(given)
    return kind if kind.name != "object" or schema is None else Kind.of(schema)
