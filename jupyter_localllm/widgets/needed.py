"""What may be missing here, and who looks on."""

from __future__ import annotations

import os
from typing import Any

from jupyter_localllm.errors import DependencyMissing

__all__ = ["ipywidgets", "looked_at"]

_COMMAND = 'pip install "jupyter_localllm[widgets]"'


def ipywidgets() -> Any:
    """The library.

    Raises
    ------
    DependencyMissing
        It is not installed.
    """
    how = f"%{_COMMAND} in a cell, and where Jupyter runs, if that is another environment; then run this cell again."
    with DependencyMissing.unless_imported("the chat panel in a cell needs ipywidgets", how):
        import ipywidgets as library
    return library


def looked_at(shell: Any) -> bool:
    """Whether a front end shows what this shell's cells display, and a person may click on it.

    JupyterLab, Notebook 7 and VS Code name the cell with each execution; nbclient and papermill do not, and what they
    run is read later: a widget would be dead then. Voilà runs notebooks as nbclient does, for people; its kernels know
    of it by ``SERVER_SOFTWARE`` (https://voila.readthedocs.io), those of Colab by ``COLAB_RELEASE_TAG``.
    """
    if shell is None or not hasattr(shell, "kernel"):
        return False
    return (
        bool(cell_of(shell))
        or os.environ.get("SERVER_SOFTWARE", "").lower().startswith("voila")
        or "COLAB_RELEASE_TAG" in os.environ
    )


def cell_of(shell: Any) -> str:
    """The id of the cell that runs now; empty where the front end sends none."""
    get_parent = getattr(shell, "get_parent", None)
    parent = get_parent() if get_parent is not None else None
    return str((parent or {}).get("metadata", {}).get("cellId") or "")
