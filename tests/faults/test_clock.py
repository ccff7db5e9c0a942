"""A clock that is set back, or ahead and back again: what is used stays, what is old leaves, nothing waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache
from jupyter_localllm.engine.llama import StateKey, StateStore
from jupyter_localllm.models.identity import sha256_of
from tests.cache.samples import entry, key
from tests.faults.conftest import Campaign

YEAR = 365 * 86_400.0
SetClock = Callable[[float], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets this process's clock so many seconds from the true one; files keep the true time unless they are touched."""
    true, true_ns = time.time, time.time_ns

    def put(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: true() + seconds)
        monkeypatch.setattr(time, "time_ns", lambda: true_ns() + int(seconds * 1e9))

    return put


@pytest.fixture
def cache(tmp_path: Path) -> AnswerCache:
    return AnswerCache(tmp_path / "cache", size_limit_bytes=300_000)


def put(cache: AnswerCache, name: str) -> None:
    assert cache.put(key(name), entry(key(name), "word " * 2_000))  # some 30 kB


def there(cache: AnswerCache, name: str) -> bool:
    return cache.peek(key(name)) is not None


def test_answers_of_now_stay(cache: AnswerCache, set_clock: SetClock, campaign: Campaign) -> None:
    """A full cache that was filled in the future keeps what is asked now, and lets go of what nobody asks for."""
    next(campaign(1))
    set_clock(YEAR)
    for i in range(20):
        put(cache, f"future {i}")
    assert not there(cache, "future 0")
    set_clock(0.0)
    for i in range(4):
        put(cache, f"now {i}")
    assert [there(cache, f"now {i}") for i in range(4)] == [True] * 4


def test_what_is_used_now_counts_as_used(cache: AnswerCache, set_clock: SetClock, campaign: Campaign) -> None:
    """An answer from before the clock was set back stays as long as it is asked for."""
    next(campaign(1))
    set_clock(YEAR)
    put(cache, "loved")
    put(cache, "forgotten")
    for i in range(20):
        set_clock(i * 120.0)  # use is noted to the minute
        assert cache.get(key("loved")) is not None, i
        put(cache, f"now {i}")
    assert not there(cache, "forgotten")


def test_pruning_by_age(cache: AnswerCache, set_clock: SetClock, campaign: Campaign) -> None:
    """Days are counted from now; an answer of the future is not old, and is there after the clock was set right."""
    next(campaign(1))
    set_clock(-YEAR)
    put(cache, "old")
    set_clock(YEAR)
    put(cache, "future")
    set_clock(0.0)
    put(cache, "now")
    assert cache.prune(older_than_days=30) == 1
    assert [there(cache, name) for name in ("old", "now", "future")] == [False, True, True]


def test_clocks_that_jump(cache: AnswerCache, set_clock: SetClock, campaign: Campaign) -> None:
    """Whatever the clock does between two answers: the one that was kept last is there."""
    for chance in campaign(60):
        set_clock(chance.choice([-1, 1]) * 10 ** chance.uniform(0, 9))
        name = str(chance.random())
        put(cache, name)
        campaign.committed(cache.get(key(name)) is not None)


def test_states_of_now_stay(tmp_path: Path, set_clock: SetClock, campaign: Campaign) -> None:
    """Prefix states on disk: those of the future leave first."""
    next(campaign(1))
    store = StateStore(StateKey("ab", "1", "f16"), tmp_path / "states", ram_bytes=0, disk_bytes=100_000)

    def kept(*tokens: int) -> bool:
        found = store.longest(tokens, more_than=0, exact_ends=True)
        return found is not None and found.load() is not None

    set_clock(YEAR)
    for i in range(10):
        store.put([i, 1, 2], bytes(20_000), keep=True)
    set_clock(0.0)
    later = StateStore(
        StateKey("ab", "1", "f16"), tmp_path / "states", ram_bytes=0, disk_bytes=100_000
    )  # after a restart
    for i in range(20, 23):
        later.put([i, 1, 2], bytes(20_000), keep=True)
    assert [kept(i, 1, 2) for i in range(20, 23)] == [True] * 3


def test_a_file_from_the_future(tiny: Path, set_clock: SetClock, campaign: Campaign) -> None:
    """A model that was written before the clock was set back is not read as a whole each time."""
    next(campaign(1))
    set_clock(-YEAR)
    memo: dict[str, str] = {}
    sha256_of(tiny, memo)
    assert memo


def test_locks_do_not_wait_for_it(cache: AnswerCache, set_clock: SetClock, campaign: Campaign) -> None:
    """Waiting is measured by a clock that nobody sets."""
    import sqlite3

    next(campaign(1))
    put(cache, "first")
    holder = sqlite3.connect(cache.directory / "answers" / "cache.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    set_clock(-10 * YEAR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jupyter_localllm.cache.database.PATIENCE", 0.05)
        assert not cache.put(key("second"), entry(key("second")))
    holder.close()
    put(cache, "second")
