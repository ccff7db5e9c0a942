"""A copy of nested data that cannot change, made before the answer is written.

Containers become `Fields` and `Items`; numbers, dates and strings are kept as they are, since they cannot change. What
has no text that can be trusted leaves a `Gap`, and a word in the notes: the rest is not lost for it. For an object of a
foreign class only its ``repr`` would be left; that may take minutes, print a part, or name an address in memory, so it
is not called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.sources.ai_repr import AiReprKind
from jupyter_localllm.sources.arrays import array_values, is_array, is_number_array
from jupyter_localllm.sources.base import KINDS
from jupyter_localllm.sources.held import HeldValue
from jupyter_localllm.sources.nodes import Fields, Gap, Inner, Items, Node, Same, node_text
from jupyter_localllm.sources.objects import own_text
from jupyter_localllm.sources.pointers import parts_of_pointer, pointer_of
from jupyter_localllm.sources.scalar import json_text
from jupyter_localllm.sources.secrets import looks_secret, secret_notes
from jupyter_localllm.sources.structure import MAX_DEPTH, SEQUENCES, field_values, is_named
from jupyter_localllm.types import Note

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["MAX_VALUES", "Frozen", "freeze"]

MAX_VALUES = 1_000_000
"""Most values that are read of nested data."""

_PLAIN = frozenset({str, int, float, bool, type(None)})
_SHOWN = 5  # places that a note names


@dataclass(frozen=True)
class Frozen:
    """The copy of nested data.

    Parameters
    ----------
    root : Node
    notes : tuple of Note
        What people must be told about it.
    inner : tuple of Snapshot
        Tables and the like inside of it.
    """

    root: Node
    notes: tuple[Note, ...]
    inner: tuple[Snapshot, ...]


def freeze(value: Any, name: str) -> Frozen:
    """Copy nested data.

    Parameters
    ----------
    value : object
        A container, or what is in one.
    name : str
        How the person calls it. Under a name that looks like a secret everything is kept: the person asked for it.

    Returns
    -------
    Frozen
    """
    freezer = _Freezer(keep_secrets=looks_secret(name))
    node = freezer.node(value, "")
    return Frozen(node, freezer.notes(name), tuple(freezer.inner))


class _Freezer:
    def __init__(self, *, keep_secrets: bool) -> None:
        self.keep_secrets = keep_secrets
        self.left = MAX_VALUES + 1  # the whole is no value of its own
        self.full = False
        self.open: dict[int, str] = {}  # containers that are being read, and their places
        self.secrets: list[str] = []
        self.deep: list[str] = []
        self.gaps: list[str] = []
        self.inner: list[Snapshot] = []

    def node(self, value: Any, pointer: str) -> Node:
        if type(value) in _PLAIN:
            self.left -= 1
            return value
        try:
            return self._other(value, pointer)
        except LocalLLMError as error:
            return self._gap(pointer, error.message)
        except Exception as error:  # whatever a foreign object does while it is read
            return self._gap(pointer, f"{type(value).__name__} raises {type(error).__name__}")

    def _other(self, value: Any, pointer: str) -> Node:
        if id(value) in self.open:
            return Same(self.open[id(value)])
        self.left -= 1
        if isinstance(value, str) and not isinstance(value, Enum):
            return str.__str__(value)
        if json_text(value) is not None:
            return value
        container = None if AiReprKind().matches(value) else self._reader(value)
        if container is None:
            text = own_text(value)  # of a path its name: inside of data it does not stand for the file
            return self._held(value, pointer) if text is None else text
        return self._container(container, value, pointer)

    def _container(self, container: Callable[[Any, str], Node], value: Any, pointer: str) -> Node:
        if len(self.open) >= MAX_DEPTH:
            self.deep.append(pointer)
            return Gap()
        self.open[id(value)] = pointer
        try:
            return container(value, pointer)
        finally:
            del self.open[id(value)]

    def _held(self, value: Any, pointer: str) -> Node:
        """Hold a value by its own kind; one that is a single text is that text."""
        steps = parts_of_pointer(pointer) or ("the value",)
        snapshot = KINDS.snapshot(value, steps[-1])
        if isinstance(snapshot, HeldValue):
            return snapshot.shown
        self.inner.append(snapshot)
        return Inner(snapshot)

    def _reader(self, value: Any) -> Callable[[Any, str], Node] | None:
        if isinstance(value, Mapping) or is_named(value):
            return self._fields
        if isinstance(value, SEQUENCES):
            return self._items
        if isinstance(value, Set):
            return self._set
        if is_array(value) and len(value.shape) in (1, 2) and not is_number_array(value):
            return self._items
        return None

    def _fields(self, value: Any, pointer: str) -> Node:
        names: list[str] = []
        values: list[Node] = []
        taken: set[str] = set()
        for key, read in field_values(value):
            if self._is_full():
                break
            name = self._key(key, taken, pointer)
            if name is None:
                continue
            taken.add(name)
            place = pointer + pointer_of(name)
            names.append(name)
            if not self.keep_secrets and looks_secret(name):
                self.secrets.append(place)
                values.append(Gap())
            else:
                values.append(self._read(read, place))
        return Fields(tuple(names), tuple(values))

    def _read(self, read: Callable[[], Any], place: str) -> Node:
        try:
            value = read()
        except Exception as error:
            return self._gap(place, f"reading it raises {type(error).__name__}")
        return self.node(value, place)

    def _key(self, key: Any, taken: set[str], pointer: str) -> str | None:
        """A key as text; 1 and "1" in one mapping stay two places."""
        try:
            name = _key_text(key)
        except Exception as error:
            self._gap(pointer, f"a key of it raises {type(error).__name__}")
            return None
        if name not in taken:
            return name
        name = f"{name} ({type(key).__name__})"
        count = 2
        while name in taken:
            name, count = f"{_key_text(key)} ({type(key).__name__} {count})", count + 1
        return name

    def _items(self, value: Any, pointer: str) -> Node:
        return Items(self._all(array_values(value, self.left) if is_array(value) else value, pointer))

    def _set(self, value: Any, pointer: str) -> Node:
        """Order the items the same way in every process, by their kind and their text."""
        numbers = [item for item in value if type(item) in (int, float) and item == item]  # noqa: PLR0124 - no NaN
        if len(numbers) == len(value) or all(type(item) is str for item in value):
            return Items(self._all(sorted(value), pointer))
        nodes = self._all(value, pointer)
        return Items(tuple(sorted(nodes, key=lambda node: (type(node).__name__, node_text(node)))))

    def _all(self, values: Iterable[Any], pointer: str) -> tuple[Node, ...]:
        some = list(islice(values, self.left + 1))
        if len(some) > self.left:
            self.full = True
            del some[self.left :]
        if set(map(type, some)) <= _PLAIN:
            self.left -= len(some)
            return tuple(some)
        nodes = []
        for place, value in enumerate(some):
            if self._is_full():
                break
            nodes.append(self.node(value, f"{pointer}/{place}"))
        return tuple(nodes)

    def _is_full(self) -> bool:
        self.full = self.full or self.left <= 0
        return self.full

    def _gap(self, pointer: str, why: str) -> Gap:
        self.gaps.append(f"{pointer or 'the value'}: {why.strip().rstrip('.')}")
        return Gap()

    def notes(self, name: str) -> tuple[Note, ...]:
        notes = list(secret_notes(name, self.secrets))
        if self.full:
            notes.append(Note("cut", f"only the first {MAX_VALUES:,} values of {name} were read"))
        if self.deep:
            what = f"{name} is nested deeper than {MAX_DEPTH} levels; what lies deeper is left out"
            notes.append(Note("cut", f"{what}: {_some(self.deep)}"))
        if self.gaps:
            what = "1 value" if len(self.gaps) == 1 else f"{len(self.gaps):,} values"
            notes.append(Note("skipped", f"{what} of {name} cannot be cited: {_some(self.gaps)}"))
        return tuple(notes)


def _key_text(key: Any) -> str:
    if isinstance(key, str) and not isinstance(key, Enum):
        return str.__str__(key)
    if isinstance(key, tuple):
        return " / ".join(map(_key_text, key))
    text = json_text(key)
    if text is not None:
        return text.strip('"') if text.startswith('"') else text
    text = own_text(key)
    if text is None:
        raise TypeError(f"a key of type {type(key).__name__} has no text")
    return text


def _some(places: list[str]) -> str:
    return "; ".join(places[:_SHOWN]) + (f" and {len(places) - _SHOWN:,} more" if len(places) > _SHOWN else "")
