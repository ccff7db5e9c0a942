"""A database that can be read but not written: on a disk that is mounted so, or without the permission to write.

SQLite reads a database in WAL mode only where it can make, or finds, the journal's index (``-shm``). On a disk that
takes nothing it must be told that nobody writes; then it holds no lock (https://sqlite.org/wal.html, "Read-Only
Databases"; `jupyter_localllm.cache.database.connect_read_only` has the ways). Since somebody may write from another
machine all the same, what was read without locks counts only if the files are still what they were before.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from jupyter_localllm.cache.database import (
    DATABASE,
    JOURNALS,
    SIDECARS,
    connect_read_only,
    journals,
    patiently,
    translated,
)
from jupyter_localllm.cache.disk import SafeDisk
from jupyter_localllm.cache.store import Store
from jupyter_localllm.cache.trouble import Busy, ReadOnly, Trouble, Unavailable

__all__ = ["ReadOnlyStore"]

_Look = dict[str, tuple[int, ...]]
_GOOD_FOR = 10.0  # seconds after which it is tried again whether it can be written: a few milliseconds


class ReadOnlyStore(Store):
    """What `Store` reads; whatever would write is a `ReadOnly` trouble.

    diskcache has no part in opening it: it writes its settings each time.

    Parameters
    ----------
    folder : Path
        Where the database is.
    why : str
        What the system said against writing.

    Raises
    ------
    Damaged
        The file is no database, or not one of ours. It must stay where it is.
    Busy, Unavailable
    """

    read_only = True

    def __init__(self, folder: Path, why: str) -> None:
        self._connection: sqlite3.Connection | None = None
        self._uncounted = {"hits": 0, "misses": 0}
        self._disk = SafeDisk(str(folder))
        self.path = folder / DATABASE
        self._why = f"The cache in {folder.parent} is read-only: {why}."
        self._until = time.monotonic() + _GOOD_FOR
        self._locks = False
        self._seen = self._look()  # before it is opened: what changes from now on is noticed
        try:
            with translated():
                patiently(self._inspect)
            empty = not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'Cache'")
        except Trouble as trouble:
            self.close()
            self._check_unchanged()
            left = journals(self.path)
            if left and isinstance(trouble, Unavailable):
                text = f"{self._why} {left[0]} beside its database cannot be read without writing: {trouble.message}"
                raise Unavailable(text) from None
            raise
        except BaseException:
            self.close()
            raise
        if empty:
            self.close()
            raise Unavailable(f"{self._why} It holds nothing yet.")

    def _connect(self) -> sqlite3.Connection:
        connection, self._locks = connect_read_only(self.path)
        return connection

    def _transact(self, *_arguments: object, **_options: object) -> NoReturn:
        raise ReadOnly(self._why, "Make the directory writable, or set another one: %config LocalLLM.cache_dir")

    def tally(self, key: str | None) -> None:
        """Count a hit or a miss for as long as this is open."""
        self._uncounted["misses" if key is None else "hits"] += 1

    def shrink(self) -> None:
        """Leave the disk as it is."""

    def moved(self) -> bool:
        """Whether to open it anew: the file is another or has changed, or it may be writable by now."""
        return time.monotonic() > self._until or self._changed()

    def _rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        try:
            rows = super()._rows(statement, parameters)
        except Trouble:
            self._check_unchanged()
            raise
        self._check_unchanged()
        return rows

    def _check_unchanged(self) -> None:
        if self._changed():
            raise Busy("The cache's database changed while it was read.")

    def _changed(self) -> bool:
        then, now = self._seen, self._look()
        if self._locks:  # SQLite's own locks and marks count, and the files may change under them
            return _which(then) != _which(now)
        return then != now

    def _look(self) -> _Look:
        """Each file that there is: which one, when it changed, how large it is."""
        found: _Look = {}
        for suffix in ("", *SIDECARS):
            with suppress(OSError):
                status = os.stat(f"{self.path}{suffix}")
                found[suffix] = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
        return found


def _which(look: _Look) -> tuple[object, ...]:
    """Which file the database is, and the journals that stand beside it."""
    return look.get("", ())[:2], *(suffix in look for suffix in JOURNALS)
