"""``%%llm --tools``: functions of the notebook, in a shell and in a notebook that runs unattended."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import ToolNotConfirmed, UsageError
from jupyter_localllm.magics.run import run_cell
from jupyter_localllm.magics.suggestions import Known, suggest
from jupyter_localllm.magics.variables import function_names
from jupyter_localllm.show.bundle import ANSWER_MIME
from jupyter_localllm.types import Answer
from tests.tools import shop

CALL = json.dumps({"name": "price", "arguments": {"item": "tea"}})


@pytest.fixture
def llm(shell: Any) -> Any:
    """Runs a cell with the functions of the tests in the notebook, and gives what it bound."""
    runtime.current().own = LocalLLM.from_engine(ScriptedEngine([CALL, "The price of tea is 12 euros."]))
    shell.push({"price": shop.price, "double": shop.double, "shop": shop, "tools": [shop.price, shop.double], "n": 3})

    def cell(line: str, body: str = "What does tea cost?") -> Any:
        run_cell(shell, line, body, None)
        return shell.user_ns.get("_llm")

    return cell


@pytest.mark.parametrize("line", ["price", "shop.price", "price,double", "price double", "tools", '"[price]"'])
def test_functions_are_named(llm: Any, line: str, capsys: Any) -> None:
    """A name, an attribute, several, a list, an expression; the answer is bound, with its citations."""
    answer = llm(f"--tools {line} --yes")
    assert isinstance(answer, Answer)
    assert answer.text == "The price of tea is 12 euros [1]."
    said = capsys.readouterr().out
    assert 'tool: price("tea") = 12.0\n' in said
    assert "[1] tool: supported" in said


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("prise", "Did you mean price?"),
        ("n", "a tool is a function, not int"),
        ("price price", "two tools are called price"),
        ('"lambda x: x"', "a lambda has no name"),
    ],
)
def test_wrong_names_are_told(llm: Any, line: str, says: str) -> None:
    """Before anything is asked, with what to do."""
    with pytest.raises(UsageError) as caught:
        llm(f"--tools {line}")
    assert says in str(caught.value)


def test_a_person_is_asked_in_the_terminal(llm: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """The call stands in the question; a no is told to the model."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    answer = llm("--tools price")
    assert [call.status for call in answer.result.calls] == ["declined"]
    assert 'Run price(item="tea")?' in capsys.readouterr().out


def test_unattended_it_is_refused(llm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A standard input that is nobody: an error that names the call and what to do."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(ToolNotConfirmed, match="nobody is here"):
        llm("--tools price")


def test_a_dry_run_shows_the_tools(llm: Any, capsys: Any) -> None:
    """Nothing is generated and nothing runs."""
    llm("--tools price --dry-run")
    assert "The price of an item, in euros." in capsys.readouterr().out


def test_completion_offers_functions() -> None:
    """Functions only, each once, behind commas too; not beside --over."""
    names = {"price": shop.price, "double": shop.double, "n": 3, "cls": int, "print_": print}
    assert function_names(names) == ["double", "price"]
    assert suggest("%%llm --tools p", names, Known()).texts == ("price",)
    assert suggest("%%llm --tools price,d", names, Known()).texts == ("double",)
    assert suggest("%%llm --tools price ", names, Known()).texts[0] == "double"
    assert "--tools" not in suggest("%%llm --over n --t", names, Known()).texts


SETUP = """
import json
import jupyter_localllm as jl
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm import runtime
%load_ext jupyter_localllm
call = json.dumps({"name": "price", "arguments": {"item": "tea"}})
runtime.current().own = jl.LocalLLM.from_engine(ScriptedEngine([call, "The price of tea is 12 euros."]))
def price(item: str) -> float:
    "The price of an item, in euros."
    return 12.0
"""


def executed(path: Path, *cells: str) -> Any:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (SETUP, *cells)])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path)}}).execute()
    return notebook


def test_a_notebook_that_runs_unattended(tmp_path: Path) -> None:
    """Papermill's way: what is not confirmed is refused, `--yes` and marks are enough; call and outcome are saved."""
    with pytest.raises(CellExecutionError, match="ToolNotConfirmed"):
        executed(tmp_path, "%%llm --tools price\nWhat does tea cost?")
    for cells in (
        ["%%llm --tools price --yes --cache off\nWhat does tea cost?"],
        ["price = jl.tool(safe=True)(price)", "%%llm --tools price --cache off\nWhat does tea cost?"],
    ):
        (output,) = executed(tmp_path, *cells).cells[-1].outputs
        saved = output["data"][ANSWER_MIME]
        assert saved["calls"] == [
            {"name": "price", "arguments": '{"item": "tea"}', "outcome": "12.0", "status": "done"}
        ]
        assert saved["citations"][0]["source"] == "tool"
        assert "price(&quot;tea&quot;) = 12.0" in output["data"]["text/html"]
        assert '- tool: `price("tea") = 12.0`' in output["data"]["text/markdown"]
        assert output["metadata"]["jupyter_localllm"]["sources"] == {'price("tea")': saved["passages"][0]["sha256"]}
