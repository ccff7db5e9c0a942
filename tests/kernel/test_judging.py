"""Settings from a file, the doctor and the bench, as cells of a real kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernel_client import Kernel

pytestmark = pytest.mark.model


def test_in_cells(new_kernel: Callable[..., Kernel], tmp_path: Path) -> None:
    """A file of settings holds from the next cell on, one that is wrong changes nothing, and the doctor sees it all."""
    kernel = new_kernel()
    path = tmp_path / "inference.toml"
    path.write_text("[inference.sampling]\nseed = 7\n[inference.runtime]\nthread_count = 1\n")
    assert "seed" in kernel.good(f"%llm config --file {path}").stdout
    shown = kernel.good("%llm config seed").stdout
    assert str(path) in shown
    path.write_text("[inference.sampling]\nsead = 8\n")
    cell = kernel.run(f"%llm config --file {path}")
    assert cell.error is not None
    assert cell.error["ename"] == "SettingsError"
    assert "Did you mean seed?" in "".join(cell.error["traceback"])
    assert "7" in kernel.good("%llm config seed").stdout
    report = kernel.good("%llm doctor --quick").outputs[-1]["data"]
    assert "panels are answered while a cell runs" in report["text/plain"]
    assert "seed = 7" in report["text/plain"]
    assert "check of" not in report["text/plain"]
    assert report["text/html"].startswith("<table>")
