"""``jupyter localllm report``."""

from __future__ import annotations

import argparse
import contextlib
import logging
import math
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_localllm.cli.base import Command
from jupyter_localllm.cli.pairs import as_pairs, value_of
from jupyter_localllm.cli.running import shown
from jupyter_localllm.cli.saying import say
from jupyter_localllm.cli.words import in_shell
from jupyter_localllm.errors import LocalLLMError, UsageError
from jupyter_localllm.show.listing import clipped, one_line

if TYPE_CHECKING:
    from jupyter_localllm.report.one import Made, Order
    from jupyter_localllm.report.order import Request

__all__ = ["COMMAND"]

_PAIR = ("NAME", "VALUE")
_LONGEST_NAME = 200
_ENDS = (
    "exit status: 0 all is well; 1 a cell failed, or a file was not written; 2 the line cannot be run as it is, and "
    "nothing has run; 3 a gate is not met; 130 stopped by Ctrl-C"
)
_READ_BY_DIFF = ("run", "diff", "json", "quiet")
_SPELLED = {"typed": "-p", "raw": "-r", "executed": "--notebook"}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _ENDS
    parser.add_argument("notebook", nargs="?", help="the notebook to run")
    parser.add_argument("--diff", nargs=2, metavar=("OLD", "NEW"), help="run nothing: tell what moved between two "
                        "executed notebooks; the exit status is 3 if something did")  # fmt: skip
    _parameters(parser.add_argument_group("parameters"))
    _outputs(parser.add_argument_group("files"))
    _running(parser.add_argument_group("the run"))
    gates = parser.add_argument_group("gates: the exit status is 3 if one is not met")
    gates.add_argument("--require-supported", type=_share, metavar="SHARE", help="least share of the checked claims "
                       "that are supported, as 0.95")  # fmt: skip
    gates.add_argument("--max-unsupported", type=_count, metavar="N", help="most claims that are not supported")
    gates.add_argument("--require-cached", action="store_true", help="each answer comes from the cache")


def _parameters(group: Any) -> None:
    group.add_argument("-p", dest="typed", nargs=2, action="append", default=[], metavar=_PAIR,
                       help="a parameter, as `-p region EU` or `-p region=EU`: a text where the notebook has "
                       "one, else a number, True, False, None, or a text")  # fmt: skip
    group.add_argument("-r", dest="raw", nargs=2, action="append", default=[], metavar=_PAIR,
                       help="a parameter that is a text, whatever it looks like")  # fmt: skip
    group.add_argument("--parameters", metavar="FILE", help="parameters from YAML or JSON; -p and -r come before them")
    group.add_argument("--rows", metavar="FILE", help="a CSV: one run for each row, columns are parameters")


def _outputs(group: Any) -> None:
    group.add_argument("--out", action="append", default=[], metavar="FILE",
                       help="the report, .html or .pdf, or both; {NAME} stands for a parameter, {row} for the row's "
                       "number")  # fmt: skip
    group.add_argument("--notebook", dest="executed", metavar="FILE", help="the executed notebook; beside --out if not "
                       "given")  # fmt: skip
    group.add_argument("--json", metavar="FILE", help="what programs read; beside --out if not given")
    group.add_argument("--code", action="store_true", help="with the code of the cells")
    group.add_argument("--title", metavar="TEXT", help="instead of the notebook's first heading; {NAME} stands for "
                       "a parameter")  # fmt: skip


def _running(group: Any) -> None:
    group.add_argument("--model", metavar="MODEL", help="answer with this model, unless a cell says otherwise")
    group.add_argument("--cache", choices=("use", "refresh", "off", "require"), help="what to do with the answer cache")
    group.add_argument("--import-cache", metavar="FILE", help="answers of `cache export`; with --cache require these "
                       "alone count")  # fmt: skip
    group.add_argument("--on-error", choices=("raise", "record"), help="what an answer that cannot be made does: "
                       "end the run, or stand in it")  # fmt: skip
    group.add_argument("--kernel", metavar="NAME", help="instead of the notebook's")
    group.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="most time for a cell")
    group.add_argument("--cwd", metavar="FOLDER", help="where the kernel works; the notebook's folder if not given")
    group.add_argument("--quiet", action="store_true", help="say what is wrong, and nothing else")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # which is in no range


def _share(text: str) -> float:
    share = _number(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share from 0 to 1, as 0.95")
    return share


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 0 on")
    return int(text)


def _seconds(text: str) -> float:
    seconds = _number(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time in seconds")
    return seconds


def _run(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.report.one import USAGE

    try:
        return _reports(arguments) if arguments.diff is None else _moved(arguments)
    except LocalLLMError as error:  # of the line: what goes wrong in a run is told by it
        say(in_shell(f"{type(error).__name__}: {error}"), sys.stderr)
        return USAGE


def _moved(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.config.written import write
    from jupyter_localllm.report.collect import read_notebook
    from jupyter_localllm.report.given import given, has_run, lines
    from jupyter_localllm.report.moved import compare, plain, text
    from jupyter_localllm.report.one import DONE, GATE
    from jupyter_localllm.report.summary import as_json

    if arguments.notebook is not None:
        raise UsageError("--diff compares two notebooks that have run, and runs none", "--diff OLD NEW")
    if unheeded := _unheeded(arguments):
        told = ", ".join(unheeded)
        raise UsageError(f"{told}: --diff runs nothing that this could hold for", "--diff OLD NEW [--json FILE]")
    old, new = (read_notebook(path) for path in arguments.diff)
    for path, notebook in zip(arguments.diff, (old, new), strict=True):
        if not has_run(notebook):
            raise UsageError(
                f"{path} has not been run: none of its cells has an output", "Name the executed notebooks."
            )
    changed, moved = given(old, new), compare(old, new)
    if arguments.json is not None:
        facts = {"old": arguments.diff[0], "new": arguments.diff[1], "parameters": [asdict(one) for one in changed]}
        write(Path(arguments.json), as_json({**facts, "moved": plain(moved)}))
    _tell(arguments, "\n\n".join(filter(None, ("\n".join(lines(changed)), text(moved)))))
    return GATE if any(one.what != "provenance" for one in moved) else DONE


def _unheeded(arguments: argparse.Namespace) -> list[str]:
    """The options that are given and that a comparison does not read."""
    given = (
        name
        for name, value in vars(arguments).items()
        if name not in _READ_BY_DIFF and value is not None and value is not False and value != []
    )
    return [_SPELLED.get(name, f"--{name.replace('_', '-')}") for name in given]


def _reports(arguments: argparse.Namespace) -> int:
    from jupyter_localllm.report.one import worst

    logging.getLogger("papermill").addHandler(logging.NullHandler())  # what it warns of is told in our words
    with contextlib.ExitStack() as stack:
        orders = _orders(arguments, stack)
        statuses: list[int] = []
        for number, order in enumerate(orders, start=1):
            named = _named(number, orders)
            _tell(arguments, named, *order.notes)
            made = _made(order, named, quiet=arguments.quiet)
            statuses.append(made.status)
            for line in made.wrong:  # of which run, too: a log may hold these lines alone
                say(line if not named or line.startswith(" ") else f"{named}: {line}", sys.stderr)
            _tell(arguments, *made.said)
            if made.status > 128:
                break
    _tell(arguments, of_all(statuses, len(orders)))
    return worst(statuses)


def _made(order: Order, named: str, *, quiet: bool) -> Made:
    from jupyter_localllm.report.one import FAILED, Made, make

    try:
        with shown(quiet=quiet) as watch:
            return make(order, watch)
    except UsageError as error:
        if not named:
            raise
        return Made(FAILED, tuple(str(error).splitlines()), ())  # of several runs one stops no other


def _tell(arguments: argparse.Namespace, *lines: str) -> None:
    if not arguments.quiet:
        for line in filter(None, lines):
            say(line, sys.stdout)


def _named(number: int, orders: list[Order]) -> str:
    """Which run; empty if there is one alone."""
    if len(orders) == 1:
        return ""
    from jupyter_localllm.report.parameters import tellable

    values = ", ".join(f"{name}={value}" for name, value in tellable(orders[number - 1].job.parameters).items())
    return clipped(one_line(f"run {number} of {len(orders)}" + (f" ({values})" if values else "")), _LONGEST_NAME)


def of_all(statuses: list[int], runs: int) -> str:
    """What came of several runs; empty if there is one alone."""
    if runs == 1:
        return ""
    told = f"{statuses.count(0):,} of {runs:,} runs are well"
    bad = [str(number) for number, status in enumerate(statuses, start=1) if status]
    missing = f"; {runs - len(statuses):,} did not begin" if len(statuses) < runs else ""
    return told + (f"; not run{'s' * (len(bad) > 1)} {', '.join(bad)}" if bad else "") + missing


def _orders(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> list[Order]:
    """What is to be made; all that can be wrong with the line is found here."""
    from jupyter_localllm.report.needed import papermill
    from jupyter_localllm.report.order import orders
    from jupyter_localllm.report.sidecar import imported

    if arguments.notebook is None:
        raise UsageError("no notebook is named", "jupyter localllm report NOTEBOOK --out FILE")
    papermill()
    made = orders(_request(arguments))
    if arguments.import_cache is None:
        return made
    first = made[0].job
    settings, told = stack.enter_context(imported(Path(arguments.import_cache), first.settings, first.folder))
    _tell(arguments, told)
    return [replace(order, job=replace(order.job, settings=settings)) for order in made]


def _request(arguments: argparse.Namespace) -> Request:
    from jupyter_localllm.report.gates import Gates
    from jupyter_localllm.report.order import Request
    from jupyter_localllm.report.parameters import from_file, from_rows, from_words

    words = from_words(*([(name, value_of(value)) for name, value in one] for one in (arguments.typed, arguments.raw)))
    rows = None if arguments.rows is None else from_rows(Path(arguments.rows))
    for name in {name for row in rows or () for name in row} & set(words):
        raise UsageError(f"the parameter {name} is a column of {arguments.rows}, and is given besides", "Give one.")
    filed = {} if arguments.parameters is None else from_file(Path(arguments.parameters))
    return Request(
        Path(arguments.notebook),
        {**filed, **words},
        rows,
        arguments.out,
        arguments.executed,
        arguments.json,
        Gates(arguments.require_supported, arguments.require_cached, arguments.max_unsupported),
        arguments.code,
        arguments.title,
        _settings(arguments),
        arguments.kernel,
        arguments.timeout,
        None if arguments.cwd is None else Path(arguments.cwd),
    )


def _settings(arguments: argparse.Namespace) -> dict[str, str]:
    """What the kernel is told by its environment."""
    model = arguments.model
    if model is not None and Path(model).expanduser().is_file():
        model = str(Path(model).expanduser().absolute())  # the kernel works in another folder
    told = {"model": model, "cache": arguments.cache, "on_error": arguments.on_error}
    return {name: value for name, value in told.items() if value is not None}


COMMAND = Command("report", "run a notebook, and make a report of it", _arguments, _run, as_pairs)
