"""Databases as files: what a good one holds, what their errors mean, and how a bad one is set aside."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from jupyter_localllm.cache.trouble import Busy, Damaged, Unavailable

__all__ = [
    "DATABASE",
    "JOURNALS",
    "PATIENCE",
    "SCHEMA",
    "SIDECARS",
    "connect_read_only",
    "forbidden",
    "identity",
    "journals",
    "make_private",
    "patiently",
    "read_only_uri",
    "set_aside",
    "translate",
    "translated",
    "writable",
]

T = TypeVar("T")

DATABASE = "cache.db"
PATIENCE = 5.0  # seconds to wait for another process before giving up: its writes take under 1 ms, if it may run
SIDECARS = ("-wal", "-shm", "-journal")
JOURNALS = ("-wal", "-journal")  # those that hold content
_WITHOUT_LOCKS = "win32-none" if sys.platform == "win32" else "unix-none"  # https://sqlite.org/vfs.html

# What sqlite3 says when not the content is at fault. Python 3.10 has no error codes, so by text.
_BUSY = ("is locked", "busy")
_ENVIRONMENT = (
    "readonly",
    "unable to open",
    "disk i/o",
    "is full",
    "locking protocol",
    "permission denied",
    "not authorized",
    "large file support",
    "out of memory",
    "too big",
    "no such vfs",
)

# Of these, what is said where reading may still be allowed.
_FORBIDDEN = ("readonly", "unable to open", "permission denied")
_FORBIDDEN_ERRNO = (errno.EROFS, errno.EACCES, errno.EPERM)

# Every object that diskcache makes in a database. Another one, or one that reads differently, would be run by SQLite
# with our next write.
_COUNT = 'AFTER {0} ON Cache FOR EACH ROW BEGIN UPDATE Settings SET value = value {1} WHERE key = "{2}"; END'
_TRIGGERS = {
    "Settings_count_insert": ("INSERT", "+ 1", "count"),
    "Settings_count_delete": ("DELETE", "- 1", "count"),
    "Settings_size_insert": ("INSERT", "+ NEW.size", "size"),
    "Settings_size_update": ("UPDATE", "+ NEW.size - OLD.size", "size"),
    "Settings_size_delete": ("DELETE", "- OLD.size", "size"),
}
SCHEMA = {
    "Settings": "CREATE TABLE Settings ( key TEXT NOT NULL UNIQUE, value)",
    "sqlite_autoindex_Settings_1": None,
    "Cache": (
        "CREATE TABLE Cache ( rowid INTEGER PRIMARY KEY, key BLOB, raw INTEGER, store_time REAL, expire_time REAL,"
        " access_time REAL, access_count INTEGER DEFAULT 0, tag BLOB, size INTEGER DEFAULT 0,"
        " mode INTEGER DEFAULT 0, filename TEXT, value BLOB)"
    ),
    "Cache_key_raw": "CREATE UNIQUE INDEX Cache_key_raw ON Cache(key, raw)",
    "Cache_expire_time": "CREATE INDEX Cache_expire_time ON Cache (expire_time)",
    "Cache_access_time": "CREATE INDEX Cache_access_time ON Cache (access_time)",
    **{name: f"CREATE TRIGGER {name} {_COUNT.format(*how)}" for name, how in _TRIGGERS.items()},
}


def identity(path: Path) -> tuple[int, int] | None:
    """Which file a path means now (device and inode), None if it cannot be told."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def make_private(path: Path) -> None:
    """Make the file of a database readable by its owner only, a new one from the first; SQLite's journals follow it.

    Its folder is private, too; but folders are copied, and moved.
    """
    if sys.platform == "win32":
        return  # private in a user's profile by its access list
    with suppress(OSError):
        if not path.exists():
            # Only a new file is opened: to close one that a connection of this process holds would lose its locks.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        elif (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            path.chmod(mode & 0o600)  # who took his own permission to write away does not get it back


def journals(path: Path) -> list[str]:
    """Name the journals that stand beside a database: a part of its content is in them."""
    return [f"{path.name}{suffix}" for suffix in JOURNALS if os.path.lexists(f"{path}{suffix}")]


def connect_read_only(path: Path, *, timeout: float = 0.0) -> tuple[sqlite3.Connection, bool]:
    """Open a database that this process cannot write, with what stands in its journal; no file of it changes.

    Parameters
    ----------
    path : Path
    timeout : float, optional
        Seconds that SQLite waits for others.

    Returns
    -------
    connection : sqlite3.Connection
    locks : bool
        Whether SQLite's own locks keep others from changing what is being read. If not, the caller must look whether
        a file changed meanwhile.

    Raises
    ------
    sqlite3.Error

    Notes
    -----
    Without a journal it is read as it is (``immutable``): on a read-only disk SQLite could not read it otherwise. A
    journal (``-wal``) is read through its index (``-shm``). Where that is missing and cannot be made, nobody has the
    database open, and SQLite keeps the index in its own memory if it is told that the database is ours alone
    (https://sqlite.org/wal.html, "Use of WAL Without Shared-Memory"). It can lock nothing there, and is told not to.
    """
    if not journals(path):
        return _connect_read_only(path, timeout, "immutable=1"), False
    try:
        return _connect_read_only(path, timeout, "", "PRAGMA schema_version"), True
    except sqlite3.OperationalError as error:
        if not forbidden(error) or os.path.lexists(f"{path}-shm"):
            raise
    # Only where no file can be made, none can be deleted either: an empty journal would be, at closing.
    return _connect_read_only(path, timeout, f"vfs={_WITHOUT_LOCKS}", "PRAGMA locking_mode=EXCLUSIVE"), False


def _connect_read_only(path: Path, timeout: float, option: str, *statements: str) -> sqlite3.Connection:
    uri = read_only_uri(path, option)
    connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        for statement in statements:
            connection.execute(statement).close()
    except BaseException:
        connection.close()
        raise
    return connection


def read_only_uri(path: Path, option: str = "") -> str:
    """Address a database that is only to be read, for `sqlite3.connect`."""
    uri = path.as_uri()
    if not uri.startswith("file:///"):  # a network share of Windows; SQLite takes no host there
        uri = uri.replace("file://", "file:////", 1)
    return f"{uri}?mode=ro{option and f'&{option}'}"


def forbidden(error: Exception) -> bool:
    """Whether an error says that writing is not allowed, so that reading may be."""
    if isinstance(error, OSError):
        return error.errno in _FORBIDDEN_ERRNO
    return any(word in str(error).lower() for word in _FORBIDDEN)


def writable(folder: Path) -> bool:
    """Whether the system lets us write the database in a folder and beside it.

    SQLite says in the same words that a file cannot be opened for want of a permission and for want of descriptors.
    """
    return all(os.access(path, os.W_OK) for path in (folder, folder / DATABASE))


def set_aside(folder: Path) -> Path | None:
    """Rename the database in a folder to the first free ``cache.db.damaged-<n>``, its journals with it."""
    path = folder / DATABASE
    number = 1
    while (aside := folder / f"{DATABASE}.damaged-{number}").exists():
        number += 1
    for suffix in SIDECARS:
        # Before the database itself: a fresh one must never meet the journal of the old one.
        with suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    try:
        os.replace(path, aside)
    except FileNotFoundError:
        return None
    return aside


def translate(error: sqlite3.DatabaseError) -> Exception:
    """Tell by what SQLite says which kind of trouble it is."""
    if isinstance(error, sqlite3.ProgrammingError):
        return error  # a mistake of ours, no trouble of the disk
    text = str(error).lower()
    if any(word in text for word in _BUSY):
        return Busy(f"The cache is held by another process ({error}).")
    if any(word in text for word in _ENVIRONMENT):
        return Unavailable(f"The cache cannot be used: {error}.")
    return Damaged(f"The cache's database is damaged: {error}.")


@contextmanager
def translated() -> Iterator[None]:
    """Raise `Damaged`, `Busy` or `Unavailable` instead of SQLite's errors."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise translate(error) from None
    except UnicodeDecodeError as error:
        # SQLite's message quotes the damaged schema, and sqlite3 cannot make a text of it.
        raise Damaged(f"The cache's database is damaged: {error}.") from None


def patiently(action: Callable[[], T], seconds: float | None = None) -> T:
    """Try again while another process holds the database, and then raise SQLite's error.

    Not by SQLite's own busy timeout: it sleeps in C, where Ctrl-C cannot reach it.
    """
    deadline = time.monotonic() + (PATIENCE if seconds is None else seconds)
    pause = 0.001
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if not isinstance(translate(error), Busy) or time.monotonic() > deadline:
                raise
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
