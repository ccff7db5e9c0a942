"""A look at a disk that does not answer ends, and does not pile up threads."""

from __future__ import annotations

import _thread
import os
import random
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from jupyter_localllm.config import reach
from tests.contracts import wait_for


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody here waits for long, and nothing was looked at before."""
    monkeypatch.setattr(reach, "PATIENCE", 0.05)
    reach.forget()
    yield
    reach.forget()


def waiting() -> int:
    return sum(thread.name == "localllm-reach" for thread in threading.enumerate())


def test_a_disk_that_answers(tmp_path: Path) -> None:
    """Whatever it says is an answer; a second look within a second costs nothing."""
    assert reach.reachable(tmp_path)
    assert reach.reachable(tmp_path / "not" / "there")
    assert reach.reachable("a\0b")


def test_a_disk_that_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread waits for it, however often it is asked for; when it answers, it is used again."""
    answer, real = threading.Event(), os.stat

    def silent(name: str) -> os.stat_result:
        if name == str(tmp_path):
            answer.wait(30)
        return real(name)

    monkeypatch.setattr(reach.os, "stat", silent)
    for _ in range(5):
        with pytest.raises(TimeoutError, match="does not answer"):
            reach.check_reach(tmp_path)
    assert waiting() == 1
    assert reach.reachable(tmp_path.parent)  # others are not held up
    answer.set()
    wait_for(lambda: waiting() == 0)
    assert reach.reachable(tmp_path)


def test_interrupts_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at any moment of a look does not make a disk silent that answers."""
    monkeypatch.setattr(reach, "PATIENCE", 5.0)
    real, chance = os.stat, random.Random(8)

    def interrupting(name: str) -> os.stat_result:
        if name == str(tmp_path):
            for _ in range(chance.randrange(300)):
                pass
            _thread.interrupt_main()
        return real(name)

    monkeypatch.setattr(reach.os, "stat", interrupting)
    for _ in range(300):
        reach.forget()
        with suppress(KeyboardInterrupt):
            assert reach.reachable(tmp_path)
            time.sleep(0.001)  # it may come now
    monkeypatch.undo()
    reach.forget()
    assert reach.reachable(tmp_path)


def test_threads_that_look_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second thread waits as the first one does: a disk that takes its time is not silent for either."""
    monkeypatch.setattr(reach, "PATIENCE", 20.0)
    answer, looking, real = threading.Event(), threading.Event(), os.stat

    def slow(name: str) -> os.stat_result:
        if name == str(tmp_path):
            looking.set()
            answer.wait(20)
        return real(name)

    monkeypatch.setattr(reach.os, "stat", slow)
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(reach.reachable(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert looking.wait(20)
    assert not found
    answer.set()
    for thread in threads:
        thread.join(20)
    assert found == [True] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_during_a_look(tmp_path: Path) -> None:
    """The thread that looks stays with the parent: the child looks itself, and does not wait for what nobody does."""
    program = """
    import os, sys, threading
    from jupyter_localllm.config import reach
    real, answer = os.stat, threading.Event()
    os.stat = lambda name: answer.wait(60) and real(name)
    reach.PATIENCE = 0.05
    assert not reach.reachable(sys.argv[1])
    child = os.fork()
    os.stat, reach.PATIENCE = real, 5.0
    if child == 0:
        os._exit(0 if reach.reachable(sys.argv[1]) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child took the disk for silent"
    answer.set()
    assert reach.reachable(sys.argv[1])
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program), str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
