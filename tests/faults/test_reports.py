"""Reports whose terminal, log, folder or machine goes away while they run."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from jupyter_localllm.report.alone import alone
from tests.faults.conftest import Campaign
from tests.faults.machine import ROOT
from tests.kernel_client import private_environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and descriptors of POSIX")

COMMAND = (sys.executable, "-c", "import sys; from jupyter_localllm.cli import main; sys.exit(main())", "report")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**private_environment(tmp_path / "home"), "PYTHONPATH": str(ROOT)}


def save(path: Path, *cells: str) -> Path:
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell("a = 0", metadata={"tags": ["parameters"]})]
    made.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(made, path)
    return path


def told(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def states(path: Path) -> list[str]:
    return [cell.metadata.papermill.status for cell in nbformat.read(path, as_version=4).cells]


def test_a_terminal_that_is_closed(tmp_path: Path, environment: dict[str, str], campaign: Campaign) -> None:
    """The cell is interrupted, all files are written and say so, and the kernel is gone; also if nobody can be told."""
    next(campaign(1))
    slow = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(300)"
    source = save(tmp_path / "in.ipynb", slow, "print('never')")
    python, flag, program, *words = COMMAND
    heard = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); {program}"  # also if this runs under nohup
    line = [python, flag, heard, *words, str(source), "--out", str(tmp_path / "out.html")]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        pid = tmp_path / "pid"
        while not (pid.exists() and pid.read_text()):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.stdout.close()
        process.stderr.close()  # as of a terminal that is gone
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 128 + signal.SIGHUP
    assert states(tmp_path / "out.ipynb") == ["completed", "failed", "pending"]
    found = told(tmp_path / "out.json")
    assert (found["interrupted"], found["status"]) == (True, 128 + signal.SIGHUP)
    assert (tmp_path / "out.html").exists()
    assert not psutil.pid_exists(int(pid.read_text()))


@pytest.mark.parametrize("how", ["nobody reads", "closed"])
def test_a_log_that_cannot_be_written(
    how: str, tmp_path: Path, environment: dict[str, str], campaign: Campaign
) -> None:
    """Each row's report is made, no cell is blamed, and the status is the reports' own."""
    next(campaign(1))
    source = save(tmp_path / "in.ipynb", "import os\nos.system('echo a program speaks, too')\nprint('here', a)")
    (tmp_path / "rows.csv").write_text("a\n1\n2\n")
    line = [*COMMAND, str(source), "--rows", str(tmp_path / "rows.csv"), "--out", str(tmp_path / "out-{a}.html")]
    script = {"nobody reads": '"$@"', "closed": '"$@" <&- >&- 2>&-'}[how]
    ours, theirs = os.pipe()
    os.close(ours)
    with open(theirs, "wb") as nobody:
        done = subprocess.run(
            ["sh", "-c", script, "sh", *line],
            env=environment, stdout=nobody, stderr=nobody, timeout=120, check=False,
        )  # fmt: skip
    assert [told(tmp_path / f"out-{number}.json")["failure"] for number in (1, 2)] == [None, None]
    assert states(tmp_path / "out-2.ipynb") == ["completed"] * 3
    assert "here 2" in (tmp_path / "out-2.html").read_text(encoding="utf-8")
    assert done.returncode == 0


def test_two_nights_that_overlap(tmp_path: Path, environment: dict[str, str], campaign: Campaign) -> None:
    """The second report to a file is refused while the first runs, and not after it was killed."""
    next(campaign(1))
    slow = "import pathlib, time\npathlib.Path('begun').touch()\nif a < 2: time.sleep(300)\nprint('here', a)"
    line = [*COMMAND, str(save(tmp_path / "in.ipynb", slow)), "--out", str(tmp_path / "out.html"), "-p", "a"]
    with subprocess.Popen([*line, "1"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as first:
        while not (tmp_path / "begun").exists():
            assert first.poll() is None
            time.sleep(0.05)
        second = subprocess.run([*line, "2"], env=environment, capture_output=True, text=True, check=False)
        assert (second.returncode, "another report is being written" in second.stderr) == (2, True)
        first.kill()
    with alone([tmp_path / "out.html", tmp_path / "out.ipynb", tmp_path / "out.json"]):
        assert (tmp_path / ".out.html.lock").exists()
    assert sorted(path.name for path in tmp_path.glob("*out*")) == ["out.ipynb"]


def test_a_folder_that_is_gone(tmp_path: Path, environment: dict[str, str], campaign: Campaign) -> None:
    """Nothing is written where no kernel can start, and what to do is said."""
    next(campaign(1))
    source = save(tmp_path / "in.ipynb", "print('here')")
    script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"'
    line = [*COMMAND, str(source), "--out", str(tmp_path / "out.html")]
    done = subprocess.run(
        ["sh", "-c", script, str(tmp_path / "gone"), *line],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "is gone" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.json").exists()


def test_a_night_without_a_kernel(tmp_path: Path, environment: dict[str, str], campaign: Campaign) -> None:
    """What a run leaves that could not begin is replaced by the next one; who may read the files stays so."""
    next(campaign(1))
    source = save(tmp_path / "in.ipynb", "print('here', a)")
    broken = tmp_path / "home" / ".local" / "share" / "jupyter" / "kernels" / "broken"
    broken.mkdir(parents=True)
    spec = {"argv": [str(tmp_path / "nothing")], "display_name": "broken", "language": "klingon"}
    (broken / "kernel.json").write_text(json.dumps(spec))
    line = [*COMMAND, str(source), "--out", str(tmp_path / "out.html"), "-p", "a", "1"]
    environment = {**environment, "JUPYTER_PATH": str(broken.parents[1])}
    first = subprocess.run([*line, "--kernel", "broken"], env=environment, capture_output=True, text=True, check=False)
    assert first.returncode == 1, first.stderr
    (tmp_path / "out.html").chmod(0o600)
    second = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert (second.returncode, "here 1" in (tmp_path / "out.html").read_text(encoding="utf-8")) == (0, True)
    assert stat.S_IMODE((tmp_path / "out.html").stat().st_mode) == 0o600
