"""Cells of the notebook as sources: ``In[3]`` is the code of a cell, ``Out[3]`` what it gave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.passages_code import HeldCode
from jupyter_localllm.sources.passages_text import text_size
from jupyter_localllm.sources.snapshot import Snapshot, take_snapshot

__all__ = ["cell_source"]

_CELL = re.compile(r"\s*(In|Out)\s*\[\s*(\d+)\s*\]\s*")
_SHOWN = 12  # numbers of cells that an error names


def cell_source(user_ns: Mapping[str, Any], name: str) -> Snapshot | None:
    """Hold a cell or its output.

    Parameters
    ----------
    user_ns : Mapping
        The notebook's variables, in which IPython keeps ``In`` (a list) and ``Out`` (a dict).
    name : str
        What the person wrote, as ``"In[3]"``.

    Returns
    -------
    Snapshot or None
        None if the name is not of this form.

    Raises
    ------
    SourceError
        The cell never ran, or gave no output; names those that did.

    Examples
    --------
    >>> cell_source({"In": ["", "x = 1"], "Out": {}}, "In[1]").kind
    'code'
    """
    match = _CELL.fullmatch(name)
    if match is None:
        return None
    number = int(match[2])
    name = f"{match[1]}[{number}]"
    if match[1] == "In":
        return _code(user_ns.get("In") or (), number, name)
    outputs = user_ns.get("Out") or {}
    if number not in outputs:
        raise SourceError(f"{name} does not exist: {_why(user_ns, number)}", _known("Out", sorted(outputs)))
    return take_snapshot(outputs[number], name)


def _code(cells: Any, number: int, name: str) -> Snapshot:
    if not 0 < number < len(cells):
        raise SourceError(f"{name} does not exist: no cell with this number ran.", _known("In", range(1, len(cells))))
    text = str(cells[number])
    return HeldCode(name, text_size(text), (), text)


def _why(user_ns: Mapping[str, Any], number: int) -> str:
    ran = 0 < number < len(user_ns.get("In") or ())
    return f"cell {number} gave no output." if ran else "no cell with this number ran."


def _known(word: str, numbers: Iterable[int]) -> str:
    known = list(numbers)
    if not known:
        return "No cell has run so far." if word == "In" else "No cell has given an output so far."
    named = ", ".join(f"{word}[{number}]" for number in known[-_SHOWN:])
    return f"There are {named}." if len(known) <= _SHOWN else f"The latest are {named}."
