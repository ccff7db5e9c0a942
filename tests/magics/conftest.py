"""Real IPython shells, and magics that only record how they were called."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from jupyter_client.manager import KernelManager

from tests.shells import new_shell

ROOT = Path(__file__).resolve().parents[2]


@magics_class
class RecordingMagics(Magics):
    """``%llm`` and ``%%llm`` as ours are registered; every call ends up in `calls`."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.calls: list[tuple[str, str | None]] = []

    @no_var_expand
    @line_cell_magic
    def llm(self, line: str, cell: str | None = None) -> str:
        """Ours."""
        self.calls.append((line, cell))
        return "answer"

    @no_var_expand
    @line_cell_magic
    def localllm(self, line: str, cell: str | None = None) -> str:
        """Ours."""
        return self.llm(line, cell)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[InteractiveShell]:
    with new_shell(tmp_path) as made:
        yield made


@pytest.fixture
def ours(shell: Any) -> RecordingMagics:
    return RecordingMagics(shell)


IN_THE_KERNEL = """
from jupyter_localllm.magics import completion, transformer
calls = []
def llm(line, cell=None):
    calls.append(line)
    return "answer"
get_ipython().register_magic_function(llm, "line_cell")
transformer.install(get_ipython(), {"llm"}.__contains__)
completion.install(get_ipython(), completion.Known(models=lambda: ["smollm2-135m-instruct"]))
sales = [{"region": "EU"}]
"""


@pytest.fixture(scope="session")
def kernel() -> Iterator[Any]:
    """A blocking client of a real kernel, with our transformer and completion installed over a recording ``%llm``."""
    manager = KernelManager(kernel_name="python3")
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    manager.start_kernel(env={**os.environ, "PYTHONPATH": path})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        content = client.execute(IN_THE_KERNEL, reply=True, timeout=60)["content"]
        assert content["status"] == "ok", content
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
