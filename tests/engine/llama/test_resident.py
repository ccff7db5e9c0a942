"""The model in memory: how many threads compute."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jupyter_localllm.engine.llama import resident
from jupyter_localllm.engine.llama.resident import Resident


@pytest.fixture
def model() -> Resident:
    made = Resident.__new__(Resident)
    made.threads = made._threads_now = 8
    made.context = None
    made._quick = SimpleNamespace(llama_set_n_threads=lambda *_: None)
    return made


def test_all_threads_come_back(model: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    """After fewer, and some more, all of them compute again."""
    monkeypatch.setattr(resident, "room_for", lambda count: count)
    for count in (6, 7, 8):
        model.use_threads(count)
        assert model._threads_now == count
    assert model.threads == 8


def test_no_more_than_there_is_room_for(model: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system gives fewer threads, those compute."""
    monkeypatch.setattr(resident, "room_for", lambda count: min(count, 5))
    for count, now in ((3, 3), (8, 5), (4, 4), (8, 5)):
        model.use_threads(count)
        assert model._threads_now == now
    assert model.threads == 5
