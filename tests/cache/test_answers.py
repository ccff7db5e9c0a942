from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache, Entry
from jupyter_localllm.errors import CacheError
from jupyter_localllm.types import Message, Result, Sampling
from tests.cache.hostile import run
from tests.cache.samples import entry, key, templated

OpenCache = Callable[..., AnswerCache]


def test_what_was_put_is_found(cache: AnswerCache, open_cache: OpenCache, notices: list[str]) -> None:
    """An answer is found again, whole, by this kernel and by the next one."""
    assert cache.get(key()) is None
    made = entry(key())
    assert cache.put(key(), made)
    assert cache.get(key()) == made
    cache.close()
    assert open_cache().get(key()) == made
    assert open_cache().get(key("another")) is None
    assert notices == []


def test_the_last_put_counts(cache: AnswerCache) -> None:
    """`--cache refresh` replaces the answer."""
    cache.put(key(), entry(key(), "old"))
    cache.put(key(), entry(key(), "new"))
    found = cache.get(key())
    assert found is not None
    assert found.result.text == "new"
    assert cache.stats().entries == 1


def test_nothing_is_touched_before_use(tmp_path: Path) -> None:
    """Making a cache, and loading the room, opens nothing and imports neither diskcache nor SQLite."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom jupyter_localllm.cache import *\n"
        "cache = AnswerCache(Path(sys.argv[1]))\ncache.memo, cache.directory, cache.on_notice\n"
        "print({'diskcache', 'sqlite3', 'llama_cpp'} & set(sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=True,
    )
    assert done.stdout == "set()\n"
    assert not (tmp_path / "cache").exists()


def test_an_interrupted_answer_is_not_kept(cache: AnswerCache) -> None:
    """A partial answer must never be replayed as one."""
    assert not cache.put(key(), entry(key(), finish_reason="interrupted"))
    assert cache.get(key()) is None


def test_an_entry_stands_under_its_own_key(cache: AnswerCache) -> None:
    """An answer cannot be put under the key of another question."""
    with pytest.raises(CacheError, match="not of this key"):
        cache.put(key("another"), entry(key()))


def test_statistics_of_all_kernels(cache: AnswerCache, open_cache: OpenCache, tmp_path: Path) -> None:
    """Hits and misses are those of all kernels; looking without asking counts as nothing."""
    cache.get(key())
    cache.put(key(), entry(key()))
    cache.get(key())
    cache.peek(key())
    cache.close()
    other = open_cache()
    other.get(key())
    stats = other.stats()
    assert (stats.entries, stats.hits, stats.misses) == (1, 2, 1)
    assert stats.directory == tmp_path / "cache"
    files = [path for path in (tmp_path / "cache").rglob("*/*") if path.is_file()]
    assert stats.size_bytes == sum(path.stat().st_size for path in files) > 4096


def test_clear_forgets_answers(cache: AnswerCache, database: Path) -> None:
    """All answers go, their bytes too, and damaged files that were set aside; the statistics and the memo stay."""
    for number in range(300):
        cache.put(key(str(number)), entry(key(str(number)), "a secret answer"))
    cache.memo["a"] = "1"
    cache.get(key("1"))
    (database.parent / "cache.db.damaged-1").write_text("x")
    before = cache.stats().size_bytes
    assert cache.clear() == 300
    stats = cache.stats()
    assert (stats.entries, stats.hits) == (0, 1)
    assert stats.size_bytes < before / 2
    assert b"secret" not in b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert not (database.parent / "cache.db.damaged-1").exists()
    assert cache.memo["a"] == "1"
    assert cache.clear() == 0


def test_prune_by_age_is_by_last_use(cache: AnswerCache, database: Path) -> None:
    """An old answer that last night's report used is not old."""
    for name in ("old", "used", "new"):
        cache.put(key(name), entry(key(name)))
    long_ago = time.time() - 40 * 86_400
    for name in ("old", "used"):
        run(
            database,
            "UPDATE Cache SET access_time = ?, store_time = ? WHERE key = ?",
            long_ago,
            long_ago,
            key(name).digest,
        )
    cache.get(key("used"))
    assert cache.prune(older_than_days=30) == 1
    assert [cache.peek(key(name)) is not None for name in ("old", "used", "new")] == [False, True, True]
    assert cache.prune() == 0


def test_prune_to_a_size(cache: AnswerCache) -> None:
    """Down to a size, what was used last stays."""
    for number in range(50):
        cache.put(key(str(number)), entry(key(str(number)), "word " * 2_000))
    assert 10 < cache.prune(to_bytes=500_000) < 45
    assert cache.peek(key("49")) is not None
    assert cache.peek(key("0")) is None
    assert cache.stats().size_bytes < 700_000


def test_it_does_not_outgrow_its_limit(open_cache: OpenCache, notices: list[str]) -> None:
    """Beyond the limit the longest unused leave, never the one just written; one too large is not kept, and said."""
    cache = open_cache(size_limit_bytes=400_000)
    for number in range(60):
        assert cache.put(key(str(number)), entry(key(str(number)), "word " * 1_000))
        assert cache.peek(key(str(number))) is not None
    assert 5 < cache.stats().entries < 40
    assert cache.peek(key("0")) is None
    assert notices == []
    assert not cache.put(key("large"), entry(key("large"), "word " * 50_000))
    assert len(notices) == 1
    assert "too large" in notices[0]


def test_nearest_is_the_same_cell(cache: AnswerCache) -> None:
    """The document that shares most comes back, the one used last among equals, never the key's own."""
    assert cache.nearest(key()) is None
    now = templated(("text", "Describe "), ("{{ df }}", "1"))
    others = [
        key("Something else"),
        templated(("text", "Describe "), ("{{ df }}", "2"), sampling=Sampling(temperature=1.0)),
        templated(("text", "Describe "), ("{{ df }}", "3")),
        templated(("text", "Describe "), ("{{ df }}", "4")),
        templated(("text", "Summarise "), ("{{ df }}", "1")),
    ]
    for other in others:
        cache.put(other, entry(other))
        time.sleep(0.002)
    assert cache.nearest(now) == others[3].document
    cache.put(now, entry(now))
    assert cache.nearest(now) == others[3].document


def test_nearest_does_bounded_work(cache: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the documents used last are looked at, and one that is too long is passed over."""
    long = key(messages=[Message.of("user", f"{number} " + "x" * 300) for number in range(300)])
    cache.put(long, entry(long))
    assert cache.nearest(key()) is None
    monkeypatch.setattr("jupyter_localllm.cache.answers._RECENT", 3)
    for number in range(5):
        other = key(f"Question {number}")
        cache.put(other, entry(other))
        time.sleep(0.002)
    nearest = cache.nearest(key("Question 0", max_tokens=1))
    assert nearest is not None
    assert nearest["messages"][-1]["excerpt"] != "Question 0"


def test_entries_in_order(cache: AnswerCache) -> None:
    """All answers come by in order of their digests, page by page."""
    made = {key(str(number)).digest: entry(key(str(number))) for number in range(45)}
    for number in range(45):
        cache.put(key(str(number)), made[key(str(number)).digest])
    assert list(cache.entries()) == sorted(made.items())


def test_timings_of_an_answer_are_kept(cache: AnswerCache) -> None:
    """The cache keeps what the run took, for those who want to know; only exports leave it out."""
    made = entry(key())
    cache.put(key(), made)
    found = cache.get(key())
    assert found is not None
    assert found.result.timings == made.result.timings
    assert found.created == made.created
    assert replace(found, created=0.0) != made.durable()


def test_a_wild_entry_is_an_error_of_ours(cache: AnswerCache) -> None:
    """What cannot be written as JSON is a CacheError at once, before the disk."""
    bad = Entry.of((), Result("x", model=object()), key())  # type: ignore[arg-type]
    with pytest.raises(CacheError, match="object"):
        cache.put(key(), bad)
