"""``jupyter localllm models``."""

from __future__ import annotations

import argparse

from jupyter_localllm.cli.base import Command

__all__ = ["COMMAND"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    pass


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.models import available

    for entry in available(tuple(LocalLLM().model_dirs)):
        print(entry.name, entry.path or f"not installed: {entry.install_command}", sep="\t")
    return 0


COMMAND = Command("models", "the models on this machine and those that can be fetched", _arguments, _run)
