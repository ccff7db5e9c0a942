"""What a report says to programs keeps to the shipped schema."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timezone
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jupyter_localllm.report.collect import KeptAnswer, collect
from jupyter_localllm.report.gates import Figures, Gates, judged
from jupyter_localllm.report.run import Failure, Job, Run
from jupyter_localllm.report.summary import as_json, summary
from tests.report.samples import notebook

SCHEMA = json.loads((resources.files("jupyter_localllm.report") / "report.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def made(failure: Failure | None = None, status: int = 0, ran: Any = None) -> Any:
    """What a program reads of a report with each kind of answer, and all gates."""
    ran = ran or notebook()
    answers = collect(ran)
    job = Job(Path("in.ipynb"), ran, {"region": "EU", "rate": float("nan")}, Path("out.ipynb"), Path())
    run = Run(ran, datetime.now(timezone.utc), 1.5, failure)
    verdicts = judged(Gates(0.95, True, 0), answers)
    outputs = {"notebook": {"path": "out.ipynb"}, "json": {"path": "out.json", "error": "no space"}}
    return json.loads(as_json(summary(job, run, answers, verdicts, status=status, outputs=outputs, told=("a note",))))


def test_it_is_a_schema() -> None:
    """The file is a JSON Schema itself."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("failure", [None, Failure("E", "no", 2, "id", "x", 3), Failure("E", "the kernel")])
def test_a_report_keeps_to_it(failure: Failure | None) -> None:
    """Every kind of answer, all gates, files that were not written, a run that failed."""
    assert [error.message for error in VALIDATOR.iter_errors(made(failure, 1 if failure else 3))] == []


def test_a_clock_that_was_set_back() -> None:
    """Times below zero, as papermill notes them then, tell nothing."""
    ran = notebook()
    ran.cells[0].metadata["papermill"] = {"status": "completed", "duration": -3600.0}
    ran.cells[1].metadata["papermill"] = {"status": "completed", "duration": 0.5}
    told = made(ran=ran)
    assert [cell["seconds"] for cell in told["cells"][:2]] == [None, 0.5]
    assert VALIDATOR.is_valid(told)


def test_it_names_all_there_is() -> None:
    """A field that comes later is not forgotten, and none is told that is not there."""
    properties = SCHEMA["properties"]
    assert list(properties) == list(made()) == SCHEMA["required"]
    answer = properties["answers"]["items"]
    assert sorted(answer["properties"]) == sorted(field.name for field in dataclasses.fields(KeptAnswer))
    assert sorted(answer["required"]) == sorted(answer["properties"])
    assert list(properties["figures"]["properties"])[:-1] == [field.name for field in dataclasses.fields(Figures)]
    assert list(properties["failure"]["properties"]) == [field.name for field in dataclasses.fields(Failure)]


@pytest.mark.parametrize("change", [{"colour": "red"}, {"status": 2}, {"gates": [{}]}, {"version": 2}, {"failure": {}}])
def test_it_is_strict(change: dict[str, Any]) -> None:
    """What we do not write is refused."""
    assert not VALIDATOR.is_valid(made() | change)
