from __future__ import annotations

from pathlib import Path

import diskcache
import pytest

from jupyter_localllm.cache.disk import SafeDisk
from jupyter_localllm.errors import CacheError
from tests.cache.hostile import Bomb, bomb, plant, run


def test_the_bomb_is_live(tmp_path: Path) -> None:
    """The attack that these tests make works on diskcache as it comes: the tests can fail."""
    with diskcache.Cache(str(tmp_path / "plain")) as plain:
        plant(tmp_path / "plain" / "cache.db", "k", mode=4, filename=None, value=bomb(tmp_path / "crater"))
        plain.get("k")
    assert (tmp_path / "crater").exists()


@pytest.mark.parametrize("value", [b"", b"\x00\xff", "text", "\u2028", 0, -(1 << 63), 1.5], ids=repr)
def test_plain_values_come_back(tmp_path: Path, value: object) -> None:
    """Bytes, text and numbers are stored as they are, as keys and as values."""
    with diskcache.Cache(str(tmp_path), disk=SafeDisk) as cache:
        cache[value] = value
        assert cache[value] == value
        assert list(cache) == [value]
        assert cache.check() == []


@pytest.mark.parametrize("value", [None, True, (1,), [1], {}, 1 << 63, object()], ids=repr)
def test_nothing_else_is_stored(tmp_path: Path, value: object) -> None:
    """What would need a pickle is refused, as a key and as a value."""
    with diskcache.Cache(str(tmp_path), disk=SafeDisk) as cache:
        with pytest.raises(CacheError):
            cache["k"] = value
        with pytest.raises(CacheError):
            cache[value] = "v"
        assert len(cache) == 0


def test_large_values_have_no_file(tmp_path: Path) -> None:
    """Values stay in the database, so a killed process leaves no orphans."""
    with diskcache.Cache(str(tmp_path), disk=SafeDisk) as cache:
        cache["k"] = b"x" * 1_000_000
        cache["t"] = "x" * 1_000_000
    assert {path.name for path in tmp_path.rglob("*")} <= {"cache.db", "cache.db-wal", "cache.db-shm"}


def test_files_are_not_stored(tmp_path: Path) -> None:
    """Diskcache's file interface is refused."""
    (tmp_path / "file").write_text("x")
    with diskcache.Cache(str(tmp_path / "c"), disk=SafeDisk) as cache, open(tmp_path / "file", "rb") as stream:
        with pytest.raises(CacheError):
            cache.set("k", stream, read=True)
        with pytest.raises(CacheError):
            cache.disk.filename()


@pytest.mark.parametrize("in_file", [False, True], ids=["in the row", "in a file"])
@pytest.mark.parametrize("mode", [4, 2, 3, 0, None, "4"])
def test_a_planted_value_is_not_loaded(tmp_path: Path, mode: object, in_file: bool) -> None:
    """A row that says it is a pickle, or in a file, is damage; nothing runs and no file is read."""
    crater = tmp_path / "crater"
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "bomb.val").write_bytes(bomb(crater))
    with diskcache.Cache(str(tmp_path / "c"), disk=SafeDisk) as cache:
        planted = ("bomb.val", None) if in_file else (None, bomb(crater))
        plant(tmp_path / "c" / "cache.db", "k", mode=mode, filename=planted[0], value=planted[1])
        for look in (cache.get, cache.pop, cache.__getitem__, lambda key: cache.get(key, read=True)):
            if "k" in cache:
                with pytest.raises(CacheError, match="foreign"):
                    look("k")
    assert not crater.exists()
    assert (tmp_path / "c" / "bomb.val").exists()


def test_a_planted_key_is_not_loaded(tmp_path: Path) -> None:
    """A pickled key is damage; going through all keys runs nothing."""
    with diskcache.Cache(str(tmp_path / "c"), disk=SafeDisk) as cache:
        plant(tmp_path / "c" / "cache.db", bomb(tmp_path / "crater"), raw=0, mode=1, filename=None, value="v")
        for walk in (list, lambda c: list(c.iterkeys()), lambda c: c.peekitem(), lambda c: list(reversed(c))):
            with pytest.raises(CacheError, match="pickled key"):
                walk(cache)
    assert not (tmp_path / "crater").exists()


def test_recipes_do_not_pickle(tmp_path: Path) -> None:
    """`memoize`, tags and queues go through the same disk."""
    with diskcache.Cache(str(tmp_path / "c"), disk=SafeDisk) as cache:
        with pytest.raises(CacheError):
            cache.memoize()(lambda: 1)()  # its keys are tuples
        with pytest.raises(CacheError):
            cache.push(Bomb(tmp_path / "crater"))
        cache.set("k", "v", tag="t")
        run(tmp_path / "c" / "cache.db", "UPDATE Cache SET tag = ?", bomb(tmp_path / "crater"))
        assert cache.get("k", tag=True)[0] == "v"
    assert not (tmp_path / "crater").exists()


@pytest.mark.parametrize("name", ["victim", "../victim", "sub/../../victim"])
def test_a_planted_file_name_deletes_nothing(tmp_path: Path, name: str) -> None:
    """Replacing, deleting or clearing a row that names a file leaves every file alone."""
    (tmp_path / "c" / "sub").mkdir(parents=True)
    victims = [tmp_path / "victim", tmp_path / "c" / "victim"]
    for victim in victims:
        victim.write_text("precious")
    with diskcache.Cache(str(tmp_path / "c"), disk=SafeDisk) as cache:
        for act in (lambda: cache.set("k", "v"), lambda: cache.delete("k"), cache.clear):
            plant(tmp_path / "c" / "cache.db", "k", mode=2, filename=name, value=None)
            act()
    assert all(victim.read_text() == "precious" for victim in victims)


def test_planted_settings_are_not_loaded(tmp_path: Path) -> None:
    """A settings row with a pickle stays bytes; one for the disk is not used."""
    with diskcache.Cache(str(tmp_path / "c"), disk=SafeDisk):
        pass
    database = tmp_path / "c" / "cache.db"
    run(database, "INSERT INTO Settings VALUES ('disk_surprise', ?)", bomb(tmp_path / "crater"))
    run(database, "UPDATE Settings SET value = ? WHERE key = 'disk_min_file_size'", bomb(tmp_path / "crater"))
    with diskcache.Cache(str(tmp_path / "c"), disk=SafeDisk) as cache:
        cache["k"] = "v"
        assert cache["k"] == "v"
    assert not (tmp_path / "crater").exists()
