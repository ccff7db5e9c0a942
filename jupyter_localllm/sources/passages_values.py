"""Passages of nested data: one for each value, worded with its path, found again by its JSON pointer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.cutting import MAX_WORDS, pieces
from jupyter_localllm.sources.freezing import freeze
from jupyter_localllm.sources.held import Held, lines_label, sha256_of, sha256_of_parts
from jupyter_localllm.sources.nodes import Fields, Gap, Inner, Items, Node, Same, node_parts, node_text
from jupyter_localllm.sources.pointers import parts_of_pointer, pointer_of
from jupyter_localllm.types import Locator, Note, Passage

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["HeldStructure", "hold_structure"]

_BLOCK = 20  # values of a list in one passage
_SENTENCE = 12  # words of a text that stands alone, and is not one of a list of names
_LABEL = 60  # characters of what may name a record


@dataclass(frozen=True)
class _Place:
    """Where a value stands: its pointer, and how that reads.

    Parameters
    ----------
    pointer : str
    words : tuple of str
        Steps of the path, as the passage says them.
    spot : tuple of str
        The same for the label, with the positions in lists.
    record : (str, str)
        How the record in a list is called in both, if the place is one.
    """

    pointer: str = ""
    words: tuple[str, ...] = ()
    spot: tuple[str, ...] = ()
    record: tuple[str, str] = ("", "")

    def field(self, name: str) -> _Place:
        word, spot = self.record
        return _Place(
            self.pointer + pointer_of(name),
            (*self.words, f"{name} of {word}" if word else name),
            (*self.spot, f"{name} of {spot}" if spot else name),
        )

    def item(self, index: int, node: Node, called: str) -> _Place:
        """An item of a list, counted from 0 in the pointer and from 1 for people."""
        pointer = f"{self.pointer}/{index}"
        number = f"item {index + 1}"
        spot = f"{number} ({called})" if called else number
        if isinstance(node, Fields) and _is_flat(node):
            return _Place(pointer, self.words, self.spot, (called or number, spot))
        return _Place(pointer, (*self.words, called or number), (*self.spot, spot))


@dataclass(frozen=True)
class HeldStructure(Held):
    """Nested data, copied.

    Parameters
    ----------
    root : Node
    inner : tuple of Snapshot
        Tables and the like inside of it.
    """

    root: Node
    inner: tuple[Snapshot, ...] = ()

    @property
    def kind(self) -> str:
        """Say ``"structure"``."""
        return "structure"

    @cached_property
    def sha256(self) -> str:
        """Of all keys and values, in their order."""
        return sha256_of_parts(node_parts(self.root))

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What people must be told, also of the tables inside."""
        found = (note for snapshot in self.inner for note in snapshot.notes)
        return (*super().notes, *(note for note in found if note.code not in ("empty", "instructions")))

    def passages(self) -> Iterator[Passage]:
        """One passage for each value; short values of a list share one."""
        yield from self._walk(self.root, _Place())

    def resolve(self, locator: Locator) -> Passage | None:
        """What stands at the pointer now: the same passage if nothing has changed."""
        steps = parts_of_pointer(locator.path or "")
        if steps is None:
            return None
        node, place = self.root, _Place()
        for count, step in enumerate(steps):
            if isinstance(node, Inner):
                inner = replace(locator, path=pointer_of(*steps[count:]))
                return self._inner(node, place, inner)
            found = _step(node, place, step)
            if found is None:
                return None
            node, place = found
        if isinstance(node, Inner):
            return self._inner(node, place, replace(locator, path=None))
        return self._at(node, place, locator)

    def _at(self, node: Node, place: _Place, locator: Locator) -> Passage | None:
        if isinstance(node, Gap):
            return None
        fitting = (
            p for p in self._own(node, place) if (p.locator.rows, p.locator.lines) == (locator.rows, locator.lines)
        )
        passage = next((p for p in fitting if locator.label in ("", p.locator.label)), None)
        if passage is not None or locator.rows is not None or locator.lines is not None:
            return passage
        text = f"{_worded(place, self.name)}: {_kind_of(node)}"
        return Passage(self.name, "value", text, _locator(place, self.name), sha256_of_parts(node_parts(node)))

    def _inner(self, node: Inner, place: _Place, locator: Locator) -> Passage | None:
        label = locator.label.removeprefix(_label(place, self.name) + ", ")
        found = node.snapshot.resolve(replace(locator, label=label))
        return self._moved(found, place) if found else None

    def _moved(self, passage: Passage, place: _Place) -> Passage:
        """A passage of a table in the data, as one of the data."""
        inner = passage.locator
        label = f"{_label(place, self.name)}, {inner.label}" if inner.label else _label(place, self.name)
        locator = replace(inner, path=place.pointer + (inner.path or ""), label=label)
        text = f"{_worded(place, self.name)}: {passage.text}"
        return replace(passage, source=self.name, text=text, locator=locator)

    def _walk(self, node: Node, place: _Place) -> Iterator[Passage]:
        if isinstance(node, Fields) and node.names:
            for name, value in zip(node.names, node.values, strict=True):
                yield from self._walk(value, place.field(name))
        elif isinstance(node, Items) and node.values and not _is_list_of_words(node):
            called = _names_of_records(node)
            for index, value in enumerate(node.values):
                yield from self._walk(value, place.item(index, value, called[index]))
        else:
            yield from self._own(node, place)

    def _own(self, node: Node, place: _Place) -> Iterator[Passage]:
        """Passages of a value whose own place is the innermost one."""
        if isinstance(node, Gap) or (isinstance(node, (Fields, Items)) and not place.pointer and not _size_of(node)):
            return
        if isinstance(node, Inner):
            yield from (self._moved(passage, place) for passage in node.snapshot.passages())
        elif isinstance(node, Items) and node.values:
            if _is_list_of_words(node):
                yield from self._blocks(node, place)
        elif isinstance(node, str) and _is_long(node):
            yield from self._prose(node, place)
        elif not isinstance(node, Fields) or not node.names:
            shown = _shown(node)
            value = "" if isinstance(node, (Fields, Items, Same)) else shown
            text = f"{_worded(place, self.name)}: {shown}"
            yield Passage(self.name, "value", text, _locator(place, self.name), sha256_of(node_text(node)), value)

    def _blocks(self, node: Items, place: _Place) -> Iterator[Passage]:
        words = _worded(place, self.name)
        total = len(node.values)
        for start in range(0, total, _BLOCK):
            values = node.values[start : start + _BLOCK]
            shown = ", ".join(map(_shown, values))
            digest = sha256_of(node_text(Items(values)))
            locator = _locator(place, self.name)
            text = f"{words}: {shown}"
            if total > _BLOCK:
                which = f"items {start + 1:,} to {start + len(values):,}" if len(values) > 1 else f"item {start + 1:,}"
                locator = replace(
                    locator, rows=tuple(range(start, start + len(values))), label=f"{locator.label}, {which}"
                )
                text = f"{words} ({which} of {total:,}): {shown}"
            yield Passage(self.name, "value", text, locator, digest, shown if len(values) == 1 else "")

    def _prose(self, text: str, place: _Place) -> Iterator[Passage]:
        for piece in pieces(text, markdown=True):
            body = text[piece.start : piece.end]
            lines = (piece.first, piece.last)
            label = f"{_label(place, self.name)}, {lines_label(*lines, piece.part)}"
            locator = Locator(path=place.pointer, lines=lines, label=label)
            heading = " > ".join(piece.headings)
            context = f"{_worded(place, self.name)} > {heading}" if heading else _worded(place, self.name)
            digest = sha256_of("\n".join((*piece.headings, body)))
            yield Passage(self.name, "text", f"{context}: {body}" if body else context, locator, digest)


def hold_structure(value: Any, name: str, size: str) -> HeldStructure:
    """Copy nested data and hold the copy; see `freeze` for what is left out."""
    frozen = freeze(value, name)
    if isinstance(frozen.root, Gap):
        why = next((note.text for note in frozen.notes if note.code == "skipped"), "it cannot be read")
        raise SourceError(f"{name} ({type(value).__name__}): {why}.", "Cite something simpler made of it, as a dict.")
    return HeldStructure(name, size, frozen.notes, frozen.root, frozen.inner)


def _step(node: Node, place: _Place, step: str) -> tuple[Node, _Place] | None:
    if isinstance(node, Fields) and step in node.names:
        return node.values[node.names.index(step)], place.field(step)
    if isinstance(node, Items) and step.isdecimal() and step.isascii() and str(int(step)) == step:
        index = int(step)
        if index < len(node.values):
            value = node.values[index]
            return value, place.item(index, value, _names_of_records(node)[index])
    return None


def _names_of_records(node: Items) -> tuple[str, ...]:
    """How the records of a list are called: by the first field whose texts are all there and all differ.

    Without such a field a record is called by its first text and its number, and what is no record has no name.
    """
    records = [value for value in node.values if isinstance(value, Fields)]
    if len(records) == len(node.values) and records:
        for name, first in zip(records[0].names, records[0].values, strict=True):
            if _may_name(first):
                texts = [_field(record, name) for record in records]
                if all(map(_may_name, texts)) and len(set(texts)) == len(texts):
                    return tuple(" ".join(text.split()) for text in texts)
    return tuple(_numbered(index, value) for index, value in enumerate(node.values))


def _numbered(index: int, value: Node) -> str:
    if not isinstance(value, Fields):
        return ""
    text = next((text for text in value.values if _may_name(text)), None)
    return f"{' '.join(text.split())}, number {index + 1}" if text else ""


def _may_name(value: Node) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= _LABEL


def _field(record: Fields, name: str) -> Any:
    return record.values[record.names.index(name)] if name in record.names else None


def _is_flat(node: Fields) -> bool:
    return not any(isinstance(value, (Fields, Items, Inner)) for value in node.values)


def _is_list_of_words(node: Items) -> bool:
    """Whether a list holds numbers, names and the like, of which many fit in one passage."""
    return all(_is_word(value) for value in node.values)


def _is_word(value: Node) -> bool:
    if isinstance(value, str):
        return len(value) <= 8 * _SENTENCE and "\n" not in value and len(value.split()) <= _SENTENCE
    return not isinstance(value, (Fields, Items, Inner, Same, Gap))


def _is_long(text: str) -> bool:
    return len(text) > 8 * MAX_WORDS or len(text.split(None, MAX_WORDS)) > MAX_WORDS


def _shown(node: Node) -> str:
    if isinstance(node, Same):
        return f"(the same as {node.pointer or 'the whole'})"
    text = node if isinstance(node, str) else node_text(node)
    if not isinstance(node, str) and text.startswith('"'):
        text = str(json.loads(text))  # a date or the like, which stands in quotes only in JSON
    return text if text.strip() else f'"{text}"'


def _size_of(node: Node) -> int:
    return len(node.values) if isinstance(node, (Fields, Items)) else 1


def _kind_of(node: Node) -> str:
    return f"{_size_of(node):,} {'fields' if isinstance(node, Fields) else 'items'}"


def _worded(place: _Place, name: str) -> str:
    words = (*place.words, place.record[0]) if place.record[0] else place.words
    return " > ".join(words) or name


def _label(place: _Place, name: str) -> str:
    spot = (*place.spot, place.record[1]) if place.record[1] else place.spot
    return " > ".join(spot) or name


def _locator(place: _Place, name: str) -> Locator:
    return Locator(path=place.pointer, label=_label(place, name))
