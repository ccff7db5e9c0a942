"""A look at a disk that does not answer ends, and does not pile up threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
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
