"""A database that can be read but not written: on a disk that is mounted so, or without the permission to write.

SQLite reads a database in WAL mode only where it can make, or finds, the journal's index (``-shm``). On a disk that
takes nothing it must be told that nobody writes (``immutable``); then it looks at no journal and holds no lock
(https://sqlite.org/wal.html, "Read-Only Databases"). So that is said only where no journal stands beside the database,
and since somebody may write from another machine all the same, what was read counts only if the file is still what it
was before.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any, NoReturn

from jupyter_localllm.cache.database import DATABASE, identity, journals, patiently, read_only_uri, translated
from jupyter_localllm.cache.disk import SafeDisk
from jupyter_localllm.cache.store import Store
from jupyter_localllm.cache.trouble import Busy, Damaged, ReadOnly, Unavailable

__all__ = ["ReadOnlyStore"]

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
        self._seen = self._look()  # before it is opened: what changes from now on is noticed
        try:
            with translated():
                patiently(self._inspect)
            if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'Cache'"):
                raise Unavailable(f"{self._why} It holds nothing yet.")
        except Unavailable as trouble:
            self.close()
            if left := journals(self.path):
                text = f"{self._why} {left[0]} beside its database cannot be read without writing: {trouble.message}"
                raise Unavailable(text) from None
            raise
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        uri = read_only_uri(self.path)
        return sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False)

    def _transact(self, *_arguments: object, **_options: object) -> NoReturn:
        raise ReadOnly(self._why, "Make the directory writable, or set another one: %config LocalLLM.cache_dir")

    def tally(self, key: str | None) -> None:
        """Count a hit or a miss for as long as this is open."""
        self._uncounted["misses" if key is None else "hits"] += 1

    def shrink(self) -> None:
        """Leave the disk as it is."""

    def moved(self) -> bool:
        """Whether to open it anew: the file is another or has changed, or it may be writable by now."""
        return time.monotonic() > self._until or self._look() != self._seen

    def _rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        try:
            rows = super()._rows(statement, parameters)
        except Damaged:
            self._check_unchanged()
            raise
        self._check_unchanged()
        return rows

    def _check_unchanged(self) -> None:
        if self._look() != self._seen:
            raise Busy("The cache's database changed while it was read.")

    def _look(self) -> tuple[object, ...]:
        # With a journal SQLite's own locks and marks count, and the file may change under them.
        if left := journals(self.path):
            return identity(self.path), tuple(left)
        try:
            status = os.stat(self.path)
        except OSError:
            return (None,)
        return identity(self.path), status.st_mtime_ns, status.st_size
