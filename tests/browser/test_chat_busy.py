"""The chat while a cell runs: with subshells, without them, and after the page was reloaded in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .chat import LOOP, SETUP, Chat, open_chat
from .lab import PANEL, Lab
from .server import Server

pytestmark = [pytest.mark.browser, pytest.mark.model]


def until(seen: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def ipykernel_6(jupyter_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a kernel like the tests' own, but with ipykernel 6: the last one without subshells."""
    packages = tmp_path_factory.mktemp("ipykernel_6")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages)]
    subprocess.run([*install, "ipykernel>=6.29,<7", "nest-asyncio"], check=True, timeout=300)
    begin = f"import sys; sys.path.insert(0, {str(packages)!r}); from ipykernel.kernelapp import main; main()"
    specification = {
        "argv": [sys.executable, "-c", begin, "-f", "{connection_file}"],
        "display_name": "ipykernel 6",
        "language": "python",
        "metadata": {"debugger": False},
    }
    directory = jupyter_server.root.parent / "data" / "kernels" / "ipykernel6"
    directory.mkdir(parents=True)
    (directory / "kernel.json").write_text(json.dumps(specification))
    return "ipykernel6"


def test_a_kernel_without_subshells_says_that_it_is_busy(lab: Lab, ipykernel_6: str, tmp_path: Path) -> None:
    """With ipykernel 6 the panel works; while a cell runs it says that the question waits, and then it is answered."""
    flag = tmp_path / "end"
    lab.open([SETUP, LOOP.format(flag=str(flag)), "import ipykernel; ipykernel.__version__"], kernel=ipykernel_6)
    lab.run_cell(0)
    lab.run_cell(2)
    assert lab.outputs(2)[0]["data"]["text/plain"].startswith("'6.")
    chat = Chat(lab).show().ready()
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    lab.run_cell(1, wait=False)
    expect(chat.node).to_contain_text("Kernel busy, queued.")
    chat.ask("What is the capital of Japan?")
    expect(chat.turns).to_have_count(2)
    expect(chat.turns.last).not_to_have_attribute("data-phase", "done")
    flag.touch()
    chat.wait_done(1)
    expect(chat.answer(1)).to_contain_text("Tokyo")
    expect(chat.node).not_to_contain_text("Kernel busy")


def test_a_panel_opened_while_a_cell_runs_says_that_it_waits(lab: Lab, ipykernel_6: str, tmp_path: Path) -> None:
    """With ipykernel 6 the panel cannot even greet before the cell has ended, and says so."""
    flag = tmp_path / "end"
    lab.open([SETUP, LOOP.format(flag=str(flag))], kernel=ipykernel_6)
    lab.run_cell(0)
    lab.run_cell(1, wait=False)
    chat = Chat(lab).show()
    expect(chat.node).to_contain_text("Kernel busy, queued.")
    flag.touch()
    chat.ready()
    expect(chat.node).not_to_contain_text("Kernel busy")


def test_a_reload_while_a_cell_runs(lab: Lab, tmp_path: Path) -> None:
    """JupyterLab knows of the kernel's subshells only when the cell has ended; the panel answers before that."""
    flag = tmp_path / "end"
    chat = open_chat(lab, [LOOP.format(flag=str(flag))])
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    lab.save()
    lab.run_cell(1, wait=False)
    lab.wait_busy()
    lab.reload("chat.ipynb")
    chat.show().ready()
    expect(chat.answer(0)).to_contain_text("Tokyo")
    chat.ask("What is the capital of Japan?")
    expect(chat.answer(1)).to_contain_text("Tokyo", timeout=60_000)
    chat.wait_done(1)
    flag.touch()
    until(lambda: not flag.exists())  # so the loop ran until now
    chat.ask("What is the capital of Japan?")  # the same channel, now that JupyterLab knows the kernel as well
    chat.wait_done(2)


def test_a_reload_gives_its_subshells_back(lab: Lab, tmp_path: Path) -> None:
    """Pages come and go while a cell runs; what the kernel holds for them goes with them."""
    flag = tmp_path / "end"
    count = "import threading; [t.name for t in threading.enumerate()].__repr__().count('subshell')"
    chat = open_chat(lab, [LOOP.format(flag=str(flag)), count])
    lab.run_cell(2)
    before = int(lab.outputs(2)[0]["data"]["text/plain"])
    lab.save()
    lab.run_cell(1, wait=False)
    lab.wait_busy()
    lab.reload("chat.ipynb")
    chat.show().ready()
    flag.touch()
    until(lambda: not flag.exists())
    lab.wait_idle()
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.reconnect()")

    def few() -> bool:
        lab.run_cell(2)
        return int(lab.outputs(2)[0]["data"]["text/plain"]) <= before + 1  # that of the page that is gone, and one

    chat.ready()
    until(few)


def test_the_notebook_that_is_left_answers_beside_a_cell(lab: Lab, tmp_path: Path) -> None:
    """Two notebooks on one kernel, and the first is closed: the panel's new connection has a subshell, too."""
    flag = tmp_path / "end"
    chat = open_chat(lab, [], "one.ipynb")
    lab.open([LOOP.format(flag=str(flag))], "two.ipynb")
    lab.page.evaluate(
        f"""async () => {{ {PANEL}
            const one = [...app.shell.widgets('main')].find(widget => widget.context?.path === 'one.ipynb');
            await panel.sessionContext.changeKernel({{id: one.sessionContext.session.kernel.id}});
            one.dispose();
        }}"""
    )
    chat.ready()
    lab.run_cell(0, wait=False)
    lab.wait_busy()
    chat.ask("What is the capital of Japan?")
    expect(chat.answer(0)).to_contain_text("Tokyo", timeout=60_000)
    flag.touch()
    until(lambda: not flag.exists())
