"""The example notebooks run as they are, unattended, and come out the same the second time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from jsonschema import Draft202012Validator
from papermill import PapermillExecutionError

from tests import alone
from tests.scripts import imported

pytestmark = pytest.mark.model

CHECKOUT = Path(__file__).resolve().parents[1]
EXAMPLES = CHECKOUT / "examples"
NOTEBOOKS = ("quickstart", "cited", "extraction", "tools", "sales_report")
ANSWER = "application/vnd.jupyter-localllm.answer+json"
REPORT = {"region": "Asia", "month": "2024-07"}
PARAMETERS = {"sales_report": REPORT}


@dataclass(frozen=True)
class Runs:
    """Each example run twice with one cache; the first time without a network, and watched."""

    first: dict[str, Any]
    second: dict[str, Any]
    environment: dict[str, str]
    interfaces: Sequence[str]
    contacts: Sequence[alone.Contact]


def environment_of(cache: Path) -> dict[str, str]:
    """What the kernels of these tests are told: a cache of their own, this checkout, and to measure nothing."""
    path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    return {"JUPYTER_LOCALLLM_CACHE_DIR": str(cache), "JUPYTER_LOCALLLM_CALIBRATE": "false", "PYTHONPATH": path}


def arguments(name: str, out: Path, folder: Path, parameters: dict[str, Any]) -> dict[str, Any]:
    """What papermill is told."""
    source, made = str(EXAMPLES / f"{name}.ipynb"), str(out)
    return {"input_path": source, "output_path": made, "parameters": parameters, "cwd": str(folder)}


def run(name: str, out: Path, *, folder: Path = EXAMPLES, **parameters: Any) -> Any:
    """Execute an example as papermill's users do, from some folder, and read what was saved."""
    papermill.execute_notebook(**arguments(name, out, folder, parameters), kernel_name="python3", progress_bar=False)
    return nbformat.read(out, as_version=4)


def run_alone(folder: Path, environment: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Execute all examples where there is no network but the loopback, if the machine permits such a place.

    Returns
    -------
    notebooks : dict
    interfaces : list of str
        The network's, as they were seen from inside.
    """
    made = {name: folder / f"{name}-0.ipynb" for name in NOTEBOOKS}
    wanted = [arguments(name, out, EXAMPLES, PARAMETERS.get(name, {})) for name, out in made.items()]
    command = alone.program(sys.executable, str(Path(alone.__file__).parent / "notebooks.py"), json.dumps(wanted))
    told = {**os.environ, **environment, **alone.environment(folder / "sockets", environment["PYTHONPATH"])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=told, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return {n: nbformat.read(out, as_version=4) for n, out in made.items()}, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("examples")
    environment = environment_of(folder / "cache")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in environment.items():
            patch.setenv(variable, value)
        first, interfaces = run_alone(folder, environment)
        second = {  # people call papermill from either folder
            name: run(name, folder / f"{name}-1.ipynb", folder=CHECKOUT, **PARAMETERS.get(name, {}))
            for name in NOTEBOOKS
        }
        yield Runs(first, second, environment, interfaces, alone.contacts(folder / "sockets"))


@pytest.fixture
def same_places(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of the runs, for one more."""
    for variable, value in runs.environment.items():
        monkeypatch.setenv(variable, value)


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def answers(notebook: Any) -> list[dict[str, Any]]:
    return [output["data"][ANSWER] for output in outputs(notebook) if ANSWER in output.get("data", {})]


def volatile(notebook: Any) -> list[dict[str, Any]]:
    """Of the answers that a model made: what the sources do not say is answered without one, and not kept."""
    found = [output["metadata"]["jupyter_localllm"] for output in outputs(notebook) if ANSWER in output.get("data", {})]
    return [facts["volatile"] for facts in found if facts["key"]]


def answer_of(notebook: Any, cell_id: str) -> dict[str, Any]:
    """The answer that stands below a cell."""
    (cell,) = (cell for cell in notebook.cells if cell.id == cell_id)
    (answer,) = (output["data"][ANSWER] for output in cell.outputs if ANSWER in output.get("data", {}))
    return dict(answer)


def printed(notebook: Any, cell_id: str) -> str:
    """What a cell printed."""
    (cell,) = (cell for cell in notebook.cells if cell.id == cell_id)
    return "".join(output["text"] for output in cell.outputs if output.get("name") == "stdout")


def without_llama_cpp(folder: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    """Kernels from now on cannot import llama.cpp, and may answer from the cache only."""
    broken = folder / "broken" / "llama_cpp"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('not here')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(broken.parent), environment["PYTHONPATH"])))
    monkeypatch.setenv("JUPYTER_LOCALLLM_CACHE", "require")


# ---------------------------------------------------------------------------------------------------------------------
# As they are committed


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_committed_without_outputs(name: str) -> None:
    """A notebook in the repository is what a person wrote: no outputs, no counts, ids that do not change by chance."""
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert outputs(notebook) == []
    assert {cell.execution_count for cell in notebook.cells if cell.cell_type == "code"} == {None}
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]+", cell_id) for cell_id in ids)


def test_the_data_are_made_by_their_script() -> None:
    """sales.csv is what make_sales.py writes, so that nobody has to wonder where its numbers come from."""
    with imported("examples/data/make_sales.py") as module:
        assert (EXAMPLES / "data" / "sales.csv").read_text().splitlines() == module.rows()


# ---------------------------------------------------------------------------------------------------------------------
# Run twice


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_second_run_is_the_same(runs: Runs, name: str) -> None:
    """The data of every output, pictures and tables included, and all that was printed are the same in a second run."""

    def content(notebook: Any) -> list[Any]:
        # Not stderr: matplotlib tells there, once in a machine's life, that it looks for fonts. What a cell prints may
        # come in one message or in two, which is a matter of time and not of content.
        return [
            (
                [output["data"] for output in cell.get("outputs", ()) if "data" in output],
                "".join(output["text"] for output in cell.get("outputs", ()) if output.get("name") == "stdout"),
            )
            for cell in notebook.cells
        ]

    assert content(runs.first[name])
    assert content(runs.first[name]) == content(runs.second[name])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_second_run_is_from_the_cache(runs: Runs, name: str) -> None:
    """Nothing is asked twice: the first run asks the model, the second finds every answer on the disk."""
    assert not all(facts["cached"] for facts in volatile(runs.first[name]))
    cached = [facts["cached"] for facts in volatile(runs.second[name])]
    assert cached
    assert all(cached)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_saved_without_widgets(runs: Runs, name: str) -> None:
    """A saved report needs no running kernel and no widget manager to be read."""
    saved = json.dumps(runs.first[name])
    assert "widget" not in saved
    assert "widgets" not in runs.first[name].metadata


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_answers_are_whole(runs: Runs, name: str) -> None:
    """No answer of the examples is cut off or goes round in circles: they are what people see first."""
    found = answers(runs.first[name])
    assert len(found) >= 2
    assert [(answer["text"], answer["notes"]) for answer in found if answer["notes"]] == []


@pytest.mark.skipif(not alone.namespaces_permitted(), reason="this machine permits no network namespaces")
def test_without_a_network(runs: Runs) -> None:
    """All examples run where there is nothing but the loopback: no question, answer or look-up needs more."""
    assert list(runs.interfaces) == ["lo"]


def test_nobody_is_contacted(runs: Runs) -> None:
    """In kernels and their children no connection is made at all; what is bound are the kernel's own ports."""
    kernels = [contact for contact in runs.contacts if "notebooks.py" not in contact.process]
    assert [contact for contact in kernels if contact.event != "socket.bind" or not contact.inside] == []
    assert [contact for contact in runs.contacts if not contact.inside] == []


def test_the_watch_sees(tmp_path: Path) -> None:
    """What watches the examples writes down a connection, and lets none go to another machine."""
    program = (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname())\n"
        "for contact in (lambda: socket.create_connection(('192.0.2.1', 80)), lambda: socket.getaddrinfo('a.t', 1)):\n"
        "    try:\n        contact()\n"
        "    except PermissionError as error:\n        print(error)\n"
    )
    told = {**os.environ, **alone.environment(tmp_path / "sockets", "")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=told, timeout=60
    )
    assert done.stdout.count("not on this machine") == 2
    seen = [(contact.event, contact.address[0], contact.inside) for contact in alone.contacts(tmp_path / "sockets")]
    assert ("socket.connect", "127.0.0.1", True) in seen
    assert ("socket.getaddrinfo", "192.0.2.1", False) in seen
    assert ("socket.getaddrinfo", "a.t", False) in seen


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_records_keep_to_the_schemas(runs: Runs, name: str) -> None:
    """All that the outputs say of themselves is as the shipped schemas have it."""
    record, answer = (
        Draft202012Validator(json.loads((CHECKOUT / "jupyter_localllm" / path).read_text()))
        for path in ("report/provenance.schema.json", "show/answer.schema.json")
    )
    found = 0
    for output in outputs(runs.first[name]) + outputs(runs.second[name]):
        if "jupyter_localllm" in output.get("metadata", {}):
            found += 1
            record.validate(output["metadata"]["jupyter_localllm"])
        if ANSWER in output.get("data", {}):
            answer.validate(output["data"][ANSWER])
    assert found >= 4


def test_tools_are_called_and_cited(runs: Runs) -> None:
    """The tiny model calls the right function with the right argument, and its answer is carried by the outcome."""
    answer = answer_of(runs.first["tools"], "ask-weather")
    assert [(call["name"], call["arguments"]) for call in answer["calls"]] == [("weather", '{"city": "Oslo"}')]
    assert [citation["source"] for citation in answer["citations"]] == ["tool"]
    assert answer_of(runs.first["tools"], "ask-price")["calls"][0]["outcome"] == "12.0"


def test_quickstart_answers(runs: Runs) -> None:
    """The question on a line is a prompt, and the conversation knows what was asked before.

    The questions are such that the likeliest first word is far ahead of the next (2.5 nats and more): processors differ
    in the last bits, and with a small model a closer choice may turn an answer into nonsense in another language.
    """
    texts = {answer["text"] for answer in answers(runs.first["quickstart"])}
    assert "The capital of Japan is Tokyo." in texts
    assert "The capital of Germany is Berlin." in texts


# ---------------------------------------------------------------------------------------------------------------------
# Cited answers

CITED = {
    "ask-keeper": ("Jon Vik", "row 4 (Dune End), column keeper"),
    "ask-mean": ("784", "mean(honey_kg) where valley == 'North'"),
    "ask-most": ("Clover Field", "apiary with max(hives)"),
    "ask-cost": ("1,240", "line 5"),
}
"""What each answer says, however the model words it, and the place it rests on."""


@pytest.mark.parametrize("cell", CITED)
def test_answers_are_right_and_cited(runs: Runs, cell: str) -> None:
    """Each answer says the value, every citation is supported, and each leads to the place and has a mark."""
    said, place = CITED[cell]
    answer = answer_of(runs.first["cited"], cell)
    assert said in answer["text"]
    assert not answer["abstained"]
    assert answer["citations"]
    assert {citation["status"] for citation in answer["citations"]} == {"supported"}
    assert {citation["locator"]["label"] for citation in answer["citations"]} == {place}
    assert all(f"[{citation['number']}]" in answer["text"] for citation in answer["citations"])


def test_what_is_not_there_is_not_answered(runs: Runs) -> None:
    """A question that the sources do not answer has no answer, no citation, and asks no model."""
    for notebook in (runs.first["cited"], runs.second["cited"]):
        answer = answer_of(notebook, "ask-missing")
        assert (answer["text"], answer["abstained"], answer["citations"]) == ("Not in the sources.", True, [])
        assert answer["usage"] == {"completion_tokens": 0, "prompt_tokens": 0}


def test_a_change_makes_stale_what_rests_on_it(runs: Runs) -> None:
    """After the change the one answer that rests on the cell is stale, says what stands there, and keeps its text."""
    told = printed(runs.first["cited"], "change")
    assert "keeper: stale: apiaries has changed: row 4 (Dune End), column keeper now says Mia Dorn" in told
    assert "mean: supported\nmost: supported" in told
    stale = answer_of(runs.first["cited"], "show-stale")
    assert stale["text"] == answer_of(runs.first["cited"], "ask-keeper")["text"]
    assert [citation["status"] for citation in stale["citations"]] == ["stale"]


def test_programs_get_the_same(runs: Runs) -> None:
    """The value is pandas' own, the frame has a row for each citation, and Python's way gives the same as the magic."""
    notebook = runs.first["cited"]
    assert "784.0 from the rows (0, 2, 5)\npandas:   784.0" in printed(notebook, "use-mean")
    assert printed(notebook, "from-python") == "40 row 3 (Clover Field), column hives\n"
    (frame,) = (cell.outputs[0].data["text/html"] for cell in notebook.cells if cell.id == "frame")
    assert frame.count("<td>stale</td>") == 1
    assert frame.count("<td>supported</td>") >= 3


@pytest.mark.usefixtures("same_places")
def test_cited_without_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: Runs) -> None:
    """With the cache of an earlier run the cited answers come out the same without llama.cpp: sources need no model."""
    without_llama_cpp(tmp_path, monkeypatch, runs.environment)
    again = run("cited", tmp_path / "out.ipynb")
    assert answers(again) == answers(runs.first["cited"])


# ---------------------------------------------------------------------------------------------------------------------
# The report


def test_parameters_reach_the_cells(runs: Runs) -> None:
    """What papermill is given stands in the title, in the prompt and in the answer."""
    notebook = runs.first["sales_report"]
    markdown = [output["data"].get("text/markdown", "") for output in outputs(notebook) if "data" in output]
    assert "# Sales in Asia, July 2024" in markdown
    assert "Asia" in answers(notebook)[0]["text"]
    assert "July 2024" in answers(notebook)[0]["text"]


def test_report_vouches_for_its_figures(runs: Runs) -> None:
    """The report says that its sentences were checked, and each of their figures stands in the data."""
    notebook = runs.first["sales_report"]
    assert "and checked" in json.dumps(notebook)
    lines = [line.split(",") for line in (EXAMPLES / "data" / "sales.csv").read_text().splitlines()]
    total = sum(int(line[4]) for line in lines if line[:2] == [REPORT["month"], REPORT["region"]])
    assert f"{total:,} euros" in answers(notebook)[0]["text"]


@pytest.mark.usefixtures("same_places")
def test_report_without_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: Runs) -> None:
    """With the cache of an earlier run the report comes out the same where llama.cpp cannot even be imported."""
    without_llama_cpp(tmp_path, monkeypatch, runs.environment)
    again = run("sales_report", tmp_path / "out.ipynb", **REPORT)
    assert answers(again) == answers(runs.first["sales_report"])


@pytest.mark.usefixtures("same_places")
def test_report_says_when_the_model_is_wrong(tmp_path: Path, runs: Runs) -> None:
    """A sentence that does not keep to the facts is told to the reader, with what is wrong in it."""
    notebook = nbformat.read(EXAMPLES / "sales_report.ipynb", as_version=4)
    (check,) = (index for index, cell in enumerate(notebook.cells) if cell.id == "check")
    lie = "import types\nsales_sentence = types.SimpleNamespace(text='In July 2024 Brazil sold for 7 euros.')"
    notebook.cells.insert(check, nbformat.v4.new_code_cell(lie))
    path = tmp_path / "sales_report.ipynb"
    nbformat.write(notebook, path)
    papermill.execute_notebook(
        str(path), str(path), parameters=REPORT, kernel_name="python3", cwd=str(EXAMPLES), progress_bar=False
    )
    told = json.dumps(nbformat.read(path, as_version=4))
    assert "Brazil is no fact" in told
    assert "7 is no fact" in told
    assert "46," in told  # the true amount is missing
    assert "and checked.*" not in told.split('"id": "check"')[1].split('"outputs"')[1].split('"source"')[0]


@pytest.mark.usefixtures("same_places")
@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"region": "Mars"}, "no sales of 'Mars'"), ({"month": "2031-01"}, "cannot compare '2031-01'")],
)
def test_wrong_parameter_is_a_plain_error(tmp_path: Path, parameters: dict[str, str], words: str) -> None:
    """A parameter that does not fit the data fails the run, and says which values do."""
    with pytest.raises(PapermillExecutionError, match=words):
        run("sales_report", tmp_path / "out.ipynb", **parameters)


@pytest.mark.usefixtures("same_places")
def test_nbconvert_executes_quickstart(tmp_path: Path) -> None:
    """`jupyter nbconvert --execute` runs it, too, and its HTML holds the answers."""
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", f"--output-dir={tmp_path}"]
    done = subprocess.run(
        [*command, str(EXAMPLES / "quickstart.ipynb")], capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "The capital of Japan is Tokyo." in (tmp_path / "quickstart.html").read_text()


# ---------------------------------------------------------------------------------------------------------------------
# make demo


@pytest.fixture
def demo() -> Any:
    with imported("scripts/demo.py") as module:
        yield module


@pytest.mark.usefixtures("same_places")
def test_demo(demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`make demo` prints each answer and the paths of its files, and the HTML fetches nothing from anywhere."""
    monkeypatch.setattr(demo, "OUT", tmp_path / "build" / "demo")
    monkeypatch.setattr(demo, "label", lambda path: path.name)
    assert demo.main() == 0
    told = capsys.readouterr().out
    assert "The capital of Japan is Tokyo." in told
    assert "October 2024" in told
    assert "Not in the sources.\n    (the model was not asked)" in told
    assert told.count("(asked the model)") == 8  # the two reports, of another region and a month; the rest is cached
    for name in (*NOTEBOOKS, "weather_report"):
        html = (tmp_path / "build" / "demo" / f"{name}.html").read_text()
        assert f"{name}.html" in told
        assert (tmp_path / "build" / "demo" / f"{name}.ipynb").exists()
        assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=.(?!data:|#)", html) == []
        assert "cdnjs" not in html
    assert "%%llm" not in (tmp_path / "build" / "demo" / "sales_report.html").read_text()
    assert "load_ext" in (tmp_path / "build" / "demo" / "quickstart.html").read_text()


@pytest.mark.usefixtures("same_places")
def test_demo_fails_plainly(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cell that fails ends the demo with exit status 1, its source and its error, and no stack of papermill's."""
    monkeypatch.setattr(demo, "OUT", tmp_path)
    monkeypatch.setattr(demo, "RUNS", (demo.Example("sales_report", code=False, parameters={"region": "Mars"}),))
    assert demo.main() == 1
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "no sales of 'Mars'" in told
    assert "site-packages" not in told
