"""How far something is, on a terminal."""

from __future__ import annotations

import shutil
import sys

from jupyter_localllm.cli.saying import say
from jupyter_localllm.show.plain import clean
from jupyter_localllm.types import Status

__all__ = ["Line"]


class Line:
    """One line on standard error that is written over, and is gone at the end; nothing where no terminal shows it."""

    def __init__(self) -> None:
        self._width = shutil.get_terminal_size().columns - 1 if sys.stderr.isatty() else 0  # the last one would wrap

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")

    def __call__(self, status: Status) -> None:
        """Show it."""
        self._write(("" if status.fraction is None else f"{status.fraction:4.0%}  ") + clean(status.text))

    def _write(self, text: str) -> None:
        if self._width:
            say(f"\r{text:<{self._width}.{self._width}}\r", sys.stderr, end="")
