"""What the snapshots of all kinds but tables share: their notes, hashes and labels."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from jupyter_localllm.sources.suspicious import instruction_notes
from jupyter_localllm.types import Locator, Note, Passage

__all__ = ["Held", "HeldValue", "lines_label", "plural", "sha256_of", "sha256_of_parts"]

_SLICE = 1 << 20  # characters that are encoded at once, so that a long text is not copied whole


@dataclass(frozen=True)
class Held(ABC):
    """A variable as it was: a `jupyter_localllm.sources.snapshot.Snapshot` without its passages.

    Parameters
    ----------
    name : str
        How the person calls the variable.
    size : str
        Its size in words.
    told : tuple of Note
        What was found while it was read.
    """

    name: str
    size: str
    told: tuple[Note, ...]

    @property
    @abstractmethod
    def kind(self) -> str:
        """The kind of source."""

    @property
    @abstractmethod
    def sha256(self) -> str:
        """Of the content."""

    @abstractmethod
    def passages(self) -> Iterator[Passage]:
        """All passages, made one by one."""

    @abstractmethod
    def resolve(self, locator: Locator) -> Passage | None:
        """The passage at this place."""

    @cached_property
    def first_notes(self) -> tuple[Note, ...]:
        """What is known without reading all passages."""
        if next(self.passages(), None) is not None:
            return self.told
        return (*self.told, Note("empty", f"{self.name} holds nothing that can be cited ({self.size})"))

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What people must be told; the passages are read once for it."""
        return (*self.first_notes, *instruction_notes(self.name, self.passages()))


@dataclass(frozen=True)
class HeldValue(Held):
    """One value: a number, a date, a short word.

    Parameters
    ----------
    shown : str
        Its text.
    content : str
        What is hashed; tells ``1`` from ``"1"``.
    """

    shown: str
    content: str

    @property
    def kind(self) -> str:
        """Say ``"scalar"``."""
        return "scalar"

    @cached_property
    def sha256(self) -> str:
        """Of the value."""
        return sha256_of(self.content)

    def passages(self) -> Iterator[Passage]:
        """Give the one passage, ``"name: value"``."""
        text = f"{self.name}: {self.shown}"
        yield Passage(self.name, "value", text, Locator(label=self.name), self.sha256, self.shown)

    def resolve(self, locator: Locator) -> Passage | None:
        """The passage, unless the place is one inside of something larger."""
        inside = (locator.rows, locator.lines, locator.page, locator.path, locator.operation)
        return next(self.passages()) if inside == (None,) * 5 and not locator.columns else None


def sha256_of(text: str) -> str:
    """Hash a text of any length without a copy of it."""
    return sha256_of_parts(text[start : start + _SLICE] for start in range(0, len(text), _SLICE))


def sha256_of_parts(parts: Iterator[str]) -> str:
    """Hash texts one after the other, as if they were one."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def lines_label(first: int, last: int, part: int = 0) -> str:
    """Name lines for people.

    Examples
    --------
    >>> lines_label(10, 14), lines_label(3, 3), lines_label(3, 3, 2)
    ('lines 10 to 14', 'line 3', 'line 3, part 2')
    """
    if first != last:
        return f"lines {first} to {last}"
    return f"line {first}, part {part}" if part else f"line {first}"


def plural(count: int, word: str) -> str:
    """Count something in words.

    Examples
    --------
    >>> plural(1, "line"), plural(1200, "page")
    ('1 line', '1,200 pages')
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"
