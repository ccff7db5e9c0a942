"""Containers: dict, list, tuple, set, dataclass, pydantic and attrs objects, and arrays of numpy and its relatives.

They are written as JSON (RFC 8259) as far as JSON reaches: keys that are not strings stay bare (``{1: "a"}``), a set is
a sorted list, ``NaN`` is ``NaN``, and a table inside of a dict stands on lines of its own. Short structures stand on
one line; longer ones break where a person would break them. Everything is written; what is too large or too deep is an
error. An object that contains itself is written once, and then by its place: ``<the same object as $.parent>``.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
from collections import deque
from collections.abc import Callable, ItemsView, KeysView, Mapping, Set, Sized, ValuesView
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.arrays import cells_of, is_array, plain_values
from jupyter_localllm.sources.base import MAX_CELLS, Rendered, check_cells, render_for_prompt
from jupyter_localllm.sources.scalar import json_text, quoted

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = [
    "MAX_DEPTH",
    "SEQUENCES",
    "StructureKind",
    "field_values",
    "inline_text",
    "is_named",
]

MAX_DEPTH = 64
"""Levels of nesting that are followed."""

_WIDTH = 100  # characters of a line that is not broken
_LINE_START = re.compile(r"^(?=.)", re.MULTILINE)
SEQUENCES = (list, tuple, deque, range, KeysView, ValuesView, ItemsView)
"""Containers that are read in their own order."""


class StructureKind:
    """Values made of values."""

    name = "structure"

    def matches(self, value: Any) -> bool:
        """Whether the value is a container that can be read more than once."""
        return _is_record(value) or isinstance(value, (Mapping, Set, *SEQUENCES)) or is_array(value)

    def render(self, value: Any, name: str) -> Rendered:
        """Write the whole structure."""
        note = _size(value)
        if isinstance(value, Sized) and not is_array(value):
            check_cells(len(value), note, name)
        text = _Writer(name, _WIDTH).write(value)
        return Rendered(text, note, "\n" in text)

    def snapshot(self, value: Any, name: str) -> Snapshot:
        """Copy the structure; arrays of numpy are copied as tables or as arrays."""
        from jupyter_localllm.sources.array_table import array_table
        from jupyter_localllm.sources.passages_array import hold_array
        from jupyter_localllm.sources.passages_values import hold_structure

        if not is_array(value):
            return hold_structure(value, name, _size(value))
        return array_table(value, name) or hold_array(value, name)


def inline_text(value: Any) -> str:
    """Write a nested value on one line, for the cell of a table.

    Raises
    ------
    SourceError
        It is too large, too deep, or holds something that has no text.
    """
    return _Writer("", math.inf).write(value)


class _Writer:
    """Writes one structure; counts what it writes and knows where it is."""

    def __init__(self, name: str, width: float) -> None:
        self.name = name
        self.width = width
        self.count = 0
        self.open: dict[int, str] = {}  # objects that are being written, and their places

    def write(self, value: Any, place: str = "$") -> str:
        self.count += 1
        if self.count > MAX_CELLS:
            check_cells(self.count, f"more than {MAX_CELLS:,} values in all of its levels", self.name)
        scalar = json_text(value)
        if scalar is not None:
            return scalar
        if id(value) in self.open:
            return quoted(f"<the same object as {self.open[id(value)]}>")
        if len(self.open) >= MAX_DEPTH:
            raise SourceError(
                f"{self.name or 'The value'} is nested deeper than {MAX_DEPTH} levels, at {_shorten(place)}.",
                "Put the level that matters into the prompt by its own name.",
            )
        self.open[id(value)] = place
        try:
            return self._container(value, place)
        finally:
            del self.open[id(value)]

    def _container(self, value: Any, place: str) -> str:
        if is_array(value):
            return self._array(value, place)
        fields = _fields(value)
        if fields is not None:
            return self._mapping(fields, place)
        if isinstance(value, Set) and not isinstance(value, SEQUENCES):
            return self._list(_sorted(value), place)
        if isinstance(value, SEQUENCES):
            if len(value) > MAX_CELLS:  # before a range becomes a list
                check_cells(len(value), f"{len(value):,} values", self.name)
            return self._list(list(value), place)
        return self._leaf(value)

    def _mapping(self, fields: list[tuple[Any, Any]], place: str) -> str:
        entries = [f"{self._key(key)}: {self.write(child, f'{place}.{key}')}" for key, child in fields]
        return self._lay_out("{", entries, "}", fill=False)

    def _key(self, key: Any) -> str:
        return json_text(key) or inline_text(key)

    def _list(self, values: list[Any], place: str) -> str:
        entries = [self.write(child, f"{place}[{index}]") for index, child in enumerate(values)]
        flat = all(entry[:1] not in "{[" for entry in entries)
        return self._lay_out("[", entries, "]", fill=flat)

    def _array(self, value: Any, place: str) -> str:
        check_cells(cells_of(value), _size(value), self.name)
        return self.write(plain_values(value), place)

    def _leaf(self, value: Any) -> str:
        rendered = render_for_prompt(value)
        # A block ends with a line break here, which tells `_lay_out` that a comma would spoil its last line.
        return rendered.text + "\n" if rendered.block else quoted(rendered.text)

    def _lay_out(self, first: str, entries: list[str], last: str, *, fill: bool) -> str:
        """Put entries on one line if they fit, else on lines of their own; short ones share lines."""
        length = sum(map(len, entries)) + 2 * len(entries)
        broken = any("\n" in entry for entry in entries)
        if length <= self.width and not broken:
            return first + ", ".join(entries) + last
        lines = _filled(entries) if fill and not broken else [_ended(entry) for entry in entries]
        lines[-1] = lines[-1].removesuffix(",")
        body = _LINE_START.sub("  ", "\n".join(lines))
        return f"{first}\n{body}\n{last}"


def _ended(entry: str) -> str:
    return entry.rstrip("\n") if entry.endswith("\n") else entry + ","


def _filled(entries: list[str]) -> list[str]:
    lines = [""]
    for entry in entries:
        if lines[-1] and len(lines[-1]) + len(entry) + 2 > _WIDTH:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + entry + ","
    return lines


def _fields(value: Any) -> list[tuple[Any, Any]] | None:
    """Pairs of a mapping or a record, in their own order; ``None`` for anything else."""
    if isinstance(value, Mapping):
        return list(value.items())
    if not _is_record(value):
        return None
    if isinstance(value, types.SimpleNamespace):
        return list(vars(value).items())
    if isinstance(value, tuple):
        return list(zip(value._fields, value, strict=True))  # type: ignore[attr-defined]
    return [(name, getattr(value, name)) for name in _field_names(type(value), value)]


def _field_names(kind: type, value: Any) -> list[str]:
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind) if field.repr]
    if hasattr(kind, "__attrs_attrs__"):
        return [field.name for field in kind.__attrs_attrs__ if field.repr]
    return [*kind.model_fields, *(getattr(value, "model_extra", None) or ())]  # type: ignore[attr-defined]


def field_values(value: Any) -> list[tuple[Any, Callable[[], Any]]]:
    """Keys of a mapping or a record, each with what reads its value; reading a field may raise."""
    if isinstance(value, Mapping):
        return [(key, partial(_same, child)) for key, child in value.items()]
    if isinstance(value, (tuple, types.SimpleNamespace)):
        return [(key, partial(_same, child)) for key, child in _fields(value) or ()]
    return [(key, partial(getattr, value, key)) for key in _field_names(type(value), value)]


def _same(value: Any) -> Any:
    return value


def _is_record(value: Any) -> bool:
    """Whether the value is an object of named fields which has no better text of its own."""
    if isinstance(value, (tuple, types.SimpleNamespace)):
        return is_named(value)
    return is_named(value) and not _says_its_text(type(value))


def is_named(value: Any) -> bool:
    """Whether the value is an object of named fields: dataclass, attrs, pydantic, named tuple, namespace."""
    kind = type(value)
    if isinstance(value, type):
        return False
    if isinstance(value, tuple):
        return isinstance(getattr(kind, "_fields", None), tuple)
    if isinstance(value, types.SimpleNamespace):
        return True
    if hasattr(kind, "model_fields") and hasattr(kind, "model_dump"):  # pydantic
        return True
    return dataclasses.is_dataclass(kind) or hasattr(kind, "__attrs_attrs__")


def _says_its_text(kind: type) -> bool:
    """Whether a person wrote ``__str__`` for this class: then that is how its objects read."""
    owner = next(c for c in kind.__mro__ if "__str__" in vars(c))
    return owner.__module__.partition(".")[0] not in ("builtins", "pydantic")


def _sorted(values: Set[Any]) -> list[Any]:
    """Order a set the same way in every process: by value where values have an order, else by text."""
    items = list(values)
    numbers = all(isinstance(item, (int, float)) and item == item for item in items)  # noqa: PLR0124 - not a NaN
    if numbers or all(isinstance(item, str) for item in items):
        return sorted(items)
    return sorted(items, key=lambda item: (type(item).__name__, inline_text(item)))


def _size(value: Any) -> str:
    if is_array(value):
        shape = [f"{int(n):,}" for n in value.shape]
        return f"{shape[0]} values" if len(shape) == 1 else f"{' x '.join(shape)} array".strip()
    record = _is_record(value)
    count = len(field_values(value) if record else value)
    word = "field" if record else "key" if isinstance(value, Mapping) else "item"
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _shorten(place: str) -> str:
    return place if len(place) <= 60 else place[:40] + " ..."
