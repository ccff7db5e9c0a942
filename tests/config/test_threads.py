"""Threads that the system may refuse."""

from __future__ import annotations

import threading

import pytest

from jupyter_localllm.config.threads import begin, room_for
from jupyter_localllm.errors import EngineError


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many threads may still be started."""
    left, start = [0], threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if left[0] <= 0:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    return left


def test_what_is_at_its_end_is_said(starting: list[int]) -> None:
    """An error of ours says what to do; a thread that may be started runs."""
    ran = threading.Event()
    with pytest.raises(EngineError, match="no thread could be started") as raised:
        begin(threading.Thread(target=ran.set))
    assert "end some" in raised.value.hint
    starting[0] = 1
    begin(threading.Thread(target=ran.set))
    assert ran.wait(30)


@pytest.mark.parametrize(("left", "room"), [(0, 1), (1, 1), (2, 2), (3, 3), (4, 4), (9, 4)])
def test_how_many_may_compute(left: int, room: int, starting: list[int]) -> None:
    """One is always there, one is spared, and those that were tried are gone."""
    starting[0] = left
    before = threading.active_count()
    assert room_for(4) == room
    assert threading.active_count() == before
    assert room_for(1) == 1
