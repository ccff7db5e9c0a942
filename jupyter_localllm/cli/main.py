"""From the words of a command line to the command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Final

from jupyter_localllm._version import __version__
from jupyter_localllm.cli import bench, cache, doctor, models, pull, report
from jupyter_localllm.cli.base import COMMAND_WORD, Command
from jupyter_localllm.cli.words import in_shell, say
from jupyter_localllm.errors import LocalLLMError

__all__ = ["COMMANDS", "main", "parser"]

COMMANDS: Final[tuple[Command, ...]] = (
    models.COMMAND,
    pull.COMMAND,
    cache.COMMAND,
    bench.COMMAND,
    report.COMMAND,
    doctor.COMMAND,
)

_FAILED, _INTERRUPTED = 1, 130  # as shells have it; argparse itself ends with 2 on a line that it cannot read


def parser() -> argparse.ArgumentParser:
    """Make the reader of the whole line."""
    made = argparse.ArgumentParser(
        prog=COMMAND_WORD, description="Models for jupyter_localllm, without a notebook.", allow_abbrev=False
    )
    made.add_argument("--version", action="version", version=__version__)
    several = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        one = several.add_parser(command.name, help=command.help, description=command.help, allow_abbrev=False)
        command.arguments(one)
        one.set_defaults(run=command.run)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``jupyter localllm``.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after it; those of this process if not given.

    Returns
    -------
    int
        Exit status: 0, 1 after an error of ours or of the system (told on standard error), 130 after an interrupt.

    Raises
    ------
    SystemExit
        The line cannot be read (2), or asked for help (0).
    """
    for stream in (sys.stdout, sys.stderr):  # a name in another script must not end a list where no UTF-8 is written
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except LocalLLMError as error:
        say(in_shell(f"{type(error).__name__}: {error}"), wrong=True)
        return _FAILED
    except BrokenPipeError:  # `| head` has read enough; at exit nothing must be written there again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except OSError as error:  # a full disk, a folder that may not be read
        say(f"{type(error).__name__}: {error}", wrong=True)
        return _FAILED
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return _INTERRUPTED
