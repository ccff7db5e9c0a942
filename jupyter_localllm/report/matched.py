"""The cells of two runs of a notebook beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Pair", "pairs"]

_INJECTED = "injected-parameters"  # papermill's tag for the cell that it makes anew in each run


@dataclass(frozen=True)
class Pair:
    """A cell of the old notebook and what it is in the new one; None on a side where it is not.

    Parameters
    ----------
    old, new : Mapping or None
    old_at, new_at : int
        Their 0-based indexes; -1 on a side where there is none.
    """

    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    old_at: int = -1
    new_at: int = -1

    @property
    def changed(self) -> bool:
        """Whether its code is another."""
        return self.old is not None and self.new is not None and _source(self.old) != _source(self.new)


def pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Pair]:
    """The code cells of both, matched by id, else by source; in the new order, those that are gone at the end.

    Examples
    --------
    >>> cell = {"cell_type": "code", "source": "1", "id": "a"}
    >>> [(pair.old_at, pair.new_at) for pair in pairs({"cells": [cell]}, {"cells": [{"cell_type": "markdown"}, cell]})]
    [(0, 1)]
    """
    before, after = _code(old), _code(new)
    left = dict(before)
    found: dict[int, int] = {}
    for name in (_known_as, _source):
        places = _places(left, name)
        for at, cell in after:
            same = places.get(name(cell)) if name(cell) and at not in found else None
            if same:
                found[at] = same.pop(0)
                del left[found[at]]
    cells = dict(before)
    matched = [Pair(cells.get(found.get(at, -1)), cell, found.get(at, -1), at) for at, cell in after]
    return [*matched, *(Pair(cell, None, at) for at, cell in left.items())]


def _code(notebook: Mapping[str, Any]) -> Sequence[tuple[int, Mapping[str, Any]]]:
    return [(at, cell) for at, cell in enumerate(notebook.get("cells", ())) if cell.get("cell_type") == "code"]


def _places(cells: Mapping[int, Mapping[str, Any]], name: Any) -> dict[str, list[int]]:
    made: dict[str, list[int]] = {}
    for at, cell in cells.items():
        made.setdefault(name(cell), []).append(at)
    return made


def _known_as(cell: Mapping[str, Any]) -> str:
    tags = (cell.get("metadata") or {}).get("tags") or ()
    return f"<{_INJECTED}>" if _INJECTED in tags else str(cell.get("id") or "")


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source") or ""
    return "".join(source) if isinstance(source, list) else str(source)
