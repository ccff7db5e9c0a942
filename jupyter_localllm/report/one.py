"""One report, from the notebook to its files; and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from jupyter_localllm.batch.view import duration
from jupyter_localllm.errors import words_of
from jupyter_localllm.report.collect import KeptAnswer, collect
from jupyter_localllm.report.gates import Gates, Verdict, figures, judged
from jupyter_localllm.report.halted import halted
from jupyter_localllm.report.places import Places
from jupyter_localllm.report.progress import Watch, first_words
from jupyter_localllm.report.run import Job, Run, run, where
from jupyter_localllm.report.summary import as_json, summary
from jupyter_localllm.report.written import write
from jupyter_localllm.show.listing import clipped, one_line

__all__ = ["DONE", "FAILED", "GATE", "USAGE", "Made", "Order", "make", "worst"]

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
GATE: Final = 3
_LONGEST_ERROR = 300  # of a miss under `require`: what changed since
_SIGNAL: Final = 128
"""A run that a signal ended has this and the signal's number, as shells have it."""


@dataclass(frozen=True)
class Order:
    """What is to be made.

    Parameters
    ----------
    job : Job
    places : Places
    gates : Gates
    code : bool
        Whether pages show the code.
    title : str or None
        Of the pages; the notebook's own if None.
    notes : tuple of str
        What was said of the parameters.
    """

    job: Job
    places: Places
    gates: Gates = field(default_factory=Gates)
    code: bool = False
    title: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """What came of it.

    Parameters
    ----------
    status : int
        The exit status: 0; 1 a cell failed, or a file could not be written; 3 a gate failed; 130 interrupted.
    wrong : tuple of str
        What is wrong, a line each.
    said : tuple of str
        What came of it otherwise.
    """

    status: int
    wrong: tuple[str, ...]
    said: tuple[str, ...]


def make(order: Order, watch: Watch) -> Made:
    """Run the notebook, judge it, and write its files.

    The executed notebook is written while it runs; what cannot be made of it afterwards costs nothing else.
    """
    ran = run(order.job, watch)
    answers = collect(ran.notebook)
    verdicts = judged(order.gates, answers)
    outputs = {"notebook": _facts(order.places.notebook, ran.unsaved)}

    def told() -> str:
        status = _status(ran, verdicts, outputs)
        return as_json(summary(order.job, ran, answers, verdicts, status=status, outputs=outputs, told=order.notes))

    outputs["json"] = _attempt(order.places.json, told)  # already now: a page may take all the memory there is
    outputs |= {kind: _attempt(path, content) for kind, path, content in _pages(order, ran.notebook)}
    outputs["json"] = _attempt(order.places.json, told)
    wrong = [*_failure(ran), *_gates(ran, verdicts, answers)]
    wrong += [f"{facts['path']} is not written: {facts['error']}" for facts in outputs.values() if "error" in facts]
    return Made(_status(ran, verdicts, outputs), tuple(wrong), tuple(_said(ran, answers, outputs)))


def worst(statuses: Sequence[int]) -> int:
    """The exit status of several runs: interrupted, then a failed cell, then a failed gate.

    Examples
    --------
    >>> worst([0, 3, 1, 0]), worst([0, 3]), worst([])
    (1, 3, 0)
    """
    order = (DONE, GATE, FAILED)
    return max(statuses, key=lambda status: order.index(status) if status in order else status, default=DONE)


def _pages(order: Order, notebook: Any) -> Iterator[tuple[str, Any, Callable[[], str | bytes]]]:
    @cache
    def html() -> str:
        from jupyter_localllm.report.page import html as page

        return page(notebook, code=order.code, title=order.title)

    def pdf() -> bytes:
        from jupyter_localllm.report.pdf import printed

        return printed(html())

    if order.places.html is not None:
        yield "html", order.places.html, html
    if order.places.pdf is not None:
        yield "pdf", order.places.pdf, pdf


def _attempt(path: Any, content: Callable[[], str | bytes]) -> dict[str, str]:
    try:
        write(path, content())
    except Exception as error:  # of a template, of a browser, of the disk: the rest is to be written all the same
        return _facts(path, f"{type(error).__name__}: {words_of(error)}")
    return _facts(path, "")


def _facts(path: Any, error: str) -> dict[str, str]:
    return {"path": str(path), **({"error": error} if error else {})}


def _status(ran: Run, verdicts: Sequence[Verdict], outputs: dict[str, dict[str, str]]) -> int:
    if ran.signal is not None:
        return _SIGNAL + ran.signal
    if ran.failure is not None or any("error" in facts for facts in outputs.values()):
        return FAILED
    return DONE if all(verdict.passed for verdict in verdicts) else GATE


def _failure(ran: Run) -> Iterator[str]:
    if ran.signal is not None:
        yield f"stopped{_stopped_in(ran)}; what there is of the notebook is kept"
    elif ran.failure is not None:
        told = f"{ran.failure.name}: {ran.failure.message}".strip(": ")
        yield f"{where(ran.failure, len(ran.notebook.cells))} failed: {told}"


def _stopped_in(ran: Run) -> str:
    halt = halted(ran.notebook.cells)
    if halt is None or halt.cell is None:
        return ""
    return (
        f" in cell {halt.cell + 1} of {len(ran.notebook.cells)} ({first_words(ran.notebook.cells[halt.cell].source)})"
    )


def _gates(ran: Run, verdicts: Sequence[Verdict], answers: Sequence[KeptAnswer]) -> Iterator[str]:
    if ran.signal is not None:
        return
    for verdict in verdicts:
        if verdict.passed:
            continue
        asked = "" if verdict.gate == "require-cached" else f" {verdict.asked:g}"
        yield f"--{verdict.gate}{asked} is not met: {verdict.told}"
        for index in verdict.offenders:
            yield f"  {_of_answer(answers[index], ran.notebook)}"


def _of_answer(answer: KeptAnswer, notebook: Any) -> str:
    """Which answer, and what is with it."""
    cell = notebook.cells[answer.cell]
    count = cell.get("execution_count")
    called = f"{answer.name} << " if answer.name else ""
    doubtful = answer.unsupported + answer.stale
    facts = [f"{doubtful:,} not supported"] if doubtful else []
    facts += ["not from the cache"] if answer.cached is False else []
    facts += [clipped(one_line(answer.error), _LONGEST_ERROR)] if answer.error else []
    place = f"cell {answer.cell + 1} of {len(notebook.cells)}{'' if count is None else f' (In [{count}])'}"
    return f"{place}: {called}{first_words(answer.question or cell.source)}: {', '.join(facts)}"


def _said(ran: Run, answers: Sequence[KeptAnswer], outputs: dict[str, dict[str, str]]) -> Iterator[str]:
    counted = figures(answers)
    told = [f"{counted.answers:,} {'answer' if counted.answers == 1 else 'answers'} in {duration(ran.seconds)}"]
    told += [f"{counted.cached:,} from the cache"] if counted.cached else []
    if counted.share is not None:
        told.append(f"{counted.supported:,} of {counted.checked:,} checked claims supported")
    told += [f"{counted.errors:,} with errors"] if counted.errors else []
    yield ", ".join(told)
    made = [outputs[kind] for kind in ("html", "pdf", "notebook", "json") if kind in outputs]
    yield from (f"written: {facts['path']}" for facts in made if "error" not in facts)
