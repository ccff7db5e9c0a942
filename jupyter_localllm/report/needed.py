"""What may be missing here."""

from __future__ import annotations

from typing import Any

from jupyter_localllm.errors import DependencyMissing

__all__ = ["EXTRA", "papermill"]

EXTRA = 'pip install "jupyter_localllm[report]"'


def papermill() -> Any:
    """The library that runs notebooks.

    Raises
    ------
    DependencyMissing
        It is not installed.
    """
    try:
        import papermill as library
    except ImportError as error:
        raise DependencyMissing(f"reports need papermill, which is not installed ({error})", f"Run: {EXTRA}") from None
    return library
