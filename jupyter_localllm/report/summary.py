"""``report.json``: what a report says to programs."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from jupyter_localllm._version import __version__
from jupyter_localllm.pipeline import version_of
from jupyter_localllm.report.collect import KeptAnswer
from jupyter_localllm.report.gates import Verdict, figures
from jupyter_localllm.report.parameters import tellable
from jupyter_localllm.report.places import FORMAT
from jupyter_localllm.report.progress import first_words
from jupyter_localllm.report.run import Job, Run

__all__ = ["VERSION", "as_json", "summary"]

VERSION = 1
_PACKAGES = ("papermill", "nbclient", "nbformat", "nbconvert", "jupyter_client", "ipykernel")


def summary(
    job: Job,
    run: Run,
    answers: Sequence[KeptAnswer],
    verdicts: Sequence[Verdict],
    *,
    status: int,
    outputs: Mapping[str, Mapping[str, str]],
    told: Sequence[str] = (),
) -> dict[str, Any]:
    """All of a report that a program may ask for.

    Parameters
    ----------
    job, run, answers, verdicts
        What was to be done, and what came of it.
    status : int
        The exit status.
    outputs : Mapping
        Of each kind of file (``"html"`` …) its ``path``, or the ``error`` that stands in its way.
    told : sequence of str
        What was said of the parameters.

    Returns
    -------
    dict
        ``format``, ``version``, ``status``, ``notebook``, ``parameters``, ``notes``, ``settings``, ``kernel``,
        ``started``, ``seconds``, ``interrupted``, ``failure``, ``figures``, ``gates``, ``cells``, ``answers``,
        ``outputs``, ``versions``.
    """
    counted = figures(answers)
    return {
        "format": FORMAT,
        "version": VERSION,
        "status": status,
        "notebook": str(job.source),
        "parameters": tellable(job.parameters),
        "notes": list(told),
        "settings": dict(job.settings),
        "kernel": job.kernel,
        "started": run.started.isoformat(timespec="seconds"),
        "seconds": round(run.seconds, 3),
        "interrupted": run.signal is not None,
        "failure": None if run.failure is None else asdict(run.failure),
        "figures": {**asdict(counted), "share_supported": counted.share},
        "gates": [verdict.to_dict() for verdict in verdicts],
        "cells": [_cell(index, cell) for index, cell in enumerate(run.notebook.cells)],
        "answers": [_answer(answer) for answer in answers],
        "outputs": {kind: dict(facts) for kind, facts in outputs.items()},
        "versions": {"jupyter_localllm": __version__, "python": platform.python_version(), **_packages()},
    }


def as_json(content: Mapping[str, Any]) -> str:
    """As a file holds it."""
    return json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _packages() -> dict[str, str]:
    return {name: version for name in _PACKAGES if (version := version_of(name))}


def _cell(index: int, cell: Any) -> dict[str, Any]:
    ran = cell.metadata.get("papermill", {})
    took = ran.get("duration")
    return {
        "cell": index,
        "cell_id": cell.get("id", ""),
        "type": cell.cell_type,
        "source": first_words(cell.source),
        "execution_count": cell.get("execution_count"),
        "state": ran.get("status"),
        "seconds": took if isinstance(took, (int, float)) and took >= 0 else None,  # by a clock that may be set back
    }


def _answer(answer: KeptAnswer) -> dict[str, Any]:
    return {field.name: getattr(answer, field.name) for field in fields(answer)}


def _plain(value: Any) -> Any:
    """A value as JSON has it; what it has no word for becomes a text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)
