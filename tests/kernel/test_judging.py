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
    assert "seed" in kernel.good(f"%llm config --file {path}").plain
    shown = kernel.good("%llm config seed").plain
    assert str(path) in shown
    path.write_text("[inference.sampling]\nsead = 8\n")
    cell = kernel.run(f"%llm config --file {path}")
    assert cell.error is not None
    assert cell.error["ename"] == "SettingsError"
    assert "Did you mean seed?" in "".join(cell.error["traceback"])
    assert "7" in kernel.good("%llm config seed").plain
    report = kernel.good("%llm doctor --quick").outputs[-1]["data"]
    assert "panels are answered while a cell runs" in report["text/plain"]
    assert "seed = 7" in report["text/plain"]
    assert "check of" not in report["text/plain"]
    assert report["text/html"].startswith("<table>")


SCRIPTED = """
import jupyter_localllm as jl
from jupyter_localllm import runtime
from jupyter_localllm.engine.scripted import ScriptedEngine
runtime.current().own = jl.LocalLLM.from_engine(ScriptedEngine("one two three four", delay_ms={delay}))
"""


def test_the_bench_in_a_cell(new_kernel: Callable[..., Kernel], tmp_path: Path) -> None:
    """Table and plot are shown, the file is written, `_llm` is the result; an interrupt shows what there is."""
    kernel = new_kernel()
    kernel.good(SCRIPTED.format(delay=0))
    shown = [output["data"] for output in kernel.good(f"%llm bench --n 2 --out {tmp_path / 'x.csv'}").outputs]
    assert any("writing" in data.get("text/plain", "") for data in shown)
    assert any("image/svg+xml" in data for data in shown)
    assert (tmp_path / "x.csv").is_file()
    assert kernel.good("print(type(_llm).__name__, len(_llm.rows[0].samples))").stdout == "Benchmark 2\n"
    kernel.good(SCRIPTED.format(delay=20))
    kernel.good(
        "ask = __import__('sys').modules['jupyter_localllm.bench.measure']._ask\n"
        "def counted(*args):\n    found = ask(*args)\n    print('asked', flush=True)\n    return found\n"
        "__import__('sys').modules['jupyter_localllm.bench.measure']._ask = counted"
    )
    request = kernel.start("%llm bench --n 1000")
    cell = kernel.finish(request, until=lambda cell: cell.stdout.count("asked") >= 4)  # two of them to warm up
    kernel.manager.interrupt_kernel()
    cell = kernel.finish(request, cell)
    assert cell.error is not None
    assert cell.error["ename"] == "KeyboardInterrupt"
    shown = [output["data"].get("text/html", "") for output in cell.outputs if "data" in output]
    assert any("of 1000 prompts" in html for html in shown)
    # the interrupt may come before the last one is noted
    assert int(kernel.good("print(len(_llm.rows[0].samples))").stdout) >= 1
