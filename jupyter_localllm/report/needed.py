"""What may be missing here."""

from __future__ import annotations

from typing import Any

from jupyter_localllm.errors import DependencyMissing

__all__ = ["EXTRA", "papermill"]

EXTRA = 'Run: pip install "jupyter_localllm[report]"'


def papermill() -> Any:
    """The library that runs notebooks.

    Raises
    ------
    DependencyMissing
        It is not installed.
    """
    with DependencyMissing.unless_imported("reports need papermill", EXTRA):
        import papermill as library
    return library
