"""``%%llm --over``: one question for each row, in a shell and in a notebook that runs unattended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import polars as pl
import pytest
from nbclient import NotebookClient

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import ContextOverflow, LocalLLMError, UsageError
from jupyter_localllm.magics.run import run_cell, run_line
from jupyter_localllm.types import Job

RECORDS = [{"text": "good", "stars": 5}, {"text": "bad", "stars": 1}, {"text": "good", "stars": 5}]


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def llm(shell: Any, asked: list[str]) -> Callable[..., Any]:
    """Runs a cell whose answers are the questions themselves, and gives what it bound."""

    def script(job: Job) -> str:
        asked.append(job.prompt.messages[-1].content)
        return "re: " + asked[-1]

    runtime.current().own = LocalLLM.from_engine(ScriptedEngine(script, n_ctx=64), n_parallel=1)

    def cell(line: str, body: str = "{{ text }}", **variables: Any) -> Any:
        shell.push(variables)
        run_cell(shell, line, body, None)
        return shell.user_ns.get("_llm")

    return cell


def test_a_frame_gets_a_column(llm: Any, shell: Any, capsys: Any) -> None:
    """The frame with the answers is bound to the name and to `_llm`; the person's own stays as it was."""
    frame = pd.DataFrame(RECORDS, index=["x", "y", "z"])
    labelled = llm("labelled << --over df", "{{ text }} {{ rule }}", df=frame, rule="!")
    assert labelled is shell.user_ns["labelled"]
    assert labelled["answer"].tolist() == ["re: good !", "re: bad !", "re: good !"]
    assert labelled.index.tolist() == ["x", "y", "z"]
    assert list(frame.columns) == ["text", "stars"]
    said = capsys.readouterr().out
    assert "3 rows answered by scripted. The answers are the column `answer` of `labelled`." in said
    assert "[1 prompt was another row's, too, and got its answer.]" in said
    assert "x  good  re: good !" in said


def test_other_data(llm: Any) -> None:
    """A polars frame stays one, a series becomes a frame of two columns, a list gets a list."""
    assert llm("--over df", df=pl.DataFrame(RECORDS))["answer"].to_list() == ["re: good", "re: bad", "re: good"]
    series = pd.Series(["a", "b"], index=[7, 8], name="text")
    assert llm("--over s", "{{ value }}", s=series).to_dict() == {
        "text": {7: "a", 8: "b"},
        "answer": {7: "re: a", 8: "re: b"},
    }
    assert llm("--over rows --column text", "{{ value }}", rows=RECORDS) == ["re: good", "re: bad", "re: good"]


def test_an_expression(llm: Any) -> None:
    """An expression in quotes is evaluated as a cell would, locals of comprehensions included."""
    frame = pd.DataFrame(RECORDS)
    assert llm('--over "df[df.stars > limit]"', df=frame, limit=2)["answer"].tolist() == ["re: good"] * 2
    names = "\"[row['text'].upper() for row in rows if row['stars'] < limit]\""
    assert llm(f"--over {names}", "{{ value }}", rows=RECORDS) == ["re: BAD"]


def test_an_iterator_is_used_up_and_it_is_said(llm: Any, capsys: Any) -> None:
    """A generator can be gone through once, and the person is told."""
    rows = iter(["a", "b"])
    assert llm("--over rows", "{{ value }}", rows=rows) == ["re: a", "re: b"]
    assert list(rows) == []
    said = capsys.readouterr().out
    assert "[`rows` was an iterator: it is used up now.]" in said
    assert "0  a      re: a" in said


def test_a_taken_name_is_said(llm: Any, capsys: Any) -> None:
    """A second map over its outcome adds a second column, and says its name."""
    llm("df << --over df", df=pd.DataFrame(RECORDS))
    again = llm("df << --over df", "Again: {{ answer }}")
    assert list(again.columns) == ["text", "stars", "answer", "answer_2"]
    assert again["answer_2"][0] == "re: Again: re: good"
    assert "[The data had a column `answer` already, so the new one is `answer_2`.]" in capsys.readouterr().out


def test_no_rows(llm: Any, asked: list[str], capsys: Any) -> None:
    """Nothing is asked, and the column is there."""
    assert list(llm("--over df", df=pd.DataFrame(RECORDS).head(0)).columns) == ["text", "stars", "answer"]
    assert capsys.readouterr().out == "No rows: nothing was asked.\n"
    assert asked == []


@pytest.mark.parametrize(
    ("cell", "says", "hint"),
    [
        (("--over dff", "{{ text }}"), "--over: there is no variable dff", "Did you mean df?"),
        (("--over zzz", "{{ text }}"), "there is no variable zzz", "Variables with rows: df, rows."),
        (("--over 'dff[:1]'", "{{ text }}"), r"--over dff\[:1\]: there is no variable dff", "Did you mean df?"),
        (("--over 'df['", "{{ text }}"), "neither a variable nor an expression", 'in quotes: %%llm --over "'),
        (("--over 'df[\"nope\"]'", "{{ text }}"), "raised KeyError: 'nope'", ""),
        (("--over note", "{{ value }}"), "--over note: a str is one value, not rows", "splitlines"),
        (("--over number", "{{ value }}"), "--over number: there are no rows in a value of type int", "frame"),
        (("--over df --column txt", "{{ value }}"), "--over df: there is no column txt", "Did you mean text?"),
        (("--over df", "{{ txet }}"), r"`\{\{ txet \}\}` in line 2: there is no variable", "Did you mean text?"),
        (("--over df", "Is {text} good?"), "uses nothing of a row, so all 3 rows", "With two braces: {{ text }}."),
        (("--over df", ""), "the template is empty", "{{ text }}"),
        (("--over df --chat x", "{{ text }}"), "--chat does not go with --over", "Leave --chat out."),
        (("--over df --continue", "{{ text }}"), "--continue does not go with --over", "Leave --continue out."),
        (("--over df --raw", "{{ text }}"), "--raw does not go with --over", "Leave --raw out."),
        (("--over df --format json", "{{ text }}"), "--format does not go with --over", "Leave --format out."),
    ],
)
def test_what_is_wrong_is_said_before_the_first_row(
    llm: Any, asked: list[str], cell: tuple[str, str], says: str, hint: str
) -> None:
    """Each mistake has its sentence and a hint; nothing is asked."""
    with pytest.raises(UsageError, match=says) as caught:
        llm(*cell, df=pd.DataFrame(RECORDS), rows=RECORDS, note="text", number=3)
    assert hint in caught.value.hint
    assert asked == []


def test_the_notebook_is_not_changed_by_an_expression(llm: Any, shell: Any) -> None:
    """Evaluating leaves nothing behind but what was asked for."""
    before = set(shell.user_ns)
    llm('--over "[1, 2]"', "{{ value }}")
    assert set(shell.user_ns) - before == {"_llm"}


def test_a_row_that_fails(llm: Any, asked: list[str], capsys: Any) -> None:
    """It stops the cell with its place; a rerun goes on; recorded, it is None and listed, and the others go on."""
    frame = pd.DataFrame({"text": ["a", "long " * 100, "c"]}, index=["x", "y", "z"])
    with pytest.raises(ContextOverflow, match=r"row 1 \(label 'y'\)"):
        llm("--over df", df=frame)
    said = capsys.readouterr().out
    assert "Stopped: 1 of 3 rows finished. They are in the cache: a rerun goes on from there." in said
    recorded = llm("--over df --on-error record", df=frame)
    assert recorded["answer"].tolist() == ["re: a", None, "re: c"]
    assert [error["row"] for error in recorded.attrs["errors"]] == [1]
    assert asked == ["a", "c"]
    said = capsys.readouterr().out
    assert "2 of 3 rows answered by scripted, 1 failed." in said
    assert "[row 1 (label 'y'): the prompt has 1" in said


def test_require_row_by_row(llm: Any, asked: list[str]) -> None:
    """What is in the cache is replayed, what is not fails alone."""
    llm("--over rows", "{{ value }}", rows=["a"])
    assert llm("--over rows --cache require --on-error record", "{{ value }}", rows=["a", "b"]) == ["re: a", None]
    assert asked == ["a"]


def test_a_dry_run(llm: Any, shell: Any, asked: list[str], capsys: Any) -> None:
    """The first row's prompt, and what all would take; no more is asked than what is timed, and nothing bound."""
    shell.user_ns.pop("_llm", None)
    assert llm("--over df --dry-run", "Is {{ text }} good?", df=pd.DataFrame(RECORDS)) is None
    said = capsys.readouterr().out
    assert "df: 3 rows, judged by 3. Model scripted.\n  prompts  about 8 tokens each" in said
    assert "\n  time     about " in said
    assert "nothing is generated" not in said
    assert "{{ text }}" in said
    assert "Is good good?" in said
    llm("--over df --dry-run", df=[])
    assert "df has no rows" in capsys.readouterr().out
    rows = iter(RECORDS)
    with pytest.raises(UsageError, match="would use up the first rows of rows"):
        llm("--over rows --dry-run", rows=rows)
    assert len(list(rows)) == 3
    assert sorted(asked) == ["Is bad good?", "Is good good?"]
    assert "_llm" not in shell.user_ns


def test_a_schema_makes_columns(llm: Any, capsys: Any) -> None:
    """Each field is a column of its type, named in the outcome; a single value is the column `answer`."""
    schema = {"type": "object", "properties": {"re": {"enum": ["good", "bad"]}, "stars": {"type": "integer"}}}
    frame = pd.DataFrame({"re": ["good", "bad"], "n": [5, 1]}, index=["x", "y"])
    runtime.current().own = LocalLLM.from_engine(ScriptedEngine(lambda job: job.prompt.messages[-1].content))
    made = llm("--over df --schema schema", '{"re": "{{ re }}", "stars": {{ n }}}', df=frame, schema=schema)
    assert made.columns.tolist() == ["re", "n", "re_2", "stars"]
    assert str(made["re_2"].dtype) == "category"
    assert made["stars"].tolist() == [5, 1]
    said = capsys.readouterr().out
    assert "The answers are the columns `re_2`, `stars` of `_llm`." in said
    assert "The data had a column `re` already, so the new one is `re_2`." in said
    assert llm("--over df --schema int", "{{ n }}", df=frame)["answer"].tolist() == [5, 1]


def test_the_schema_is_evaluated_once(llm: Any, shell: Any) -> None:
    """Whatever asks for it in the cell: the rows, a dry run, an interrupt."""
    made: list[int] = []

    def labels() -> list[str]:
        made.append(1)
        return ["re: a", "re: b"]

    assert llm("--over rows --schema labels()", "{{ value }}", rows=["a", "b"], labels=labels) == ["re: a", "re: b"]
    assert len(made) == 1
    llm("--over rows --schema labels() --dry-run", "{{ value }}", rows=["a", "b"])
    assert len(made) == 2


def test_conversations_are_not_touched(llm: Any, shell: Any) -> None:
    """A map is no turn of the notebook's conversation."""
    run_line(shell, "Hello", None)
    talks = runtime.current().conversations
    before = [turn.question for turn in talks.latest.turns]
    llm("--over rows", "{{ value }}", rows=["a"])
    assert [turn.question for turn in talks.latest.turns] == before


def test_options_of_a_request(llm: Any, asked: list[str]) -> None:
    """Settings of the line hold for every row."""
    assert llm("--over rows --max-tokens 1", "{{ value }}", rows=["a", "b"]) == ["re:", "re:"]


def test_a_line_gives_its_value(llm: Any, shell: Any) -> None:
    """``x = %llm --over …`` has the frame as its value."""
    shell.push({"rows": ["a"]})
    assert run_line(shell, "--over rows {{ value }}", None) == ["re: a"]


def test_errors_are_ours(llm: Any) -> None:
    """What the notebook's own expression raises is one of our errors, without a stack."""
    with pytest.raises(LocalLLMError, match="raised ZeroDivisionError"):
        llm("--over '[1/0]'", "{{ value }}")


SETUP = """\
import pandas as pd
from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.engine.scripted import ScriptedEngine
%load_ext jupyter_localllm
runtime.current().own = LocalLLM.from_engine(
    ScriptedEngine(lambda job: job.prompt.messages[-1].content), cache_dir={cache!r})
df = pd.DataFrame({{"text": ["<b>good</b>", "bad"]}})
"""
CELLS = ["%%llm labelled << --over df\nIs it good? {{ text }}", "print(labelled['answer'].tolist())"]


def executed(cache: Path) -> Any:
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP.format(cache=str(cache)), *CELLS)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    return NotebookClient(notebook, timeout=120, kernel_name="python3").execute()


@pytest.mark.skipif(sys.platform == "win32", reason="one kernel start is enough")
def test_unattended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One output, safe, with metadata; the data of a second run is the same to the byte."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    first, second = executed(tmp_path / "answers"), executed(tmp_path / "answers")
    (output,) = first.cells[1].outputs
    assert output.output_type == "display_data"
    assert "2 rows answered by scripted." in output.data["text/plain"]
    assert "&lt;b&gt;good&lt;/b&gt;" in output.data["text/html"]
    assert "<b>" not in output.data["text/html"]
    facts = output.metadata["jupyter_localllm"]
    assert (facts["complete"], facts["rows"], facts["failed"], facts["errors"]) == (True, 2, 0, [])
    assert facts["volatile"]["cached"] == 0
    assert second.cells[1].outputs[0].metadata["jupyter_localllm"]["volatile"]["cached"] == 2
    assert [cell.outputs[0].get("data") for cell in second.cells[1:]] == [
        cell.outputs[0].get("data") for cell in first.cells[1:]
    ]
    assert first.cells[2].outputs[0].text == "['Is it good? <b>good</b>', 'Is it good? bad']\n"


@pytest.mark.skipif(sys.platform == "win32", reason="one kernel start is enough")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of papermill and jupyter_client
def test_the_log_of_papermill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A long map tells the log how far it is; the notebook keeps the outcome alone."""
    papermill = pytest.importorskip("papermill")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    setup = f"""
import jupyter_localllm.batch.surfaces as surfaces
surfaces._FIRST_LINE_S = surfaces._LINES_S = 0.7
from jupyter_localllm import LocalLLM, runtime
from jupyter_localllm.engine.scripted import ScriptedEngine
engine = ScriptedEngine("one two three", delay_ms=20)
runtime.current().own = LocalLLM.from_engine(engine, cache_dir={str(tmp_path / "answers")!r}, n_parallel=1)
%load_ext jupyter_localllm
rows = [f"text {{i}}" for i in range(40)]"""
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    notebook.cells = [
        nbformat.v4.new_code_cell(setup),
        nbformat.v4.new_code_cell("%%llm said << --over rows\n{{ value }}"),
    ]
    nbformat.write(notebook, tmp_path / "in.ipynb")
    with caplog.at_level("INFO", logger="papermill"):
        done = papermill.execute_notebook(
            tmp_path / "in.ipynb", tmp_path / "out.ipynb", progress_bar=False, log_output=True
        )
    lines = [record.message for record in caplog.records if "llm map" in record.message]
    assert any("of 40 rows" in line and "rows/s" in line and "tokens/s" in line and "left" in line for line in lines)
    (output,) = done.cells[1].outputs
    assert output.output_type == "display_data"
    assert "40 rows answered by scripted." in output.data["text/plain"]
