"""Where a run ended, from what papermill left in the notebook."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_output

from jupyter_localllm.report.halted import Halt, halted


def cell(status: str, *, error: str = "", value: str = "", tag: str = "", count: int | None = None) -> Any:
    made = new_code_cell("1", metadata={"papermill": {"status": status}, "tags": [tag] if tag else []})
    if error:
        made.outputs = [new_output("error", ename=error, evalue=value, traceback=[])]
    made.execution_count = count
    return made


OK, LATER = "completed", "pending"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], None),
        ([new_code_cell("1")], None),
        ([cell(OK), cell(OK)], None),
        ([cell(OK), cell("failed", error="ValueError"), cell(LATER)], Halt(1, "ValueError", True)),
        ([cell(OK), cell("failed", error="ValueError")], Halt(1, "ValueError", False)),
        ([cell("failed"), cell(LATER)], Halt(0, "", True)),  # it swallowed the interrupt
        ([cell(OK), cell("running"), cell(LATER)], Halt(1, "", True)),  # it was killed
        ([cell("running", count=4), cell(LATER, count=5)], None),
        ([cell(LATER), cell(LATER)], Halt(None)),
        ([cell("failed", error="SystemExit", value="0"), cell(LATER)], None),
        ([cell("failed", error="SystemExit", value="3"), cell(LATER)], Halt(0, "SystemExit", True)),
        ([cell("failed", error="E", tag="raises-exception"), cell(OK)], None),
        ([cell("failed", error="E", tag="raises-exception"), cell("failed", error="F")], Halt(1, "F", False)),
        ([cell("failed", error="DeadKernelError", tag="raises-exception"), cell(LATER)], Halt(0, "DeadKernelError")),
        ([cell("failed", count=4), cell(LATER, count=5)], None),  # somebody ran it by hand since
        ([cell(LATER, count=1)], None),
    ],
)
def test_halted(cells: list[Any], expected: Halt | None) -> None:
    """The cell, its error, and whether there is more that has not run; nothing of a run that went to its end."""
    assert halted(cells) == expected


def test_a_damaged_notebook() -> None:
    """What is not of its kind counts as not there."""
    assert halted([{"cell_type": "code", "metadata": {"papermill": 3}, "outputs": "x"}]) is None
    assert halted([{"cell_type": "code", "metadata": {"papermill": {"status": []}}, "outputs": [3]}]) is None
