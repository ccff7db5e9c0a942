"""Answers from tables and texts: are they right, and do their citations carry them?

``python -m benchmarks.cited --tables FOLDER [--out FILE]`` asks ``llm.ask`` generated and real questions whose answers
are known, and prints a table and JSON: shares with their 95 % intervals (answers resampled), counts, and of each
whether it is a gate. ``--tables`` names a folder with ``csv/`` and ``questions.tsv``; it stays outside of the project.

Rows: lookups (plain), wordings, languages, number-keys, questions (the benchmark's own), statistics, prose, refusals,
texts, injections, shapes; then claims and readings (over all answers), time, ranking (the same without the model's
words) and usual (the usual recipe on the same model), both informational. Everything is seeded; Ctrl-C ends with what
there is.
"""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cited import of_questions, of_tables, of_texts, overall
from benchmarks.cited.asking import Ask, Run
from benchmarks.cited.standin import standin
from benchmarks.cited.tables import Question, read_questions, read_tables
from benchmarks.cited.usual import usual
from benchmarks.spread import machine
from jupyter_localllm.errors import LocalLLMError

__all__ = ["ROWS", "main"]

ASKED = (
    *("lookups", "wordings", "languages", "number-keys", "questions", "statistics", "prose", "refusals"),
    *("texts", "injections", "shapes"),
)
ROWS = (*ASKED, "claims", "readings", "time", "ranking", "usual")
_NEEDS = {"claims": ("lookups", "statistics", "prose"), "readings": ("lookups", "statistics", "questions")}
_RANKED = ("lookups", "wordings", "languages", "questions", "statistics", "prose", "refusals", "texts")
_COMPARED = ("lookups", "questions", "statistics", "prose", "refusals")


@dataclass
class Session:
    """The runs of one call, and the report as it grows."""

    options: argparse.Namespace
    questions: Sequence[Question]
    runs: dict[str, Run]
    stream: Callable[..., Any] | None
    report: dict[str, Any]

    def row(self, name: str, run: Run) -> dict[str, Any]:
        """The figures of one row of one run."""
        rows: dict[str, Callable[[], dict[str, Any]]] = {
            "lookups": lambda: of_tables.lookups(run),
            "wordings": lambda: of_tables.wordings(run),
            "languages": lambda: of_tables.languages(run),
            "number-keys": lambda: of_tables.number_keys(run),
            "questions": lambda: of_questions.questions(run, self.questions),
            "statistics": lambda: of_questions.statistic_questions(run),
            "prose": lambda: of_questions.prose(run),
            "refusals": lambda: of_tables.refusals(run),
            "texts": lambda: of_texts.texts(run),
            "injections": lambda: of_tables.injected(run),
            "shapes": lambda: of_questions.shapes(run),
            "claims": lambda: overall.claims(run),
            "readings": lambda: overall.readings(run),
        }
        return rows[name]()

    def measure(self, name: str) -> None:
        """One row of the report, written out at once."""
        results = self.report["results"]
        if name in results:
            return
        for needed in _NEEDS.get(name, ()):
            self.measure(needed)
        begun = time.perf_counter()
        if name == "time":
            results[name] = self._time()
        elif name in ("ranking", "usual"):
            for run in [r for key, r in self.runs.items() if key.split(":")[0] == name]:
                wanted = _RANKED if name == "ranking" else _COMPARED
                told = results.setdefault(run.name, {})
                for row in wanted:
                    told[row] = informational(self.row(row, run), ranked=name == "ranking")
                    self.write()
                told["claims"] = informational(overall.claims(run), ranked=False)
        else:
            results[name] = self.row(name, self.runs["full"])
        self.report["seconds"][name] = round(time.perf_counter() - begun, 1)
        self.write()

    def _time(self) -> dict[str, Any]:
        if self.stream is None:
            return {"missing": "a stream: the stand-in has none"}
        n = 24 if self.options.limit is None else self.options.limit
        try:
            return overall.times(self.stream, rows=10_000, n=max(1, n), seed=self.options.seed)
        except (LocalLLMError, RuntimeError, ValueError) as error:  # the other rows are not lost
            return {"failed": f"{type(error).__name__}: {error}", "gate": {"kept": False}}

    def write(self) -> None:
        """After each row: a long run that ends early is not lost."""
        errors = Counter(a.error for run in self.runs.values() for row in run.asked.values() for a in row if a.error)
        self.report["errors"] = dict(errors.most_common(20))
        if self.options.out:
            self.options.out.write_text(json.dumps(self.report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if self.options.records:
            with self.options.records.open("w", encoding="utf-8") as lines:
                for run in self.runs.values():
                    for asked in (a for row in run.asked.values() for a in row):
                        lines.write(json.dumps({"run": run.name, **asked.record()}, ensure_ascii=False) + "\n")


def main(arguments: list[str] | None = None) -> None:
    """Measure what is asked for."""
    options = _parser().parse_args(arguments)
    for name in [n for n in os.environ if n.startswith("JUPYTER_LOCALLLM_")]:
        del os.environ[name]  # whoever runs this measures no settings of their own
    about = machine()
    tables = read_tables(options.tables)
    report: dict[str, Any] = {
        "benchmark": "cited",
        "machine": about,
        "versions": _versions(),
        "settings": {"seed": options.seed, "limit": options.limit, "threads": options.threads},
        "tables": {"tables": len(tables), "cells": int(sum(t.frame.size for t in tables))},
        "results": {},
        "seconds": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        session = _session(options, tables, report, Path(folder))
        try:
            for name in options.only or ROWS:
                session.measure(name)
        except KeyboardInterrupt:
            report["interrupted"] = True
        session.write()
    print(printed(report), file=sys.stderr)
    print(json.dumps(report, indent=1, ensure_ascii=False))


def _session(options: argparse.Namespace, tables: Sequence[Any], report: dict[str, Any], folder: Path) -> Session:
    def run(name: str, ask: Ask) -> Run:
        return Run(ask, tables, options.seed, options.limit, name)

    known = read_questions(options.tables)
    if options.standin:
        report["model"] = "none: the stand-in"
        return Session(options, known, {"full": run("full", standin)}, None, report)
    llm = _handle(options.model, options, folder)
    report["model"] = _told(options.model)
    ask = functools.partial(llm.ask, cache="off")
    runs = {"full": run("full", ask), "ranking": run("ranking", functools.partial(ask, write=False))}
    runs["usual"] = run("usual", usual(llm.generate))
    for other in options.usual_model or ():
        name = f"usual:{Path(other).name}"
        runs[name] = run(name, usual(_handle(other, options, folder).generate))
    return Session(options, known, runs, functools.partial(llm.stream_ask, cache="off"), report)


def _handle(model: str, options: argparse.Namespace, folder: Path) -> Any:
    from jupyter_localllm import LocalLLM

    settings: dict[str, Any] = {"model": model, "cache_dir": str(folder / "cache")}
    if options.threads:
        settings["n_threads"] = options.threads
    return LocalLLM(**settings)


def _told(model: str) -> dict[str, Any]:
    from jupyter_localllm.models import find

    found = find(model, memo={})
    return {"name": found.name, "sha256": found.sha256, "bytes": found.size_bytes}


def _versions() -> dict[str, str]:
    names = ("jupyter_localllm", "llama_cpp_python", "pandas", "narwhals", "polars", "pyarrow", "duckdb", "numpy")
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name == "jupyter_localllm":
                from jupyter_localllm import __version__

                found[name] = __version__
    return found


def informational(figures: dict[str, Any], *, ranked: bool) -> dict[str, Any]:
    """Figures without their bars, and where passages are not ranked without their places, too."""
    kept = {k: v for k, v in figures.items() if k != "gate" and (ranked or not k.startswith("retrieval"))}
    return {k: informational(v, ranked=ranked) if isinstance(v, dict) else v for k, v in kept.items()}


def printed(report: dict[str, Any]) -> str:
    """The report as a table: share, its 95 % interval, of how many, and the bar."""
    lines = [f"{'row':<58} {'share':>7} {'95 %':>15} {'n':>6}  bar"]
    lines += _lines("", report["results"])
    lines += [f"{times} x {error.splitlines()[0]}" for error, times in report.get("errors", {}).items()]
    return "\n".join(lines)


def _lines(path: str, figures: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, figure in figures.items():
        if not isinstance(figure, dict):
            continue
        here = f"{path} / {name}" if path else name
        bar = _bar(figure.get("gate"))
        if "failed" in figure and "gate" in figure:
            lines.append(f"{here:<58} failed: {figure['failed']}")
        elif "worst_ms" in figure:
            lines.append(f"{here:<58} p50 {figure['p50_ms']:.0f} ms, worst {figure['worst_ms']:.0f} ms  {bar}")
        elif "share" not in figure:
            lines += _lines(here, figure)
        elif figure["share"] is not None:
            spread = f"{figure['low']:.3f}-{figure['high']:.3f}"
            lines.append(f"{here:<58} {figure['share']:>7.3f} {spread:>15} {figure['n']:>6}  {bar}")
    return lines


def _bar(gate: dict[str, Any] | None) -> str:
    if gate is None:
        return ""
    bar = next((f"{name.replace('_', ' ')} {value}" for name, value in gate.items() if name != "kept"), "")
    return f"{bar}: {'kept' if gate['kept'] else 'NOT kept'}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cited", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=Path, required=True, metavar="FOLDER", help="with csv/ and questions.tsv")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="catalog name or path (default: %(default)s)")
    parser.add_argument(
        "--usual-model", action="append", metavar="PATH", help="the usual recipe with this GGUF, too; several times"
    )
    parser.add_argument("--only", action="append", choices=ROWS, help="this row; may be given several times")
    parser.add_argument("--limit", type=int, help="questions of each row (default: each row's own number)")
    parser.add_argument("--seed", type=int, default=1, help="of all sampling (default: 1)")
    parser.add_argument("--threads", type=int, help="threads that decode (default: the product's own choice)")
    parser.add_argument("--out", type=Path, help="write the JSON to this file, too")
    parser.add_argument("--records", type=Path, help="write each question and answer to this file, a JSON a line")
    parser.add_argument("--standin", action="store_true", help="ask a stand-in without a model: tries the measuring")
    return parser


if __name__ == "__main__":
    main()
