"""Answers in a real kernel, seen through nbclient: one output, its end, its metadata, and what an interrupt leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_localllm.show.bundle import ANSWER_MIME, bundle
from jupyter_localllm.show.view import View, fold
from jupyter_localllm.types import Done

from .samples import RESULT, TEXT

CHECKOUT = Path(__file__).resolve().parents[2]

SETUP = """
import itertools
import time
from jupyter_localllm.show import follow, register, surface_for
from jupyter_localllm.types import Done, Status, Token
from tests.show.samples import EVENTS, RESULT, WORDS

register(get_ipython())
closed = []

def scripted(events, pause):
    try:
        for event in events:
            time.sleep(pause)
            yield event
    finally:
        closed.append(True)

def ask(events=EVENTS, live=True, pause=0.0):
    return follow(scripted(events, pause), surface_for(get_ipython(), live=live))
"""


def client_of(notebook: nbformat.NotebookNode) -> NotebookClient:
    """A client whose kernel can import the package and these tests."""
    resources = {"metadata": {"path": str(CHECKOUT)}}
    return NotebookClient(notebook, kernel_name="python3", timeout=120, resources=resources)


def run(*sources: str) -> list[list[Any]]:
    """The outputs of cells, as they would be saved."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in (SETUP, *sources)])
    client = client_of(notebook)
    client.execute()
    nbformat.validate(notebook)
    return [cell.outputs for cell in notebook.cells[1:]]


def test_a_streamed_answer_is_one_output() -> None:
    """However often it was updated: one output, the final bundle, the final metadata."""
    (outputs,) = run("x = ask(pause=0.12)")
    (output,) = outputs
    data, metadata = bundle(fold(View(), Done(RESULT), 0.0))
    assert output.output_type == "display_data"
    assert output.data == data
    assert output.metadata == metadata


def test_two_runs_save_the_same_data() -> None:
    """Streamed, replayed and unattended runs of the same answer cannot be told apart by their data."""
    runs = run("x = ask(pause=0.05)", "x = ask([Done(RESULT)])", "x = ask(live=False)")
    assert len({str(output.data) for outputs in runs for output in outputs}) == 1
    assert [len(outputs) for outputs in runs] == [1, 1, 1]


def test_value_of_a_cell() -> None:
    """An answer that the cell returns shows once; the next cell shows it again when asked."""
    returned, bound, again, printed = run("ask()", "x = ask()", "x", "print(x)")
    assert [output.output_type for output in returned] == ["display_data"]
    assert [output.output_type for output in bound] == ["display_data"]
    (output,) = again
    assert output.output_type == "execute_result"
    assert ANSWER_MIME in output.data
    assert output.metadata["jupyter_localllm"]["complete"] is True
    assert printed[0].text == f"{TEXT}\n"


def test_captured_answers() -> None:
    """%%capture keeps an answer out of the page, as it does with any display."""
    (captured, shown) = run("%%capture kept\nx = ask()", "kept.outputs[-1].data['text/plain']")
    assert captured == []
    assert shown[0].data["text/plain"] == repr(TEXT)


def test_an_error_in_the_middle() -> None:
    """The partial text stays, marked, above the error."""
    source = "def broken():\n    yield WORDS[0]\n    1 / 0\nfollow(broken(), surface_for(get_ipython(), live=True))"
    notebook = new_notebook(cells=[new_code_cell(SETUP), new_code_cell(source)])
    client = client_of(notebook)
    with pytest.raises(CellExecutionError):
        client.execute()
    shown, error = notebook.cells[1].outputs
    assert shown.data["text/plain"] == "The capital\n\n[ZeroDivisionError: incomplete]"
    assert error.ename == "ZeroDivisionError"


async def interrupted(source: str) -> tuple[list[Any], list[Any]]:
    """The outputs of a cell that is interrupted once it shows a few words, and those of the next cell."""
    notebook = new_notebook(cells=[new_code_cell(one) for one in (SETUP, source, "len(closed)")])
    client = client_of(notebook)
    async with client.async_setup_kernel():
        await client.async_execute_cell(notebook.cells[0], 0)
        cell = notebook.cells[1]
        task = asyncio.ensure_future(client.async_execute_cell(cell, 1))
        while not (cell.outputs and "word word" in cell.outputs[0].data["text/plain"]):
            await asyncio.sleep(0.01)
        assert client.km is not None
        await client.km.interrupt_kernel()
        with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
            await task
        await client.async_execute_cell(notebook.cells[2], 2)
    return cell.outputs, notebook.cells[2].outputs


@pytest.mark.parametrize(
    "source",
    ["ask(itertools.repeat(Token('word ')), pause=0.005)", "ask(itertools.repeat(Token('word ')), pause=0.0001)"],
    ids=["waiting", "showing"],
)
def test_interrupt_keeps_what_came(source: str) -> None:
    """Stopping a cell: the engine is let go, one output keeps the partial answer, marked, and the kernel lives."""
    outputs, following = asyncio.run(interrupted(source))
    shown, error = outputs
    assert shown.data["text/plain"].startswith("word word")
    assert shown.data["text/plain"].endswith("[interrupted: incomplete]")
    assert shown.data[ANSWER_MIME]["finish_reason"] == "interrupted"
    assert shown.metadata == {"jupyter_localllm": {"complete": False, "finish_reason": "interrupted"}}
    assert error.ename == "KeyboardInterrupt"
    assert following[0].data["text/plain"] == "1"
