from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache
from jupyter_localllm.cache.trouble import Damaged
from tests.cache.hostile import bomb, garbage, plant, run
from tests.cache.samples import entry, key

OpenCache = Callable[..., AnswerCache]


def damage_header(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(b"not a database at all" + data[21:])


def damage_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = garbage(len(data) - 4096)
    path.write_bytes(data)


def make_another(path: Path, statement: str) -> None:
    path.unlink()
    run(path, statement)


KINDS: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(garbage(20_000)),
    "short": lambda path: path.write_bytes(b"SQLite"),
    "text": lambda path: path.write_text("hello " * 1_000),
    "header": damage_header,
    "all but the first page": damage_middle,
    "half": lambda path: os.truncate(path, path.stat().st_size // 2 // 4096 * 4096),
    "a byte short": lambda path: os.truncate(path, path.stat().st_size // 2 - 1),
    "another database": lambda path: make_another(path, "CREATE TABLE Cache (key, value)"),
    "foreign columns": lambda path: make_another(path, "CREATE TABLE Settings (key, secret)"),
    "trigger": lambda path: run(path, "CREATE TRIGGER t AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END"),
}


@pytest.mark.parametrize("opened", [False, True], ids=["before opening", "while open"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_costs_itself(
    open_cache: OpenCache, database: Path, notices: list[str], kind: str, opened: bool
) -> None:
    """Whatever happened to the file: no error reaches the person, the memo lives, and new answers are kept."""
    cache = open_cache()
    for number in range(60):
        cache.put(key(str(number)), entry(key(str(number))))
    cache.memo["a"] = "1"
    cache.close()  # all in the file, nothing in the journal
    if opened:
        cache.peek(key("1"))
    if opened and (kind == "trigger" or os.name != "posix"):
        pytest.skip("not while it is open: SQLite would run the trigger, and Windows protects the file")
    KINDS[kind](database)
    for number in range(60):
        cache.get(key(str(number)))
    cache.put(key("new"), entry(key("new")))
    again = open_cache()
    assert again.get(key("new")) == cache.get(key("new")) is not None
    assert again.memo["a"] == "1"
    assert again.usable
    aside = sorted(path.name for path in database.parent.glob("cache.db.damaged-*") if path.suffix != ".db")
    if notices:
        assert "set aside" in notices[0]
        assert aside[0] in notices[0]
        assert len(notices) == len([name for name in aside if name[-1].isdigit()]) == 1
    else:
        # SQLite may not notice while it has the pages in memory, or may have written the file anew.
        assert opened


def test_a_damaged_file_is_kept_beside(cache: AnswerCache, database: Path, notices: list[str]) -> None:
    """Nothing is deleted: what was set aside is the file as it was found, each under its own number."""
    cache.put(key(), entry(key()))
    for number in (1, 2):
        cache.close()
        database.write_bytes(garbage(1_000 + number))
        assert cache.get(key()) is None
        assert (database.parent / f"cache.db.damaged-{number}").read_bytes() == garbage(1_000 + number)
    assert len(notices) == 2


@pytest.mark.parametrize("sidecar", ["-wal", "-shm"])
def test_damaged_journals_cost_at_most_what_is_in_them(cache: AnswerCache, database: Path, sidecar: str) -> None:
    """Garbage beside the database does not cost the database."""
    cache.put(key(), entry(key()))
    cache.close()
    Path(f"{database}{sidecar}").write_bytes(garbage(50_000))
    assert cache.get(key()) == cache.get(key()) is not None


def test_a_damaged_entry_is_dropped_and_told(cache: AnswerCache, database: Path, notices: list[str]) -> None:
    """A bit that flipped inside one answer costs this answer, and no other."""
    for name in "abc":
        cache.put(key(name), entry(key(name)))
    run(database, "UPDATE Cache SET value = replace(value, 'Paris', 'Rome!') WHERE key = ?", key("b").digest)
    assert cache.get(key("b")) is None
    assert len(notices) == 1
    assert "dropped" in notices[0]
    assert cache.get(key("b")) is None
    assert len(notices) == 1
    assert cache.get(key("a")) is not None
    assert cache.stats().entries == 2
    assert not list(database.parent.glob("*.damaged-*"))


@pytest.mark.parametrize(
    ("mode", "filename"), [(4, None), (2, "../../../victim"), (4, "bomb.val")], ids=["pickle", "file", "pickled file"]
)
def test_a_planted_pickle_is_dropped(
    cache: AnswerCache, notices: list[str], tmp_path: Path, mode: int, filename: str | None
) -> None:
    """Nothing runs, no other file is read or deleted, the row goes and it is told."""
    database = tmp_path / "cache" / "answers" / "cache.db"
    (tmp_path / "victim").write_text("precious")
    cache.put(key(), entry(key()))
    (database.parent / "bomb.val").write_bytes(bomb(tmp_path / "crater"))
    value = None if filename else bomb(tmp_path / "crater")
    plant(database, key().digest, mode=mode, filename=filename, value=value)
    plant(database, key("two").digest, mode=mode, filename=filename, value=value)
    assert list(cache.entries()) == []
    assert cache.get(key()) is None
    assert cache.nearest(key("x")) is None
    assert all("dropped" in notice for notice in notices)
    assert len(notices) == 2
    assert cache.stats().entries == 0
    assert not (tmp_path / "crater").exists()
    assert (tmp_path / "victim").read_text() == "precious"


def test_an_entry_under_a_foreign_key_is_dropped(cache: AnswerCache, database: Path, notices: list[str]) -> None:
    """A row that was given another key is not an answer to that question."""
    cache.put(key("a"), entry(key("a")))
    run(database, "UPDATE Cache SET key = ?", key("b").digest)
    assert cache.get(key("b")) is None
    assert "not its own" in notices[0]


def test_two_kernels_that_find_the_same_damage(cache: AnswerCache, open_cache: OpenCache, database: Path) -> None:
    """The second one does not set the fresh database of the first one aside."""
    if os.name != "posix":
        pytest.skip("an open file cannot be set aside here")
    kernels = [cache, open_cache(), open_cache()]
    for kernel in kernels:
        kernel.put(key(), entry(key()))
    damage_middle(database)
    for number, kernel in enumerate(kernels):
        kernel.get(key())
        assert kernel.put(key(f"new {number}"), entry(key(f"new {number}")))
    for kernel in kernels:
        assert [kernel.peek(key(f"new {number}")) is not None for number in range(3)] == [True] * 3
    assert len(list(database.parent.glob("*.damaged-?"))) <= 1


def test_a_directory_deleted_under_an_open_cache(cache: AnswerCache, tmp_path: Path, notices: list[str]) -> None:
    """`rm -r` of the cache while kernels run costs the answers, nothing else; new ones are really kept."""
    if os.name != "posix":
        pytest.skip("an open file cannot be deleted here")
    cache.put(key(), entry(key()))
    cache.memo["a"] = "1"
    shutil.rmtree(tmp_path / "cache")
    assert cache.get(key()) is None
    assert cache.memo.get("a") is None
    assert cache.put(key(), entry(key()))
    cache.close()
    assert cache.get(key()) is not None
    assert notices == []


def test_a_disk_that_breaks_everything(
    cache: AnswerCache, database: Path, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where even a fresh database is damaged, cells go on without, and files that were set aside do not pile up."""
    from jupyter_localllm.cache import store

    def refuse(self: object) -> None:
        raise Damaged("Nothing is right here.")

    cache.put(key(), entry(key()))
    cache.close()
    monkeypatch.setattr(store.Store, "_inspect", refuse)
    for _ in range(5):
        assert cache.get(key()) is None
        assert not cache.put(key(), entry(key()))
    assert len([path for path in database.parent.iterdir() if path.name[-1].isdigit()]) == 1
    assert len(notices) == 2
    assert "set aside" in notices[0]
    assert "cannot be used" in notices[1]
