"""Where a saved notebook's run ended, if that was before its last cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_localllm.report.tidy import joined, listed, mapping
from jupyter_localllm.show.plain import clean

__all__ = ["Halt", "ended_well", "halted"]

_GOES_ON = "raises-exception"  # the tag of cells that may fail
_ENDED = ("failed", "running")  # the latter where the process was killed, or runs still


@dataclass(frozen=True)
class Halt:
    """The end of a run that was not the notebook's.

    Parameters
    ----------
    cell : int or None
        0-based place of the cell in which it ended; None if no cell has run.
    error : str
        The name of its error; empty if there is none.
    more : bool
        Whether there are cells that have not run.
    """

    cell: int | None
    error: str = ""
    more: bool = True


def ended_well(cell: Mapping[str, Any]) -> bool:
    """Whether a cell ended its notebook on purpose, by ``SystemExit``."""
    errors = _errors(cell)
    return bool(errors) and errors[-1].get("ename") == "SystemExit" and errors[-1].get("evalue") in ("", "0")


def halted(cells: Sequence[Mapping[str, Any]]) -> Halt | None:
    """Where a run ended too early, by the states that papermill keeps in cells; None if it did not, or none are kept.

    Examples
    --------
    >>> def cell(state):
    ...     return {"cell_type": "code", "metadata": {"papermill": {"status": state}}}
    >>> halted([cell("completed"), cell("failed"), cell("pending")])
    Halt(cell=1, error='', more=True)
    >>> halted([cell("completed")]) is None
    True
    """
    code = [(at, cell) for at, cell in enumerate(cells) if cell.get("cell_type") == "code"]
    failed = [place for place, (_, cell) in enumerate(code) if _state(cell) in _ENDED]
    if not failed:
        return Halt(None) if code and all(_waits(cell) for _, cell in code) else None
    at, cell = code[failed[-1]]
    more = any(_waits(later) for _, later in code[failed[-1] + 1 :])
    names = [clean(joined(error.get("ename"))) for error in _errors(cell)]
    may = _GOES_ON in listed(mapping(cell.get("metadata")).get("tags")) or not names  # run again since, by hand
    return None if ended_well(cell) or (may and not more) else Halt(at, names[-1] if names else "", more)


def _state(cell: Mapping[str, Any]) -> object:
    return mapping(mapping(cell.get("metadata")).get("papermill")).get("status")


def _waits(cell: Mapping[str, Any]) -> bool:
    """Whether its turn never came; papermill's word alone does not tell, for somebody may have run it since."""
    return _state(cell) == "pending" and not cell.get("outputs") and cell.get("execution_count") is None


def _errors(cell: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    outputs = listed(cell.get("outputs"))
    return [one for one in outputs if isinstance(one, Mapping) and one.get("output_type") == "error"]
