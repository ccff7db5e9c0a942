"""Nothing that anybody may have written moves a cursor, sets a clipboard, or turns a line: in errors, tables, reports.

Answers themselves are in ``tests/show``: here are the ways beside them, which quote models, files and servers.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import nbformat
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm import LocalLLM, errors
from jupyter_localllm.api import llm as api
from jupyter_localllm.bench import Benchmark, Plan, Row
from jupyter_localllm.cli import main
from jupyter_localllm.cli.words import tell
from jupyter_localllm.doctor import Finding, Report
from jupyter_localllm.engine.llama.native import Native
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import LocalLLMError, SchemaMismatch
from jupyter_localllm.magics import commands, dryrun
from jupyter_localllm.magics.arguments import CellArguments
from jupyter_localllm.magics.over import run_over
from jupyter_localllm.magics.run import Asked
from jupyter_localllm.magics.subcommands import Subcommand
from jupyter_localllm.report import one
from jupyter_localllm.report.one import Made
from jupyter_localllm.show.tables import Page, Table
from tests.tiny_models import write_tiny_llama

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b]8;;http://evil.example\x1b\\a\u202eb\u2066c\x9b31m\x00\x08\r\ud800"

texts = st.lists(
    st.one_of(
        st.text(st.characters(codec=None), max_size=6),  # halves of surrogate pairs included
        st.sampled_from(
            ["\x1b[2J", "\x1b]0;t\x07", "\x1b]52;c;eA==\x1b\\", "\x9b1m", "\u202e", "\u2066", "\x00", "\r"]
        ),
    ),
    max_size=6,
).map("".join)


def controls(*shown: str) -> list[str]:
    return [found for text in shown for found in CONTROLS.findall(text)]


@settings(deadline=None)
@given(texts, texts)
def test_errors(message: str, hint: str) -> None:
    """Every way to look at an error of ours is free of them, and can be sent."""
    error = LocalLLMError(message, hint)
    shown = [str(error), error.message, error.hint, *error._render_traceback_(), *map(str, error.args)]
    assert controls(*shown) == []
    json.dumps(shown, ensure_ascii=False).encode()


def test_errors_keep_what_can_be_read() -> None:
    """Lines, tabs, and all letters stay as they are."""
    text = "one\n\ttwo: „drei“ 四 \U0001f600 e\u0301 \u200f\u05e9\u05dc"
    assert LocalLLMError(text).message == text


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name[0].isupper()])
def test_every_error_of_the_tree(name: str) -> None:
    """None has a way of its own around that."""
    assert controls(str(getattr(errors, name)(HOSTILE, HOSTILE))) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=3), texts)
def test_tables_and_reports(rows: list[tuple[str, str]], title: str) -> None:
    """Pages of subcommands and the doctor's report, as text and as HTML."""
    page = Page((title, Table(rows, ("a", "b"), title)))
    report = Report(tuple(Finding("cache", "note", one, other) for one, other in rows))
    for shown in (page, report):
        assert controls(str(shown), *shown._repr_mimebundle_().values()) == []


def test_what_a_model_wrote_instead(tmp_path: Path) -> None:
    """The error that quotes an answer which is not what was asked for; programs still get it as it was."""
    llm = LocalLLM.from_engine(ScriptedEngine(HOSTILE[:-1] + "no number"), cache_dir=str(tmp_path))
    with pytest.raises(SchemaMismatch) as caught:
        llm.extract(int, "How many?")
    assert controls(*caught.value._render_traceback_()) == []
    assert "no number" in caught.value.hint
    assert "\x1b" in caught.value.text


def test_dry_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What would be asked is made of names and values of anybody's data, and of the model's name."""
    llm = LocalLLM.from_engine(ScriptedEngine("x", name=f"m{HOSTILE[:-1]}"), cache_dir=str(tmp_path))
    sources = {"frame": pd.DataFrame({f"{HOSTILE[:-1]}n": [1, 2]}, index=[HOSTILE[:-1], "b"]), "text": HOSTILE[:-1]}
    dryrun.show_plan(llm.plan("What?"))
    for question in ("What is the sum?", "Why?"):
        dryrun.show_sources_plan(llm.plan_ask(question, sources))
    asked = Asked(CellArguments(over="rows", dry_run=True), "{{ value }}", {"rows": [HOSTILE[:-1]]})
    run_over(SimpleNamespace(user_ns_hidden={}), llm, asked)  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "Chosen" in told
    assert "The first row" in told
    assert controls(told) == []


def test_pictures_of_the_bench() -> None:
    """Labels are names of models; what controls a terminal would also break the picture."""
    svg = Benchmark(Plan(), rows=(Row(HOSTILE, load_ms=5.0), Row("b"))).plot().svg
    assert controls(svg) == []
    ElementTree.fromstring(svg)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of papermill
def test_reports_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`jupyter localllm report` tells the parameters of each run, which a table may bring, and what a gate found."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("region = 'EU'", metadata={"tags": ["parameters"]})]
    nbformat.write(notebook, tmp_path / "in.ipynb")
    (tmp_path / "r.csv").write_text(f"region\nEU{HOSTILE[:6]}\n12\n", encoding="utf-8")
    made = Made(3, (f"wrong {HOSTILE}",), (f"said {HOSTILE}",))
    monkeypatch.setattr(one, "make", lambda order, watch: made)
    monkeypatch.chdir(tmp_path)
    assert main(["report", "in.ipynb", "--out", "r.html", "--rows", "r.csv"]) == 3
    told = capsys.readouterr()
    assert "run 1 of 2 (region=EU" in told.out
    assert "said" in told.out
    assert "wrong" in told.err
    assert controls(told.out, told.err) == []


def test_what_libraries_say(capsys: pytest.CaptureFixture[str]) -> None:
    """With `verbose`, llama.cpp tells what a model file says of itself."""
    library = object.__new__(Native)
    library.verbose = True
    library._note(2, f"general.name = {HOSTILE[:-1]}\n".encode(), None)
    told = capsys.readouterr().err
    assert "general.name" in told
    assert controls(told) == []


def test_subcommands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`%llm history` prints answers, `%llm models` the names of files: anybody's text."""
    llm = LocalLLM.from_engine(ScriptedEngine(f"{HOSTILE[:-1]}answer"), cache_dir=str(tmp_path / "c"))
    llm.generate(f"{HOSTILE[:-1]}question", chat="talk")
    monkeypatch.setattr(commands, "get_llm", lambda: llm)
    commands.run_command(SimpleNamespace(), Subcommand("history", None, "talk", {}))  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "answer" in told
    assert "question" in told
    assert controls(told) == []
    name = "evil\x1b[2J\u202e"
    write_tiny_llama(tmp_path / f"{name}.gguf")
    tell(api.LocalLLM(model_dirs=[str(tmp_path)]).find(str(tmp_path / f"{name}.gguf")))
    told = capsys.readouterr().out
    assert "evil" in told
    assert controls(told) == []
