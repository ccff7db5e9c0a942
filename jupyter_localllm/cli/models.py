"""``jupyter localllm models``."""

from __future__ import annotations

import argparse

from jupyter_localllm.cli.base import COMMAND_WORD, Command
from jupyter_localllm.cli.words import tell

__all__ = ["COMMAND"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="all about this one")


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.magics.listed import about, listing

    handle = LocalLLM()
    tell(about(handle, arguments.model, COMMAND_WORD) if arguments.model else listing(handle, COMMAND_WORD))
    return 0


COMMAND = Command("models", "the models on this machine, those that can be fetched, and which fit", _arguments, _run)
