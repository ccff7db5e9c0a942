"""From what came of a run to its files and its exit status."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_localllm.report import one, page
from jupyter_localllm.report import pdf as printing
from jupyter_localllm.report.gates import Gates
from jupyter_localllm.report.one import Made, Order, make
from jupyter_localllm.report.places import FORMAT, Places
from jupyter_localllm.report.run import Failure, Job, Run
from jupyter_localllm.report.summary import as_json


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a report of a run that is only said to have been."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("print('here')", execution_count=1)]

    def make_it(gates: Gates | None = None, pdf: bool = False, **facts: Any) -> tuple[Made, dict[str, Any]]:
        ran = Run(notebook, datetime(2026, 1, 2, 3, tzinfo=timezone.utc), 65.0, **facts)
        monkeypatch.setattr(one, "run", lambda job, watch: ran)
        places = Places(
            tmp_path / "r.ipynb", tmp_path / "r.json", tmp_path / "r.html", tmp_path / "r.pdf" if pdf else None
        )
        job = Job(tmp_path / "in.ipynb", notebook, {"n": 3, "x": math.nan, "api_key": "s"}, places.notebook, tmp_path)
        told = make(Order(job, places, gates or Gates(), notes=("a note",)), watch=None)  # type: ignore[arg-type]
        return told, json.loads(places.json.read_text(encoding="utf-8")) if places.json.is_file() else {}

    return make_it


def test_all_is_well(made: Any, tmp_path: Path) -> None:
    """Status 0, and the JSON says what was run, when, how long, with what, and where it is."""
    told, kept = made()
    assert (told.status, told.wrong) == (0, ())
    assert told.said[0] == "0 answers in 1 min 5 s"
    assert kept["format"] == FORMAT
    assert kept["started"] == "2026-01-02T03:00:00+00:00"
    assert (kept["seconds"], kept["parameters"], kept["notes"]) == (
        65.0,
        {"n": 3, "x": "nan", "api_key": "…"},
        ["a note"],
    )
    assert kept["cells"][0]["source"] == "print('here')"
    assert {"jupyter_localllm", "python", "papermill", "nbclient"} <= kept["versions"].keys()
    assert kept["outputs"] == {
        kind: {"path": str(tmp_path / name)}
        for kind, name in (("notebook", "r.ipynb"), ("json", "r.json"), ("html", "r.html"))
    }


def test_a_page_that_cannot_be_made_costs_the_page(made: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The rest is there, the error is told and kept, and the status is 1."""

    def breaks(*_: object, **__: object) -> str:
        raise RuntimeError("a template")

    monkeypatch.setattr(page, "html", breaks)
    told, kept = made()
    assert told.status == kept["status"] == 1
    assert told.wrong == (f"{tmp_path / 'r.html'} is not written: RuntimeError: a template",)
    assert kept["outputs"]["html"]["error"] == "RuntimeError: a template"
    assert not (tmp_path / "r.html").exists()


def test_the_page_is_made_once(made: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The PDF is printed of the page that is written."""
    titles = iter(["first", "second"])
    monkeypatch.setattr(page, "html", lambda *_, **__: next(titles))
    monkeypatch.setattr(printing, "printed", str.encode)
    made(pdf=True)
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == (tmp_path / "r.pdf").read_text(encoding="utf-8")


def test_a_summary_that_cannot_be_written_is_told(made: Any, tmp_path: Path) -> None:
    """Status 1; the page is there."""
    (tmp_path / "r.json").mkdir()
    told, _ = made()
    assert told.status == 1
    assert "r.json is not written: OSError" in told.wrong[0]
    assert (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("facts", "gates", "status", "wrong"),
    [
        ({"failure": Failure("ValueError", "no", 0, "", "print('here')", 1)}, Gates(), 1, "cell 1 of 1 (In [1]: print"),
        ({"failure": Failure("NoSuchKernel", "x")}, Gates(), 1, "the kernel failed: NoSuchKernel: x"),
        ({"signal": 2}, Gates(supported=1.0), 130, "stopped"),
        ({"signal": 15}, Gates(), 143, "stopped"),
        ({}, Gates(supported=1.0), 3, "--require-supported 1 is not met: no claim of it was checked"),
        ({"failure": Failure("E", "e")}, Gates(supported=1.0), 1, "the kernel failed"),
        ({"unsaved": "No space left"}, Gates(), 1, "r.ipynb is not written: No space left"),
    ],
)
def test_how_it_ends(made: Any, facts: dict[str, Any], gates: Gates, status: int, wrong: str) -> None:
    """A failed cell counts more than a gate; each is told, and the JSON has the same status."""
    told, kept = made(gates, **facts)
    assert told.status == kept["status"] == status
    assert any(wrong in line for line in told.wrong)


def test_json_holds_anything() -> None:
    """What JSON has no word for becomes a text."""
    assert json.loads(as_json({1: (math.inf, Path("a"), None, True, b"x")})) == {"1": ["inf", "a", None, True, "b'x'"]}
