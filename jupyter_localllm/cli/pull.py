"""``jupyter localllm pull``."""

from __future__ import annotations

import argparse
import sys

from jupyter_localllm.cli.base import COMMAND_WORD, Command
from jupyter_localllm.cli.line import Line
from jupyter_localllm.cli.saying import say
from jupyter_localllm.cli.words import in_shell

__all__ = ["COMMAND"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a name of `models`, OWNER/REPOSITORY of the hub, an address, or a path")
    parser.add_argument("--force", action="store_true", help="in the place of another file of that name")


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.magics.models import fetched

    with Line() as line:
        said = fetched(LocalLLM(), arguments.model, line, force=arguments.force, command=COMMAND_WORD)
    say(in_shell(str(said)), sys.stdout)
    return 0


COMMAND = Command("pull", "fetch a model by its name, and check it", _arguments, _run)
