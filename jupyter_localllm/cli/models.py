"""``jupyter localllm models``."""

from __future__ import annotations

import argparse

from jupyter_localllm.cli.base import Command

__all__ = ["COMMAND"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="all about this one")


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.magics.models import models
    from jupyter_localllm.magics.subcommands import Subcommand

    said = models(None, LocalLLM(), Subcommand("models", value=arguments.model))
    print(said.replace("; %llm use MODEL answers with it", "").replace("%llm ", "jupyter localllm "))
    return 0


COMMAND = Command("models", "the models on this machine, those that can be fetched, and which fit", _arguments, _run)
