"""``jupyter localllm doctor``."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_localllm.cli.base import Command
from jupyter_localllm.cli.words import in_shell
from jupyter_localllm.errors import SettingsError

if TYPE_CHECKING:
    from jupyter_localllm.doctor import Report

__all__ = ["COMMAND"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", metavar="FILE", help="with the settings of this file (YAML, TOML or JSON)")
    parser.add_argument("--quick", action="store_true", help="leave out the one-token check, which loads the model")
    parser.add_argument("--json", action="store_true", help="for programs")


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.doctor import Report

    found = _report(arguments).findings
    report = Report(tuple(replace(one, text=in_shell(one.text), mend=in_shell(one.mend)) for one in found))
    print(json.dumps(report.to_dict(), indent=1) if arguments.json else report)
    return 1 if report.worst == "problem" else 0


def _report(arguments: argparse.Namespace) -> Report:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.doctor import examine_without_settings

    try:
        llm = LocalLLM() if arguments.file is None else LocalLLM.from_settings(arguments.file)
    except SettingsError as error:
        return examine_without_settings(error)
    return llm.doctor(quick=arguments.quick)


COMMAND = Command(
    "doctor", "check the installation and this machine; ends with 1 if there is a problem", _arguments, _run
)
