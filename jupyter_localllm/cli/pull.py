"""``jupyter localllm pull``."""

from __future__ import annotations

import argparse
import sys

from jupyter_localllm.cli.base import Command
from jupyter_localllm.types import Status

__all__ = ["COMMAND"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a name of `models`, OWNER/REPOSITORY of the hub, an address, or a path")
    parser.add_argument("--force", action="store_true", help="in the place of another file of that name")


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.magics.models import fetched

    line = _Line()
    try:
        said = fetched(LocalLLM(), arguments.model, line, force=arguments.force)
    finally:
        line.end()
    print(said)
    return 0


class _Line:
    """One line on standard error that is written over; nothing where no terminal shows it."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._width = 0

    def __call__(self, status: Status) -> None:
        if not self._shown:
            return
        share = "" if status.fraction is None else f"{status.fraction:4.0%} "
        text = f"{share}{status.text}"
        print(f"\r{text:<{self._width}}", end="", file=sys.stderr, flush=True)
        self._width = len(text)

    def end(self) -> None:
        """Leave the line."""
        if self._width:
            print(file=sys.stderr)


COMMAND = Command("pull", "fetch a model by its name, and check it", _arguments, _run)
