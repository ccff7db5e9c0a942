"""Threads of a model that is loaded."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jupyter_localllm.engine.llama import resident
from jupyter_localllm.engine.llama.resident import Resident


def test_threads_that_were_given_way_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of them coming back does not keep the others away; those that the system refuses stay away."""
    room, used = 4, []
    monkeypatch.setattr(resident, "room_for", lambda count: min(count, room))
    one = object.__new__(Resident)
    one.threads = one._threads_now = 4
    one.context = None
    one._quick = SimpleNamespace(llama_set_n_threads=lambda context, count, most: used.append(count))
    for count in (2, 3, 4):
        one.use_threads(count)
    assert (used, one.threads) == ([2, 3, 4], 4)
    room = 3
    for count in (1, 4):
        one.use_threads(count)
    assert (used[3:], one.threads) == ([1, 3], 3)
