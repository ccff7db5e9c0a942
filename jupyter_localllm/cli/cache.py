"""``jupyter localllm cache``: the words of ``%llm cache``."""

from __future__ import annotations

import argparse

from jupyter_localllm.cli.base import Command

__all__ = ["COMMAND"]

_SHOW = "show"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(action=_SHOW, file="", days=None)
    several = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    several.add_parser(_SHOW, aliases=["stats"], help="size, hits and entries; also what comes without an action")
    several.add_parser("clear", help="forget all answers")
    prune = several.add_parser("prune", help="forget answers not used for some days")
    prune.add_argument("--days", type=_days, metavar="N", help="30 if not given")
    export = several.add_parser("export", help="write the answers to a text file")
    export.add_argument("file", metavar="FILE")
    taken = several.add_parser("import", help="read them from one")
    taken.add_argument("file", metavar="FILE")


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of days")
    return days


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.magics.stored import DAYS, cached

    days = DAYS if arguments.days is None else arguments.days
    print(cached(LocalLLM(), arguments.action or _SHOW, arguments.file, days))
    return 0


COMMAND = Command("cache", "the answers kept on disk: tell, write, read, forget", _arguments, _run)
