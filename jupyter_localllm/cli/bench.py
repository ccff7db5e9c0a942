"""``jupyter localllm bench``."""

from __future__ import annotations

import argparse

from jupyter_localllm.cli.base import Command
from jupyter_localllm.cli.line import Line
from jupyter_localllm.cli.words import tell

__all__ = ["COMMAND"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names or paths; the model of the settings if none")
    parser.add_argument("--n", type=int, metavar="N", help="prompts to measure in each case (10)")
    parser.add_argument("--quality", action="store_true", default=None, help="ask the small fixed set of questions too")
    parser.add_argument("--file", metavar="FILE", help="what to measure: YAML, TOML, or the JSON of an earlier run")
    parser.add_argument("--out", metavar="FILE", help="write the result to .json, .csv or .svg, after each case")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm import runtime
    from jupyter_localllm.api import LocalLLM

    runtime.current().bar = Line
    result = LocalLLM().benchmark(
        arguments.models, n=arguments.n, quality=arguments.quality, file=arguments.file, out=arguments.out
    )
    if arguments.json:
        print(result.to_json())
    else:
        tell(result)
    return 1 if any(row.error for row in result.rows) else 0


COMMAND = Command("bench", "measure models: speed, memory, energy, quality", _arguments, _run)
