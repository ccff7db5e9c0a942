"""``%llm explain`` and ``%llm fix``: the last error of the notebook, handed to the model with its cell."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Literal

from jupyter_localllm.errors import UsageError
from jupyter_localllm.types import Part

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["question", "run"]

_TASKS = {
    "explain": "Explain in plain words why this Python cell failed and what its author should look at.",
    "fix": "Correct this Python cell. Answer with the whole corrected cell in one code block, and nothing else.",
}


def run(shell: InteractiveShell, task: Literal["explain", "fix"] | str) -> None:
    """Ask about the cell that ran before this one.

    Raises
    ------
    UsageError
        It did not fail.
    """
    from jupyter_localllm.api import get_llm
    from jupyter_localllm.magics.arguments import CellArguments
    from jupyter_localllm.magics.run import show_answer

    arguments = CellArguments(format="code") if task == "fix" else CellArguments()
    # An explanation is a paragraph or two; small models do not know when to end one.
    options: dict[str, Any] = {"schema": ""} if task == "fix" else {"schema": "", "max_tokens": 400}
    result = show_answer(shell, get_llm(), question(shell, task), arguments, options)
    shell.push({"_llm": result}, interactive=False)  # type: ignore[no-untyped-call]


def question(shell: InteractiveShell, task: str) -> tuple[Part, ...]:
    """The prompt about the last cell: the task, the cell, the error."""
    last = shell.last_execution_result
    error = None if last is None else last.error_in_exec or last.error_before_exec
    if last is None or error is None:
        raise UsageError(f"the last cell did not fail: there is nothing to {task}", "Run the failing cell, then this.")
    cell = last.info.raw_cell if last.info is not None else ""
    lines = traceback.format_exception_only(type(error), error)
    where = [
        f"line {frame.lineno}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.line and "ipykernel" in frame.filename
    ]
    return (
        Part("text", f"{_TASKS[task]}\n\n```python\n"),
        Part("cell", cell.strip("\n")),
        Part("text", "\n```\n\n"),
        Part("error", "\n".join([*where, "".join(lines).strip()])),
    )
