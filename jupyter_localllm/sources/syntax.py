r"""Python code that is read and never run: a person's cells, and what a model proposes.

Python warns of what looks like a mistake while it reads (``"\d"``), and a kernel shows such a warning in whichever cell
ran last. It is about code that nobody runs here.
"""

from __future__ import annotations

import ast
import warnings

__all__ = ["syntax_of"]

_FILE = "<read by jupyter_localllm>"  # a warning's module is made of it


def syntax_of(code: str) -> ast.Module | None:
    """The syntax tree of a cell or file; None if it is no Python.

    Examples
    --------
    >>> syntax_of("%matplotlib inline") is None
    True
    """
    _hush()
    try:
        return ast.parse(code, _FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _hush() -> None:
    """Filter warnings of this file and no others. Never undone: the filters are the process's, not a thread's."""
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[0] != "ignore" or getattr(first[3], "pattern", first[3]) != _FILE:
        warnings.filterwarnings("ignore", module=_FILE)
