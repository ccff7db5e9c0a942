"""What nested data is once it cannot change any more, and how that is written for hashes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from jupyter_localllm.sources.scalar import json_text

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["Fields", "Gap", "Inner", "Items", "Node", "Same", "node_parts", "node_text"]


@dataclass(frozen=True)
class Fields:
    """A mapping or a record: keys as texts, each of them once, and values."""

    names: tuple[str, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Items:
    """A list, a tuple, a set in order."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Same:
    """A value that contains this place; it is not followed again."""

    pointer: str


@dataclass(frozen=True)
class Gap:
    """A value that was left out; a note says why."""


@dataclass(frozen=True)
class Inner:
    """A table or the like inside of the data, held by its own kind."""

    snapshot: Snapshot


Node = Union[Fields, Items, Same, Gap, Inner, Any]


def node_text(node: Node) -> str:
    """Write a node as JSON, for hashes and for the order of sets."""
    return "".join(node_parts(node))


def node_parts(node: Node) -> Iterator[str]:
    """Write a node as JSON, bit by bit."""
    if isinstance(node, Fields):
        for place, (name, value) in enumerate(zip(node.names, node.values, strict=True)):
            yield f"{', ' if place else '{'}{json_text(name)}: "
            yield from node_parts(value)
        yield "}" if node.names else "{}"
    elif isinstance(node, Items):
        for place, value in enumerate(node.values):
            yield ", " if place else "["
            yield from node_parts(value)
        yield "]" if node.values else "[]"
    elif isinstance(node, Inner):
        yield f"<{node.snapshot.kind} {node.snapshot.sha256}>"
    elif isinstance(node, Same):
        yield f"<the same as {node.pointer}>"
    else:
        yield "<left out>" if isinstance(node, Gap) else json_text(node) or ""
