from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache
from jupyter_localllm.errors import CacheError
from tests.cache.samples import entry, key

OpenCache = Callable[..., AnswerCache]


def exercise(cache: AnswerCache) -> None:
    """Everything that a cell does."""
    for name in "ab":
        assert cache.get(key(name)) is None
        assert not cache.put(key(name), entry(key(name)))
        assert cache.nearest(key(name)) is None
        cache.remember_model("smollm2", "ab")
        assert cache.model_sha256("smollm2") == "ab"


def test_no_directory_is_no_error(open_cache: OpenCache, tmp_path: Path, notices: list[str]) -> None:
    """A cache that cannot be made is told once, and cells go on without it; commands about it say why."""
    (tmp_path / "file").touch()
    cache = open_cache(tmp_path / "file" / "cache")
    exercise(cache)
    assert not cache.usable
    assert len(notices) == 2  # the answers, and the memo
    assert all("cannot be used" in notice for notice in notices)
    stats = cache.stats()
    assert (stats.entries, stats.size_bytes) == (0, 0)
    for command in (cache.clear, lambda: cache.prune(older_than_days=1), lambda: list(cache.entries())):
        with pytest.raises(CacheError, match="cannot be used"):
            command()


READ_ONLY = """
import os, sys
from pathlib import Path
from jupyter_localllm.cache import AnswerCache
from tests.cache.samples import entry, key
import jupyter_localllm.cache.store, jupyter_localllm.cache.readonly
Path("/").as_uri()  # imports something, in newer Pythons; another user may not read root's Python
if os.geteuid() == 0:  # for root nothing is read-only
    os.setuid(65534)
told = []
cache = AnswerCache(Path(sys.argv[1]), on_notice=told.append)
kept = cache.get(key()) is not None
for name in "ab":
    assert cache.get(key(name)) is None
    assert not cache.put(key(name), entry(key(name)))
assert (cache.usable, cache.stats().read_only, cache.stats().entries) == (kept, kept, int(kept))
print(kept, *told, sep="\\n")
"""


def _handed_over(*paths: Path) -> None:
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, 65534, 65534)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("without", ["the parent's", "the room's", "the file's", "all"])
def test_no_permission_to_write(
    tmp_path_factory: pytest.TempPathFactory, child: Callable[..., subprocess.Popen[str]], without: str
) -> None:
    """What may be read but not written is read and keeps its modes; what is not there is told once, and cells go on."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:  # pytest's own directories are closed to other users
        outer = Path(name)
        outer.chmod(0o755)
        cache = outer / "cache"
        if without != "the parent's":
            filled = AnswerCache(cache)
            filled.put(key(), entry(key()))
            filled.remember_model("smollm2", "ab")
            filled.close()
            inside = list(cache.rglob("*"))
            _handed_over(cache, *inside)
            room = cache / "answers"
            for path in {"the room's": [room], "the file's": [room / "cache.db"]}.get(without, [*inside, cache]):
                path.chmod(0o500 if path.is_dir() else 0o400)
        else:
            outer.chmod(0o555)
        before = {path: path.stat().st_mode for path in cache.rglob("*")}
        process = child(READ_ONLY, cache)
        kept, *told = process.communicate(timeout=60)[0].splitlines()
        assert {path: path.stat().st_mode for path in before} == before
        for path in (outer, *(path for path in (cache, *before) if path.is_dir())):
            path.chmod(0o755)
    assert process.returncode == 0
    assert len(told) == 1
    assert kept == str(without != "the parent's")
    assert ("read-only" if without != "the parent's" else "cannot be used") in told[0]


FULL = """
import resource, sys
from pathlib import Path
from jupyter_localllm.cache import AnswerCache
from tests.cache.samples import entry, key
told = []
cache = AnswerCache(Path(sys.argv[1]), on_notice=told.append)
assert cache.put(key("first"), entry(key("first")))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))  # no file may grow beyond
kept = [cache.put(key(str(n)), entry(key(str(n)), "word " * 2_000)) for n in range(30)]
assert not all(kept)
assert cache.get(key("first")) is not None
for n, was_kept in enumerate(kept):
    assert (cache.get(key(str(n))) is not None) == was_kept, n
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert cache.put(key("last"), entry(key("last"), "word " * 2_000))
print(*told, sep="\\n")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs RLIMIT_FSIZE")
def test_a_full_disk(
    tmp_path: Path, child: Callable[..., subprocess.Popen[str]], open_cache: OpenCache, notices: list[str]
) -> None:
    """What did not fit is not kept and told once; what is there stays readable; with room again, it is kept again."""
    process = child(FULL, tmp_path / "cache")
    told = process.communicate(timeout=60)[0].splitlines()
    assert process.returncode == 0
    assert len(told) == 1
    assert open_cache().get(key("last")) is not None
    assert open_cache().get(key("first")) is not None
    assert notices == []


def test_somebody_elses_directory_is_refused(
    cache: AnswerCache, monkeypatch: pytest.MonkeyPatch, notices: list[str]
) -> None:
    """Answers that another user may have planted are not shown: this is an error, not a miss."""
    if os.name != "posix":
        pytest.skip("owners are POSIX")
    cache.put(key(), entry(key()))
    cache.close()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    for act in (lambda: cache.get(key()), lambda: cache.put(key(), entry(key())), cache.stats):
        with pytest.raises(CacheError, match="belongs to user"):
            act()
    assert not cache.usable


def test_a_busy_database_is_a_miss_and_no_damage(
    cache: AnswerCache, database: Path, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that holds the database for long costs time and answers, not the file."""
    import sqlite3

    cache.put(key(), entry(key()))
    monkeypatch.setattr("jupyter_localllm.cache.database.PATIENCE", 0.05)
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert cache.get(key()) is not None  # reading goes on
    assert not cache.put(key("new"), entry(key("new")))
    assert len(notices) == 1
    assert "held by another process" in notices[0]
    assert "Answers are not kept until it is free." in notices[0]
    holder.close()
    assert cache.put(key("new"), entry(key("new")))
    assert not list(database.parent.glob("*.damaged-*"))


def test_who_listens_is_called_without_a_lock(open_cache: OpenCache, tmp_path: Path) -> None:
    """The listener may use the cache, also from another thread."""
    (tmp_path / "file").touch()
    cache = open_cache(tmp_path / "file" / "cache")
    heard = []

    def listen(text: str) -> None:
        thread = threading.Thread(target=cache.get, args=(key(),))
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
        heard.append(text)

    cache.on_notice = listen
    cache.get(key())
    assert len(heard) == 1
