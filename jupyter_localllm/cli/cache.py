"""``jupyter localllm cache``."""

from __future__ import annotations

import argparse

from jupyter_localllm.cli.base import Command
from jupyter_localllm.cli.words import tell

__all__ = ["COMMAND"]


def days(text: str) -> float:
    """Read a number of days."""
    from jupyter_localllm.magics import subcommands

    return subcommands.days(text)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(action="show", file=None, days=None)
    several = parser.add_subparsers(metavar="ACTION")
    for action, help in (
        ("show", "where it is, and what is in it; so does no action"),
        ("clear", "forget all answers"),
        ("prune", "forget those not used for so long"),
        ("export", "write them to a text file"),
        ("import", "read them from one"),
    ):
        also = ["stats"] if action == "show" else []
        one = several.add_parser(action, aliases=also, help=help, description=help, allow_abbrev=False)
        one.set_defaults(action=action)
        if action == "prune":
            one.add_argument("--days", type=days, metavar="N", help="days (30)")
        elif action in ("export", "import"):
            one.add_argument("file", metavar="FILE")


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.magics.commands import cache
    from jupyter_localllm.magics.subcommands import Subcommand

    options = {} if arguments.days is None else {"days": arguments.days}
    tell(cache(None, LocalLLM(), Subcommand("cache", arguments.action, arguments.file, options)))
    return 0


COMMAND = Command("cache", "the answers kept on disk: size, and forgetting, writing and reading them", _arguments, _run)
