"""Reports for real: kernels, a small model, files, exit statuses."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_localllm import runtime
from jupyter_localllm.cli import main
from jupyter_localllm.report.halted import Halt, halted
from jupyter_localllm.report.progress import Tracker
from jupyter_localllm.report.run import Job, Run, run
from tests.kernel_client import ANSWER
from tests.tiny_models import write_tiny_llama

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of papermill and jupyter_client
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

ROOT = Path(__file__).parents[2]
CELLS = (
    "%load_ext jupyter_localllm\n%config LocalLLM.max_tokens = 4",
    "%%llm greeting << \nHello {{ region }}",
    "import pandas as pd\ncities = pd.DataFrame({'city': ['Arlen', 'Bredo'], 'people': [120, 45]})",
    "%%llm --cite cities\nWhat is the people of Bredo?",
    "assert region != 'bad', 'a bad region'",
)


def save(path: Path, *cells: str, parameters: str | None = None, tags: tuple[str, ...] = ()) -> Path:
    made = nbformat.v4.new_notebook()
    if parameters is not None:
        made.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    made.cells += [nbformat.v4.new_code_cell(cell, metadata={"tags": list(tags)}) for cell in cells]
    nbformat.write(made, path)
    return path


@dataclass(frozen=True)
class Done:
    """What a command said."""

    status: int
    out: str
    err: str


def command(*words: str | Path) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(word) for word in words])
        finally:
            runtime.reset()
    return Done(status, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Night:
    """A notebook run for two rows, and then again for one without its model, from what the first run kept."""

    folder: Path
    rows: Done
    exported: Done
    replayed: Done

    def json(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8")))

    def notebook(self, name: str) -> nbformat.NotebookNode:
        return nbformat.read(self.folder / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("night")
    model = write_tiny_llama(folder / "tiny.gguf")
    source = save(folder / "in.ipynb", *CELLS, parameters="region = 'EU'")
    with (folder / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["region"], ["US"], ["bad"]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_LOCALLLM_CACHE_DIR", str(folder / "cache"))
        patch.setenv("JUPYTER_LOCALLLM_CALIBRATE", "false")
        patch.setenv("JUPYTER_LOCALLLM_N_THREADS", "1")
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
        rows = command(
            "report", source, "--rows", folder / "rows.csv", "--out", folder / "{region}.html", "--model", model,
            "--require-cached", "--code",
        )  # fmt: skip
        exported = command("cache", "export", folder / "kept.jsonl")
        model.unlink()
        patch.setenv("JUPYTER_LOCALLLM_CACHE_DIR", str(folder / "nothing"))
        replayed = command(
            "report", source, "-p", "region", "US", "--out", folder / "again.html", "--notebook", folder / "n.ipynb",
            "--model", model, "--cache", "require", "--import-cache", folder / "kept.jsonl", "--require-cached",
            "--require-supported", "1", "--max-unsupported", "0", "--quiet",
        )  # fmt: skip
        yield Night(folder, rows, exported, replayed)


def test_a_failed_row_does_not_stop_the_others(night: Night) -> None:
    """Each row is a run with files of its own; the exit status is the worst, and each failure is told."""
    assert night.rows.status == 1
    told = [night.json(name) for name in ("US", "bad")]
    assert [one["status"] for one in told] == [3, 1]
    assert [one["parameters"] for one in told] == [{"region": "US"}, {"region": "bad"}]
    failed = "cell 7 of 7 (In [7]: assert region != 'bad', 'a bad region') failed: AssertionError: a bad region"
    assert f"\nrun 2 of 2 (region=bad): {failed}\n" in night.rows.err  # which run, also where this is all that is read
    assert night.rows.out.splitlines()[-1] == "0 of 2 runs are well; not runs 1, 2"
    assert told[1]["failure"]["name"] == "AssertionError"
    assert told[1]["cells"][6]["state"] == "failed"
    assert night.notebook("bad").cells[6].outputs[0].ename == "AssertionError"


def test_a_gate_is_told_with_its_answers(night: Night) -> None:
    """Which gate, with its figures, and which answer in which cell."""
    assert "--require-cached is not met: 2 of 2 answers did not come from the cache" in night.rows.err
    assert "  cell 4 of 7 (In [4]): greeting << Hello US: not from the cache" in night.rows.err
    (gate,) = night.json("US")["gates"]
    assert (gate["gate"], gate["passed"], gate["found"], gate["answers"]) == ("require-cached", False, 2, [0, 1])


def test_progress_is_lines_where_no_terminal_is(night: Night) -> None:
    """A line for each cell and each answer; what was made of the whole at the end."""
    lines = night.rows.err.splitlines()
    assert "cell 1 of 7: region = 'EU'" in lines
    assert any(line.startswith("  llm tiny: 4 tokens") for line in lines)
    assert "run 2 of 2 (region=bad)" in night.rows.out.splitlines()
    assert f"written: {night.folder / 'US.html'}" in night.rows.out


def test_the_page_and_the_notebook(night: Night) -> None:
    """The page holds the answers and, as asked for, the code; the notebook holds the parameters and all outputs."""
    page = (night.folder / "US.html").read_text(encoding="utf-8")
    assert "Hello US" in page
    assert "DataFrame" in page
    assert "DataFrame" not in (night.folder / "again.html").read_text(encoding="utf-8")
    kept = night.notebook("US")
    assert kept.cells[1].source == '# Parameters\nregion = "US"\n'
    assert kept.metadata.papermill.parameters == {"region": "US"}
    assert kept.metadata.papermill.output_path == str(night.folder / "US.ipynb")


def test_a_replay_is_the_same(night: Night) -> None:
    """With --cache require and the export alone, without the model and its file: the same outputs, and status 0."""
    assert night.exported.status == 0
    assert (night.replayed.status, night.replayed.out, night.replayed.err) == (0, "", "")
    before, after = (
        [[output.get("data") for output in cell.get("outputs", ())] for cell in night.notebook(name).cells]
        for name in ("US", "n")
    )
    assert before == after
    assert ANSWER in before[3][0]
    told = night.json("again")
    assert told["figures"] == {
        "answers": 2, "cached": 2, "abstained": 0, "errors": 0,
        "supported": 1, "unsupported": 0, "unchecked": 0, "stale": 0, "share_supported": 1.0,
    }  # fmt: skip
    assert [gate["passed"] for gate in told["gates"]] == [True] * 3
    assert not (night.folder / "nothing").exists()  # the person's own cache was not touched


def test_settings_reach_the_kernel_by_its_environment(night: Night) -> None:
    """No cell is changed for them."""
    assert night.json("again")["settings"].keys() == {"model", "cache", "cache_dir"}
    assert [cell.source for cell in night.notebook("n").cells if "injected" not in str(cell.metadata.tags)] == [
        "region = 'EU'",
        *CELLS,
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Runs that end otherwise


class Told:
    """A watch that remembers."""

    def __init__(self) -> None:
        self.cells: list[str] = []
        self.answers: list[str] = []

    def at(self, tracker: Tracker) -> None:
        self.cells.append(tracker.progress().text)

    def answered(self, line: str) -> None:
        self.answers.append(line)


def ran(source: Path, **facts: Any) -> Run:
    notebook = nbformat.read(source, as_version=4)
    saved = source.with_name("out.ipynb")
    done = run(Job(source, notebook, {}, saved, source.parent, **facts), Told(), grace_s=0.2)
    assert nbformat.read(saved, as_version=4) == done.notebook
    return done


def states(done: Run) -> list[str]:
    return [cell.metadata.papermill.status for cell in done.notebook.cells]


def test_a_cell_that_takes_too_long(tmp_path: Path) -> None:
    """It is interrupted, and given up if it does not listen; what it said is kept, and no cell after it runs."""
    deaf = "import time\nprint('begun', flush=True)\nwhile True:\n    try:\n        time.sleep(60)\n"
    deaf += "    except KeyboardInterrupt:\n        print('no', flush=True)"
    done = ran(save(tmp_path / "deaf.ipynb", deaf, "print('never')"), timeout=1.5)
    assert done.failure is not None
    assert (done.failure.name, done.failure.cell, done.failure.source) == ("TimeoutError", 0, "import time")
    assert "1.5 s of --timeout" in done.failure.message
    assert states(done) == ["failed", "pending"]
    begun, *_, error = done.notebook.cells[0].outputs
    assert begun.text.startswith("begun\n")
    assert error.ename == "TimeoutError"


def test_a_kernel_that_dies(tmp_path: Path) -> None:
    """The cell that killed it says so; what was before it is kept."""
    done = ran(save(tmp_path / "dies.ipynb", "print('here')", "import os\nos._exit(3)", "print('never')"))
    assert done.failure is not None
    assert (done.failure.name, done.failure.cell) == ("DeadKernelError", 1)
    assert states(done) == ["completed", "failed", "pending"]
    assert done.notebook.cells[0].outputs[0].text == "here\n"
    assert done.notebook.cells[1].outputs[0].ename == "DeadKernelError"


def test_a_run_that_never_began(tmp_path: Path) -> None:
    """What stood in the notebook from an earlier day is not taken for an output of this run."""
    source = save(tmp_path / "n.ipynb", "1", parameters="a = 1")
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="of yesterday")]
    nbformat.write(notebook, source)
    job = Job(source, nbformat.read(source, 4), {"a": 2}, tmp_path / "out.ipynb", tmp_path, language="klingon")
    done = run(job, Told())
    assert done.failure is not None
    assert (done.failure.cell, "klingon" in done.failure.message) == (None, True)
    assert nbformat.read(tmp_path / "out.ipynb", 4).cells[1].outputs == done.notebook.cells[1].outputs == []
    assert job.notebook.cells[1].outputs != []
    assert halted(done.notebook.cells) == Halt(None)


def test_errors_that_are_meant_to_be(tmp_path: Path) -> None:
    """A cell with the tag raises-exception may raise one, and SystemExit without a status ends the notebook well."""
    source = save(tmp_path / "tagged.ipynb", "1 / 0", "print('here')", tags=("raises-exception",))
    notebook = nbformat.read(source, as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell("raise SystemExit"), nbformat.v4.new_code_cell("print('never')")]
    nbformat.write(notebook, source)
    done = ran(source)
    assert done.failure is None
    assert [bool(cell.outputs) for cell in done.notebook.cells] == [True, True, True, False]


def test_a_full_disk_costs_the_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notebook runs to its end, and what could not be saved is told."""
    from jupyter_localllm.report import engine

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(engine, "write", full)
    source = save(tmp_path / "n.ipynb", "print('here')")
    done = run(Job(source, nbformat.read(source, 4), {}, tmp_path / "out.ipynb", tmp_path), Told())
    assert done.notebook.cells[0].outputs[0].text == "here\n"
    assert "No space left" in done.unsaved


def test_an_interrupt_keeps_what_there_is(tmp_path: Path) -> None:
    """The kernel is interrupted, so that the cell can end in order; the files are written, the status is 130."""
    shows = "from IPython.display import display\nimport time\n"
    half = "{'text/plain': 'llm x: half an answer'}"
    shows += f"try:\n    display({half}, raw=True, metadata={{'jupyter_localllm': {{}}}})\n"
    shows += "    time.sleep(300)\nfinally:\n    print('tidied')"
    source = save(tmp_path / "n.ipynb", shows, "print('never')")
    words = [sys.executable, "-c", "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
             "import sys; from jupyter_localllm.cli import main; sys.exit(main())"]  # fmt: skip
    line = [*words, "report", str(source), "--out", str(tmp_path / "r.html")]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for said in process.stderr:
            if "half an answer" in said:
                process.send_signal(signal.SIGINT)
                break
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped in cell 1 of 2 (from IPython.display import display); what there is of the notebook is kept" in err
    kept = nbformat.read(tmp_path / "r.ipynb", as_version=4)
    assert [output.output_type for output in kept.cells[0].outputs] == ["display_data", "stream", "error"]
    assert [cell.metadata.papermill.status for cell in kept.cells] == ["failed", "pending"]
    told = json.loads((tmp_path / "r.json").read_text())
    assert (told["status"], told["interrupted"], told["failure"]) == (130, True, None)
    assert (tmp_path / "r.html").exists()
