"""papermill, nbclient and nbconvert run the same notebooks unattended."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.kernel.conftest import environment_in
from tests.kernel_client import ANSWER

pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of papermill and jupyter_client
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture(autouse=True)
def environment(kernel_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels that these runners start see the tests' environment."""
    for name, value in kernel_env.items():
        monkeypatch.setenv(name, value)


def report(path: Path, country: str = "Japan") -> nbformat.NotebookNode:
    return papermill.execute_notebook(
        NOTEBOOKS / "report.ipynb", path, parameters={"country": country}, progress_bar=False, log_output=True
    )


def outputs(notebook: nbformat.NotebookNode) -> list[dict[str, object]]:
    return [output for cell in notebook.cells for output in cell.outputs]


class Lines(logging.Handler):
    """What a log says."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@dataclass(frozen=True)
class Twice:
    """A report that was run two times with one cache; the first run's log and file."""

    first: nbformat.NotebookNode
    second: nbformat.NotebookNode
    log: list[str]
    file: Path


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory, seen_model: Callable[[Path], None]) -> Twice:
    folder, lines, logger = tmp_path_factory.mktemp("reports"), Lines(), logging.getLogger("papermill")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_in(folder / "home", seen_model).items():
            patch.setenv(name, value)
        patch.setattr(logger, "level", logging.INFO)
        logger.addHandler(lines)
        try:
            first = report(folder / "1.ipynb")
        finally:
            logger.removeHandler(lines)
        return Twice(first, report(folder / "2.ipynb"), lines.said, folder / "1.ipynb")


def test_papermill_twice_is_the_same(twice: Twice) -> None:
    """Parameters reach the cells, one line per answer is logged, and the second run saves the same data."""
    lines = [line for line in twice.log if "smollm2-135m-instruct:" in line]
    answers = [o for o in outputs(twice.first) if ANSWER in o.get("data", {})]  # type: ignore[operator]
    assert len(answers) == 4
    assert len(lines) >= 4
    assert all("\n" not in line.strip() for line in lines)
    assert "Tokyo" in lines[0]
    assert any("The capital of Japan is Tokyo." in str(o.get("text")) for o in outputs(twice.first))

    shown, printed = (
        [[o[kind] for o in outputs(notebook) if kind in o] for notebook in (twice.first, twice.second)]
        for kind in ("data", "text")
    )
    assert shown[0] == shown[1]
    assert "".join(map(str, printed[0])) == "".join(map(str, printed[1]))  # in how many messages is a matter of time
    told = [
        o["metadata"]["jupyter_localllm"]["volatile"]["cached"]  # type: ignore[index]
        for o in outputs(twice.second)
        if ANSWER in o.get("data", {})  # type: ignore[operator]
    ]
    assert told == [True] * 4


def test_no_widget_is_saved(twice: Twice) -> None:
    """The saved file needs no widget, no JavaScript and no network."""
    text = twice.file.read_text()
    for word in ("application/vnd.jupyter.widget", "<script", "http://", "https://"):
        assert word not in text


def test_another_parameter_is_another_answer(twice: Twice, tmp_path: Path) -> None:
    """A parameter changes the question, and with it the answer."""
    both = (twice.first, report(tmp_path / "Germany.ipynb", "Germany"))
    texts = [str(outputs(notebook)[0]["data"]["text/plain"]) for notebook in both]  # type: ignore[index]
    assert "Tokyo" in texts[0]
    assert "Berlin" in texts[1]


def test_an_error_fails_the_run(tmp_path: Path) -> None:
    """A cell that cannot be answered ends the run, with one clear error."""
    with pytest.raises(papermill.PapermillExecutionError, match="no-such-model") as caught:
        papermill.execute_notebook(NOTEBOOKS / "fails.ipynb", tmp_path / "out.ipynb", progress_bar=False)
    assert caught.value.ename == "ModelNotFound"
    notebook = nbformat.read(NOTEBOOKS / "fails.ipynb", 4)
    with pytest.raises(CellExecutionError, match="no-such-model"):
        NotebookClient(notebook).execute()


def test_a_recorded_error_does_not(tmp_path: Path) -> None:
    """With --on-error record the notebook goes on, and the metadata tells."""
    done = papermill.execute_notebook(NOTEBOOKS / "records.ipynb", tmp_path / "out.ipynb", progress_bar=False)
    error, reached = outputs(done)
    assert error["metadata"]["jupyter_localllm"]["error"]["type"] == "ModelNotFound"  # type: ignore[index]
    assert reached["text"] == "reached\n"


def test_nbconvert_executes(tmp_path: Path) -> None:
    """`jupyter nbconvert --execute` makes a page with the answers in it."""
    subprocess.run(
        [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--execute", "--output-dir", str(tmp_path),
         str(NOTEBOOKS / "report.ipynb")],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    page = (tmp_path / "report.html").read_text()
    assert "Tokyo" in page
    assert "jp-LocalLLM-answer" in page


def test_interrupted_nbclient_keeps_what_was_saved(tmp_path: Path) -> None:
    """A cell that runs out of time is interrupted by nbclient, and its partial answer is in the notebook."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("%load_ext jupyter_localllm\n%config LocalLLM.max_tokens = 2"),
        nbformat.v4.new_code_cell("%llm Hello"),
        nbformat.v4.new_code_cell("%%llm --max-tokens 4000\nTell me a very long story about every fish in the sea."),
    ]
    client = NotebookClient(
        notebook,
        timeout_func=lambda cell: 5 if "story" in cell.source else 120,
        interrupt_on_timeout=True,
        allow_errors=True,
    )
    client.execute()
    last = notebook.cells[2].outputs
    assert any(o.get("ename") == "KeyboardInterrupt" for o in last)
    (answer,) = (o for o in last if ANSWER in o.get("data", {}))
    assert answer["data"][ANSWER]["finish_reason"] == "interrupted"
    assert len(answer["data"][ANSWER]["text"]) > 20
