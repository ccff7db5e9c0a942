"""A cache that can be read but not written: what is on it is replayed, and nothing on it changes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

import pytest

from jupyter_localllm.cache import AnswerCache, export, import_, readonly, shelf
from jupyter_localllm.cache.database import read_only_uri
from jupyter_localllm.cache.folder import prepare
from jupyter_localllm.errors import CacheError
from tests.cache.samples import entry, key

OpenCache = Callable[..., AnswerCache]


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and the disk takes no more, as one that is mounted read-only."""

    def refuse(*_args: object) -> Path:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    return lambda: monkeypatch.setattr(shelf, "prepare", refuse)


@pytest.fixture
def kept(open_cache: OpenCache, forbid: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> AnswerCache:
    """A read-only cache with two answers."""
    cache = open_cache()
    for name in "ab":
        cache.put(key(name), entry(key(name)))
    cache.remember_model("smollm2", "ab")
    cache.close()
    forbid()
    monkeypatch.setattr(readonly, "_GOOD_FOR", 3_600.0)
    return open_cache()


def state(cache: AnswerCache) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in cache.directory.rglob("*") if path.is_file()}


def test_it_is_read(kept: AnswerCache, notices: list[str], tmp_path: Path) -> None:
    """Answers, models, figures and an export come from it as from any other, in silence; no file changes or comes."""
    before = state(kept)
    assert kept.get(key("a")) is not None
    assert kept.get(key("c")) is None
    assert kept.nearest(key("c")) is not None
    assert kept.models() == {"smollm2": "ab"}
    assert [digest for digest, _ in kept.entries()] == sorted(key(name).digest for name in "ab")
    stats = kept.stats()
    assert (stats.entries, stats.hits, stats.misses, stats.read_only) == (2, 1, 1, True)
    assert export(kept, tmp_path / "answers.jsonl") == 2
    kept.close()
    assert (state(kept), notices) == (before, [])


def test_it_is_not_written(kept: AnswerCache, notices: list[str]) -> None:
    """A new answer is told once not to be kept; commands that delete or import are errors; no file changes or comes."""
    before = state(kept)
    for name in "cd":
        assert not kept.put(key(name), entry(key(name)))
        kept.remember_model(name, "cd")
    assert kept.model_sha256("d") == "cd"  # in memory
    (told,) = notices
    assert "read-only" in told
    assert "new answers are not kept" in told
    for command in (kept.clear, lambda: kept.prune(older_than_days=1), lambda: kept.prune(to_bytes=1)):
        with pytest.raises(CacheError, match="read-only"):
            command()
    assert state(kept) == before


def test_an_import_is_an_error(
    kept: AnswerCache, open_cache: OpenCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that answers were read in which were not."""
    path = tmp_path / "answers.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(shelf, "prepare", prepare)
        other = open_cache(tmp_path / "other")
        other.put(key("c"), entry(key("c")))
        export(other, path)
    with pytest.raises(CacheError, match="could not be written"):
        import_(kept, path)


def test_damage_stays_where_it_is(kept: AnswerCache, notices: list[str], database: Path) -> None:
    """A damaged database on it is told and left; nothing is set aside, and answers are misses."""
    kept.close()
    database.write_bytes(b"garbage " * 2_000)
    assert kept.get(key("a")) is None
    assert not kept.usable
    assert any("damaged" in text for text in notices)
    assert not list(database.parent.glob("*.damaged-*"))


def test_a_damaged_entry_is_not_said_to_be_dropped(
    open_cache: OpenCache, forbid: Callable[[], None], notices: list[str]
) -> None:
    """It cannot be dropped there; it is told that it is not used."""
    cache = open_cache()
    cache._shelf.run(lambda store: store.write(key("a").digest, b"nothing like an entry"))
    cache.close()
    forbid()
    assert open_cache().get(key("a")) is None
    assert any("not used" in text for text in notices)
    assert not any("dropped" in text for text in notices)


def test_somebody_who_writes_elsewhere_is_seen(kept: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is read-only here may be written from another machine: what changed is read anew."""
    assert kept.get(key("c")) is None
    monkeypatch.setattr(shelf, "prepare", prepare)
    other = AnswerCache(kept.directory)
    assert other.put(key("c"), entry(key("c")))
    assert kept.get(key("c")) is not None
    other.close()
    assert kept.get(key("c")) is not None


def test_it_is_written_again_when_it_can_be(kept: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is mounted anew needs no new kernel."""
    monkeypatch.setattr(readonly, "_GOOD_FOR", 0.0)
    assert not kept.put(key("c"), entry(key("c")))
    monkeypatch.setattr(shelf, "prepare", prepare)
    assert kept.put(key("c"), entry(key("c")))
    assert not kept.stats().read_only


def test_a_change_in_the_middle_of_reading_is_no_answer(kept: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SQLite's locks a reader may see half of a change: what was read then is left, and asked again later."""
    assert kept.get(key("a")) is not None
    store = kept._shelf._store
    assert isinstance(store, readonly.ReadOnlyStore)
    monkeypatch.setattr(store, "moved", lambda: False)
    path = store.path
    os.utime(path, ns=(1, 1))
    with pytest.raises(CacheError, match="changed"):
        kept._shelf.run(lambda store: store.look_up(key("a").digest))


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("//server/share/a b/cache.db", "file:////server/share/a%20b/cache.db?mode=ro&immutable=1"),
        ("C:/a/cache.db", "file:///C:/a/cache.db?mode=ro&immutable=1"),
    ],
)
@pytest.mark.filterwarnings(
    "ignore:pathlib.PurePath.as_uri:DeprecationWarning"
)  # 3.14; the Path of Windows has its own
def test_addresses_on_windows(path: str, uri: str) -> None:
    """SQLite takes no host in an address; a network share is a path with two more slashes."""
    assert read_only_uri(PureWindowsPath(path)) == uri  # type: ignore[arg-type]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_database_of_somebody_else(kept: AnswerCache, database: Path, notices: list[str]) -> None:
    """It is not read, and cells go on."""
    kept.close()
    os.chown(database, 12_345, 12_345)
    assert kept.get(key("a")) is None
    assert "belongs to user 12345" in notices[0]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize("what", ["", "answers"])
def test_a_directory_of_somebody_else(kept: AnswerCache, what: str) -> None:
    """It is refused, as where it can be written."""
    kept.close()
    os.chown(kept.directory / what, 12_345, 12_345)
    with pytest.raises(CacheError, match="belongs to user 12345"):
        kept.get(key("a"))
