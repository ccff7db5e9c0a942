"""How far something is, on a terminal."""

from __future__ import annotations

import shutil
import sys
import unicodedata

from jupyter_localllm.cli.saying import put
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
            put(f"\r{fitted(text, self._width)}\r", sys.stderr)


def fitted(text: str, width: int) -> str:
    """A text cut and filled to so many columns of a terminal, in which signs of East Asia take two.

    Examples
    --------
    >>> fitted("月ごとの報告", 7), fitted("Sales", 7)
    ('月ごと ', 'Sales  ')
    """
    made, columns = "", 0
    for sign in text:
        takes = 0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        if columns + takes > width:
            break
        made, columns = made + sign, columns + takes
    return made + " " * (width - columns)
