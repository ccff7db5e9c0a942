"""What may be missing here."""

from __future__ import annotations

from typing import Any

from jupyter_localllm.errors import DependencyMissing

__all__ = ["EXTRA", "bleach", "papermill"]

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


def bleach() -> Any:
    """The library that makes HTML of notebooks harmless, with its part for styles.

    Raises
    ------
    DependencyMissing
        It is not installed.
    """
    with DependencyMissing.unless_imported("pages need bleach", EXTRA):
        import bleach.css_sanitizer
        import bleach.sanitizer
    return bleach
