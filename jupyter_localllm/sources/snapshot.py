"""A variable as it was when the question was asked, cut into passages that can be cited.

A kind that can be cited has one method more than `Kind`: ``snapshot(value, name)``. What it gives holds still while the
answer streams, even if the notebook changes the variable meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from jupyter_localllm.sources.base import KINDS, Kind
from jupyter_localllm.types import Locator, Note, Passage

__all__ = ["CitableKind", "Snapshot", "take_snapshot"]


class Snapshot(Protocol):
    """What can be cited of one variable."""

    @property
    def name(self) -> str:
        """How the person calls the variable."""
        ...

    @property
    def kind(self) -> str:
        """The kind of source: ``"frame"``, ``"text"``, ``"structure"``."""
        ...

    @property
    def size(self) -> str:
        """Its size in words, as ``"100 rows x 5 columns"``."""
        ...

    @property
    def sha256(self) -> str:
        """Of the content: equal contents have equal hashes in every process. Computed when first asked for."""
        ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What people must be told: what was left out and why, what was sampled, what looks like instructions."""
        ...

    def passages(self) -> Iterator[Passage]:
        """All passages, in the order of the source, made one by one; the same ones each time."""
        ...

    def resolve(self, locator: Locator) -> Passage | None:
        """The passage at this place, or None if there is no such place (any more)."""
        ...


@runtime_checkable
class CitableKind(Kind, Protocol):
    """A kind whose variables can be cited."""

    def snapshot(self, value: Any, name: str) -> Snapshot:
        """Hold the variable still.

        Parameters
        ----------
        value : object
            A value that `matches`.
        name : str
            How the person called it.

        Raises
        ------
        SourceError
            The value cannot be read; says what to do.
        """
        ...


def take_snapshot(value: Any, name: str) -> Snapshot:
    """Hold a variable still, by the first kind that takes it.

    Parameters
    ----------
    value : object
        A variable of the notebook. It is read, never changed, and never consumed.
    name : str
        How the person called it.

    Returns
    -------
    Snapshot

    Raises
    ------
    SourceError
        The value is of a kind that cannot be cited, or cannot be read.

    Examples
    --------
    >>> take_snapshot("Berlin has 3.9 million inhabitants.", "notes").size
    '1 line, 35 characters'
    """
    taken: Snapshot = KINDS.snapshot(value, name)
    return taken
