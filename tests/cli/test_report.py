"""`jupyter localllm report`: what its line must be, and what is shown while it runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_localllm.cli import main
from jupyter_localllm.cli.report import of_all
from jupyter_localllm.cli.running import Lines, OnTerminal, Quiet, shown
from jupyter_localllm.errors import DependencyMissing
from jupyter_localllm.report import one, order
from jupyter_localllm.report.alone import alone
from jupyter_localllm.report.one import Made
from jupyter_localllm.report.parameters import Word
from jupyter_localllm.report.progress import Tracker

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of papermill


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell("region = 'EU'", metadata={"tags": ["parameters"]})]
    nbformat.write(made, tmp_path / "in.ipynb")
    (tmp_path / "r.csv").write_text("region\nUS\n")
    return tmp_path / "in.ipynb"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("none.ipynb", "--out", "r.html"), "none.ipynb cannot be read"),
        (("r.csv", "--out", "r.html"), "r.csv is no notebook"),
        (("in.ipynb",), "nothing says where the report goes"),
        (("in.ipynb", "--out", "r.docx"), "neither a page nor a PDF"),
        (("in.ipynb", "--out", "r.html", "-p", "regoin", "EU"), "Did you mean region?"),
        (("in.ipynb", "--out", "r.html", "--rows", "r.csv", "-r", "region", "x"), "is a column of r.csv"),
        (("in.ipynb", "--out", "r.html", "--rows", "none.csv"), "none.csv cannot be read"),
        (("in.ipynb", "--out", "r.html", "--parameters", "none.yaml"), "none.yaml cannot be read"),
        (("in.ipynb", "--out", "r.html", "--kernel", "phyton3"), "there is no kernel 'phyton3' here"),
        (("in.ipynb", "--out", "r.html", "--cwd", "none"), "there is no folder"),
        (("in.ipynb", "--out", "in.ipynb/r.html"), "r.html cannot be written: in.ipynb is no folder"),
        (("in.ipynb", "--out", "{regoin}.html"), "Did you mean region?"),
        (("in.ipynb", "--out", "{x}.html"), "There is {region}, {row}."),
        (("in.ipynb", "--out", "r.html", "--import-cache", "none.jsonl"), "There is no file none.jsonl"),
        (("in.ipynb", "--out", "r.html", "--import-cache", "r.csv"), "r.csv, line 1"),
    ],
)
@pytest.mark.usefixtures("source")
def test_wrong_lines_end_with_2(line: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong is said before anything runs or is written."""
    before = sorted(path.name for path in Path().iterdir())
    assert main(["report", *line]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
    assert sorted(path.name for path in Path().iterdir()) == before


@pytest.mark.parametrize(
    "words",
    [
        ("--require-supported", "95"),
        ("--require-supported", "x"),
        ("--max-unsupported", "-1"),
        ("--timeout", "0"),
        ("--timeout", "inf"),
        ("--cache", "maybe"),
        ("-p", "region"),
    ],
)
def test_wrong_values_end_with_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """A share is from 0 to 1, a time more than nothing."""
    with pytest.raises(SystemExit) as caught:
        main(["report", "in.ipynb", "--out", "r.html", *words])
    assert caught.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_a_title_for_each_row(source: Path, tmp_path: Path) -> None:
    """A title may hold a parameter, as names of files do; what is no number in the notebook is none in a row."""
    rows = [{"region": Word("US")}, {"region": Word("007")}]
    request = order.Request(source, rows=rows, outs=[str(tmp_path / "{region}.html")], title="Sales in {region} {x}")
    made = order.orders(request)
    assert [one.title for one in made] == ["Sales in US {x}", "Sales in 007 {x}"]
    assert [one.job.parameters for one in made] == [{"region": "US"}, {"region": "007"}]
    assert made[1].places.html == tmp_path / "007.html"


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize("missing", ["papermill", "bleach.css_sanitizer"])
def test_without_a_package(missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The extra is named, before anything runs."""
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["report", "in.ipynb", "--out", "r.html"]) == 2
    assert 'pip install "jupyter_localllm[report]"' in capsys.readouterr().err


@pytest.mark.usefixtures("source")
def test_a_pdf_that_cannot_be_made_is_said_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not after hours of work."""
    from jupyter_localllm.report import pdf

    def none() -> None:
        raise DependencyMissing("a PDF needs a browser", "Run: this")

    monkeypatch.setattr(pdf, "check", none)
    monkeypatch.setattr(order, "Order", None)
    assert main(["report", "in.ipynb", "--out", "r.pdf"]) == 2
    assert capsys.readouterr().err == "DependencyMissing: a PDF needs a browser\nRun: this\n"


def test_what_moved(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two notebooks that have run are compared, none is run; 3 if something moved, 2 if they cannot be compared."""
    names = []
    for number in (1, 2, 2):
        made = nbformat.read(source, as_version=4)
        made.cells[0].outputs = [nbformat.v4.new_output("stream", text=f"{number} of 12")]
        made.metadata.papermill = {"parameters": {"region": "EU", "year": 2024 + number}}
        names.append(str(tmp_path / f"{len(names)}.ipynb"))
        nbformat.write(made, names[-1])
    assert main(["report", "--diff", names[0], names[1], "--json", "moved.json"]) == 3
    told = capsys.readouterr().out
    assert told.startswith("parameter year: 2025 → 2026\n\ncell 1: an output moved\n")
    assert "1 → 2" in told
    read = json.loads(Path("moved.json").read_text(encoding="utf-8"))
    (moved,) = read["moved"]
    assert moved["numbers"] == [["1", "2"]]
    assert read["parameters"] == [{"name": "year", "before": 2025, "after": 2026}]
    assert main(["report", "--diff", names[1], names[2], "--quiet"]) == 0
    assert main(["report", "--diff", names[1], "none.ipynb"]) == 2
    assert main(["report", "--diff", names[1], "in.ipynb"]) == 2
    assert "in.ipynb has not been run" in capsys.readouterr().err
    assert main(["report", "in.ipynb", "--diff", *names[:2]]) == 2
    assert main(["report", "--out", "r.html"]) == 2
    assert "no notebook is named" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--require-supported", "0"), "--require-supported"),
        (("--max-unsupported", "0"), "--max-unsupported"),
        (("--require-cached",), "--require-cached"),
        (("-p", "n", "1"), "-p"),
        (("-r", "n", "1"), "-r"),
        (("--parameters", "p.yaml"), "--parameters"),
        (("--rows", "r.csv"), "--rows"),
        (("--notebook", "o.ipynb"), "--notebook"),
        (("--model", "m", "--cwd", "."), "--model"),
        (("--code",), "--code"),
        (("--out", "r.html"), "--out"),
    ],
)
def test_what_a_comparison_would_not_heed(
    words: tuple[str, ...], named: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gate or a parameter beside ``--diff`` is an error that names it: nothing is run that it could hold for."""
    assert main(["report", "--diff", str(source), str(source), *words]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"UsageError: {named}")
    assert "--diff" in told


def tracker() -> Tracker:
    made: Any = [nbformat.v4.new_code_cell("%%llm\nHello"), nbformat.v4.new_code_cell("2")]
    return Tracker(made, {})


def test_a_terminal_has_one_line_and_answers_above_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line is written over, an answer stands above it, and the line is gone at the end."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    display = shown(quiet=False)
    assert isinstance(display, OnTerminal)
    with display:
        display.at(tracker())
        display.answered("llm m: 2 tokens: Hi")
    line = f"\r{'  0%  cell 1 of 2: %%llm':29}\r"
    gone = f"\r{'':29}\r"
    said = capsys.readouterr().err
    assert said.startswith(f"{line}{gone}llm m: 2 tokens: Hi\n{line}")
    assert said.endswith(gone)


def test_logs_have_lines_and_quiet_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    """No line is written over where no terminal is."""
    for quiet, kind, said in ((False, Lines, "cell 1 of 2: %%llm\n  an answer\n"), (True, Quiet, "")):
        with shown(quiet=quiet) as display:
            assert type(display) is kind
            display.at(tracker())
            display.answered("an answer")
        assert capsys.readouterr().err == said


def test_a_row_that_is_refused_stops_no_other(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of several runs one whose files another report writes now counts as failed; the others run."""
    (source.parent / "r.csv").write_text("region\nUS\nEU\n")
    monkeypatch.setattr(one, "_make", lambda order, watch: Made(0, (), ("made",)))
    with alone([source.parent / "US.html"]):
        assert main(["report", "in.ipynb", "--rows", "r.csv", "--out", "{region}.html"]) == 1
    told = capsys.readouterr()
    assert "run 1 of 2 (region=US): another report is being written" in told.err
    assert told.out.splitlines()[-2:] == ["made", "1 of 2 runs are well; not run 1"]


@pytest.mark.parametrize(
    ("statuses", "runs", "said"),
    [
        ([0], 1, ""),
        ([0, 0], 2, "2 of 2 runs are well"),
        ([0, 3, 0], 3, "2 of 3 runs are well; not run 2"),
        ([1, 0, 130], 5, "1 of 5 runs are well; not runs 1, 3; 2 did not begin"),
    ],
)
def test_what_came_of_several_runs(statuses: list[int], runs: int, said: str) -> None:
    """How many are well, which are not, and how many never began."""
    assert of_all(statuses, runs) == said
