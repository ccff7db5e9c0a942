"""What a command is."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["COMMAND_WORD", "Command"]

COMMAND_WORD = "jupyter localllm"
"""What stands before a command, in a shell."""


@dataclass(frozen=True)
class Command:
    """One command of ``jupyter localllm``.

    Parameters
    ----------
    name : str
        Its word on the line.
    help : str
        One line.
    arguments : callable
        Adds its arguments to its parser.
    run : callable
        Does it, and gives the exit status. What it tells goes to standard output; an error of ours may pass through,
        and is told on standard error. Heavy imports stand inside.
    words : callable
        Makes the words after the command's own such that argparse can read them.
    """

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    words: Callable[[Sequence[str]], Sequence[str]] = tuple
