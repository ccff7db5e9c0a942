"""Where in the notebook the running question stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from jupyter_localllm.conversation import Place

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Place", "here", "is_interactive"]

# By shell: the execution that asked last, and how many questions it asked.
_counts: WeakKeyDictionary[Any, tuple[str, int]] = WeakKeyDictionary()


def here(shell: InteractiveShell, *, advance: bool = True) -> Place | None:
    """The cell that runs now and the number of the question in it; None where the front end sends no cell id.

    JupyterLab, Notebook 7 and VS Code send one with every execution; nbclient, papermill and terminals do not.
    """
    parent = _parent(shell)
    cell = str(parent.get("metadata", {}).get("cellId") or "")
    if not cell:
        return None
    execution = str(parent.get("header", {}).get("msg_id", ""))
    last, count = _counts.get(shell, ("", 0))
    index = count if last == execution else 0
    if advance:
        _counts[shell] = (execution, index + 1)
    return Place(cell, index)


def is_interactive(shell: InteractiveShell) -> bool:
    """Whether a person looks on: a terminal, or a front end that says which cell it runs."""
    return not hasattr(shell, "kernel") or here(shell, advance=False) is not None


def _parent(shell: InteractiveShell) -> dict[str, Any]:
    get_parent = getattr(shell, "get_parent", None)  # ipykernel's shell has it
    parent = get_parent() if get_parent is not None else None
    return parent if isinstance(parent, dict) else {}
