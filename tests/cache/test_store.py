from __future__ import annotations

import gc
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import diskcache
import pytest

from jupyter_localllm.cache.database import SCHEMA, identity, set_aside, translate
from jupyter_localllm.cache.disk import SafeDisk
from jupyter_localllm.cache.store import Store
from jupyter_localllm.cache.trouble import Busy, Damaged, DamagedRow, Unavailable
from tests.cache.hostile import bomb, plant, run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


def test_diskcache_is_the_one_we_know() -> None:
    """What `Store` replaces is still there, and is all that diskcache works through."""
    for name in ("_con", "_sql", "_sql_retry", "_transact", "reset", "close", "set"):
        assert hasattr(diskcache.Cache, name)
    own = {name for name in vars(Store) if not name.startswith("__")}
    replaced = {"_con", "_sql_retry", "_transact", "reset", "close"}
    assert own & set(dir(diskcache.Cache)) == replaced, "a name of ours hides one of diskcache's"


def test_who_is_let_go_is_closed(tmp_path: Path) -> None:
    """Nobody hears of a connection that is still open, as Python 3.13 and newer tell of it."""
    connection = Store(tmp_path)._con
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_no_name_is_a_setting(store: Store) -> None:
    """Diskcache makes attributes of its settings; none of them hides a method of ours."""
    assert not {name for name in vars(Store) if name in vars(store)}


def test_the_schema_is_what_diskcache_makes(store: Store) -> None:
    """A fresh database holds exactly what an inspection allows."""
    with closing(sqlite3.connect(store.path)) as connection:
        assert dict(connection.execute("SELECT name, sql FROM sqlite_master")) == SCHEMA


def test_a_plain_cache_made_by_diskcache_is_accepted_by_schema(tmp_path: Path) -> None:
    """The inspection refuses foreign objects, not diskcache's own work under the same policy."""
    diskcache.Cache(str(tmp_path), disk=SafeDisk, eviction_policy="least-recently-used").close()
    Store(tmp_path).close()


def check_pragmas(store: Store) -> None:
    pragmas = {"mmap_size": 0, "journal_mode": "wal", "synchronous": 1, "cache_size": 1024, "trusted_schema": 0}
    for name, value in pragmas.items():
        ((found,),) = store._con.execute(f"PRAGMA {name}").fetchall()
        assert found == value, name


def test_settings_that_protect_the_kernel(store: Store) -> None:
    """No memory map (a truncated file would be a SIGBUS), WAL, few pages, no trust in the schema."""
    check_pragmas(store)


def test_opening_waits_for_who_has_the_file(tmp_path: Path) -> None:
    """Who opens the database while another process closes it for good waits a moment, and then has all settings."""
    Store(tmp_path).close()
    other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(0.2, other.close)
    timer.start()
    store = Store(tmp_path)
    timer.join()
    check_pragmas(store)
    store.close()


def test_write_read_drop(store: Store) -> None:
    """What was written is read by the next store; what was dropped is not."""
    store.write("k", b"v")
    store.write("k", b"w")
    other = Store(store.path.parent)
    assert other.look_up("k") == b"w"
    assert other.drop("k")
    assert not other.drop("k")
    assert store.look_up("k") is None
    other.close()


@pytest.mark.parametrize(
    ("mode", "filename", "value"),
    [(4, None, b"x"), (2, "x", None), (1, "x", b"x"), (1, None, None), (1, None, b"x" * ((32 << 20) + 1))],
    ids=["pickle", "file", "file and value", "nothing", "huge"],
)
def test_a_foreign_row_is_a_damaged_row(store: Store, mode: int, filename: str | None, value: bytes | None) -> None:
    """A row that we cannot have written is told apart from a damaged database."""
    plant(store.path, "k", mode=mode, filename=filename, value=value)
    with pytest.raises(DamagedRow):
        store.look_up("k")


# Under the names of diskcache's own objects.
INSTEAD = {
    "DROP TABLE Cache": "CREATE TABLE Cache (key, value)",
    "DROP TRIGGER Settings_count_insert": (
        "CREATE TRIGGER Settings_count_insert AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END"
    ),
}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t (x)",
        "CREATE INDEX i ON Cache (value)",
        *INSTEAD,
        "INSERT INTO Settings VALUES (x'00', 1)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200)"
        " INSERT INTO Settings SELECT 'row' || i, i FROM n",
    ],
)
def test_a_foreign_schema_is_damage(tmp_path: Path, statement: str) -> None:
    """Whatever SQLite would run for an attacker, or diskcache would stumble over, is found before it is used."""
    Store(tmp_path).close()
    run(tmp_path / "cache.db", statement)
    if statement.startswith("DROP"):
        run(tmp_path / "cache.db", INSTEAD[statement])
    with pytest.raises(Damaged):
        Store(tmp_path)


def test_settings_that_cannot_be_read_are_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken index, by which diskcache does not find its own row, is damage and not a ValueError."""

    def unpack(self: object, *arguments: object, **options: object) -> None:
        raise ValueError("not enough values to unpack (expected 1, got 0)")

    monkeypatch.setattr(diskcache.Cache, "__init__", unpack)
    with pytest.raises(Damaged):
        Store(tmp_path)


@pytest.mark.parametrize("not_text", [False, True])
def test_unknown_settings_are_left_alone(tmp_path: Path, not_text: bool) -> None:
    """A settings row becomes neither an attribute, nor a PRAGMA, nor a pickle."""
    Store(tmp_path).close()
    rows = {"close": "x", "_connection": 1, "look_up": b"x", "sqlite_user_version": 7}
    for name, value in {**rows, "disk_x": bomb(tmp_path / "crater")}.items():
        run(tmp_path / "cache.db", "INSERT INTO Settings VALUES (?, ?)", name, value)
    run(tmp_path / "cache.db", "UPDATE Settings SET value = 'delete' WHERE key = 'sqlite_journal_mode'")
    if not_text:
        run(tmp_path / "cache.db", "INSERT INTO Settings VALUES (CAST(x'ff' AS TEXT), 1)")
    store = Store(tmp_path)
    store.write("k", b"v")
    assert store.look_up("k") == b"v"
    assert store._con.execute("PRAGMA user_version").fetchall() == [(0,)]
    assert store._con.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    assert not (tmp_path / "crater").exists()
    store.close()


def test_a_half_made_database_is_completed(tmp_path: Path) -> None:
    """A process that was killed while it made the database leaves something that the next one completes."""
    statements = [text for text in SCHEMA.values() if text]
    for number in range(len(statements) + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        for statement in statements[:number]:
            run(folder / "cache.db", statement)
        store = Store(folder)
        store.write("k", b"v")
        assert store.look_up("k") == b"v"
        store.close()


def test_counting_does_not_wait_for_writers(store: Store) -> None:
    """A hit that cannot be counted now is counted with the next one, and the reader goes on at once."""
    store.write("k", b"v")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        store.tally("k")
        assert time.monotonic() - start < 1.0
        writer.execute("ROLLBACK")
    assert store.counts() == (1, 1, 0)
    store.tally(None)
    other = Store(store.path.parent)
    assert other.counts() == (1, 1, 1)
    other.close()


def test_a_writer_waits_a_little_and_then_says_busy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that writes for long is no damage."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("jupyter_localllm.cache.database.PATIENCE", 0.05)
        with pytest.raises(Busy):
            store.write("k", b"v")
        assert store.look_up("k") is None  # reading goes on meanwhile


def test_a_writer_gets_its_turn(store: Store) -> None:
    """A write that meets another one is done after it."""
    writer = sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, lambda: writer.execute("ROLLBACK"))
    timer.start()
    store.write("k", b"v")
    timer.join()
    writer.close()
    assert store.look_up("k") == b"v"


def test_an_interrupt_leaves_no_lock(store: Store) -> None:
    """Ctrl-C in the middle of a write gives the database back to the others."""

    def interrupt() -> None:
        with store._transact() as (sql, _):
            sql("DELETE FROM Cache")
            raise KeyboardInterrupt

    store.write("kept", b"v")
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert store.look_up("kept") == b"v"
    store._con.execute("BEGIN IMMEDIATE")  # as if it had come right after this
    store.recover()
    other = Store(store.path.parent)
    other.write("k", b"v")
    other.close()


def test_trim_keeps_what_was_used_last(store: Store) -> None:
    """Down to a size, the longest unused leave first, and the newest stays in any case."""
    for number in range(40):
        store.write(f"k{number:02}", b"x" * 20_000)
        run(store.path, "UPDATE Cache SET access_time = ? WHERE key = ?", number, f"k{number:02}")
    store.trim(400_000)
    left = [key for key, _ in store.page("", 100)]
    assert store.used_bytes() <= 400_000
    assert left == [f"k{number:02}" for number in range(40 - len(left), 40)]
    assert len(left) >= 12
    store.trim(0, keep="k39")
    assert [key for key, _ in store.page("", 100)] == ["k39"]


def test_pages_and_recent(store: Store) -> None:
    """All rows in order of keys, page by page; the last used first, cut to a length."""
    for number in range(7):
        store.write(f"k{number}", b"value %d" % number)
        run(store.path, "UPDATE Cache SET access_time = ? WHERE key = ?", -number, f"k{number}")
    assert [key for key, _ in store.page("", 3)] == ["k0", "k1", "k2"]
    assert [key for key, _ in store.page("k5", 3)] == ["k6"]
    assert store.recent(2, 5) == [("k0", b"value"), ("k1", b"value")]


def test_a_moved_file_is_noticed(store: Store) -> None:
    """A database that was renamed or deleted under us is not written to any longer."""
    assert not store.moved()
    if os.name == "posix":
        aside = set_aside(store.path.parent)
        assert aside is not None
        assert store.moved()
        assert identity(aside) == store.identity


def test_closing_a_moved_database_leaves_the_fresh_one_alone(store: Store) -> None:
    """SQLite deletes journals by name when it closes; not those of the database that took the name."""
    if os.name != "posix":
        pytest.skip("an open file cannot be moved here")
    store.write("old", b"v")
    set_aside(store.path.parent)
    fresh = Store(store.path.parent)
    fresh.write("k", b"v")
    store.close()
    third = Store(fresh.path.parent)
    assert third.look_up("k") == b"v"
    fresh.write("l", b"w")
    assert third.look_up("l") == b"w"
    third.close()
    fresh.close()


def test_set_aside_finds_free_names(tmp_path: Path) -> None:
    """No file that was set aside is ever overwritten."""
    assert set_aside(tmp_path) is None
    for number in (1, 2):
        (tmp_path / "cache.db").write_text(str(number))
        (tmp_path / "cache.db-wal").write_text("w")
        assert set_aside(tmp_path) == tmp_path / f"cache.db.damaged-{number}"
        assert (tmp_path / f"cache.db.damaged-{number}-wal").exists()
    assert (tmp_path / "cache.db.damaged-1").read_text() == "1"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("database is locked", Busy),
        ("database table is locked", Busy),
        ("attempt to write a readonly database", Unavailable),
        ("unable to open database file", Unavailable),
        ("disk I/O error", Unavailable),
        ("database or disk is full", Unavailable),
        ("locking protocol", Unavailable),
        ("file is not a database", Damaged),
        ("database disk image is malformed", Damaged),
        ("malformed database schema (x)", Damaged),
        ("no such table: Cache", Damaged),
        ("Could not decode to UTF-8 column 'key' with text 'x'", Damaged),
    ],
)
def test_errors_are_told_apart(text: str, kind: type) -> None:
    """Only what is the content's fault costs the file its place."""
    assert type(translate(sqlite3.OperationalError(text))) is kind


def test_our_own_mistakes_stay_visible() -> None:
    """Using a closed connection is a bug, not damage."""
    error = sqlite3.ProgrammingError("Cannot operate on a closed database.")
    assert translate(error) is error


@pytest.mark.parametrize("name", ["$HOME", "~", "${PATH}"])
def test_a_name_that_diskcache_would_expand_is_refused(tmp_path: Path, name: str) -> None:
    """The cache is in the directory that was asked for, or nowhere."""
    folder = Path(name) if name == "~" else tmp_path / name
    with pytest.raises(Unavailable, match="stands for"):
        Store(folder)
