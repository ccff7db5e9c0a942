"""A `diskcache.Cache` on one connection, with nothing taken on trust from the file.

What is replaced, and why (diskcache 5.6.3; ``tests/cache/test_store.py`` fails if its inside moves):

- ``disk``: never unpickles (`jupyter_localllm.cache.disk`).
- ``_con``: one connection for all threads, under the lock of `jupyter_localllm.cache.shelf`, instead of one for each
  thread that ever asked: those cannot be closed from outside, and an open file cannot be set aside on Windows.
- ``_transact``: says why it could not begin (diskcache calls every reason a timeout), and waits in Python, so that
  Ctrl-C is obeyed.
- ``reset``: rows of the settings table are only used if diskcache itself could have written them. It would turn any
  other row into an attribute of the cache or into a PRAGMA.
- memory mapping is off: if somebody truncated the file, the next read would be a SIGBUS and take the kernel with it.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import DEFAULT_SETTINGS, ENOVAL, METADATA

from jupyter_localllm.cache.database import DATABASE, SCHEMA, identity, make_private, patiently, translated
from jupyter_localllm.cache.disk import SafeDisk
from jupyter_localllm.cache.trouble import Busy, Damaged, Trouble, Unavailable

__all__ = ["Store"]

_COUNTING = 0.01  # seconds that counting a hit may wait
_MINUTE = 60.0
_BATCH = 200  # rows in one transaction, so that nobody waits long for us
_SETTINGS_ROWS = 100  # diskcache has 16
_LARGEST = 32 << 20  # bytes of a value; what is larger is not ours, and must not fill the kernel's memory
_VALUE = f"CASE WHEN mode = 1 AND filename IS NULL AND length(value) <= {_LARGEST} THEN CAST(value AS BLOB) END"

# secure_delete: what is deleted is overwritten; some builds of SQLite do that anyway, others leave it in the file
_PRAGMAS = ("trusted_schema=OFF", "mmap_size=0", "synchronous=NORMAL", "cache_size=1024", "secure_delete=ON")

_SETTINGS = {
    **DEFAULT_SETTINGS,
    "cull_limit": 0,  # `Store.trim` does it: diskcache could throw the entry away that it has just written
    "eviction_policy": "least-recently-used",
    "size_limit": 1 << 60,
    "sqlite_cache_size": 1024,  # pages: 4 MB instead of 32
    "sqlite_mmap_size": 0,
}


class Store(diskcache.Cache):  # type: ignore[misc]
    """One database of texts and bytes, by text keys or bytes keys. Not safe between threads by itself.

    Parameters
    ----------
    folder : Path
        An existing directory.

    Raises
    ------
    Damaged
        The file is no database, or not one of ours.
    Busy, Unavailable
    """

    read_only = False

    def __init__(self, folder: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        self._uncounted = {"hits": 0, "misses": 0}
        self.path = folder / DATABASE
        expanded = os.path.expandvars(os.path.expanduser(folder))
        if expanded != str(folder):  # diskcache would go there instead
            raise Unavailable(f"The cache cannot be in {folder}: the name stands for {expanded}.")
        if self.path.is_symlink():  # a folder may come with somebody's project: its link leads to a file of another's
            raise Damaged("The cache's database is a link.")
        try:
            make_private(self.path)
            with translated():
                patiently(self._inspect)
                super().__init__(str(folder), timeout=0, disk=SafeDisk, **_SETTINGS)
                self._con  # noqa: B018 - connect now: the file that `identity` names is the one we hold
        except ValueError:  # diskcache does not find a row that it has just written: an index is broken
            self.close()
            raise Damaged("The cache's database is damaged: its settings cannot be read.") from None
        except BaseException:
            self.close()
            raise
        self.identity = identity(self.path)

    # -- what diskcache asks for ---------------------------------------------------------------------------------------

    @property
    def _con(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connection = self._connect()
            for pragma in _PRAGMAS:
                # Patiently: some read the file, and who closes it last holds it for a moment.
                patiently(functools.partial(connection.execute, f"PRAGMA {pragma}"))
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        # check_same_thread: the shelf's lock lets one thread in at a time.
        return sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)

    @property
    def _sql_retry(self) -> Callable[..., sqlite3.Cursor]:
        def run(statement: str, *parameters: Any) -> sqlite3.Cursor:
            return patiently(lambda: self._con.execute(statement, *parameters))

        return run

    @contextmanager
    def _transact(self, retry: bool = False, filename: object = None, *, seconds: float | None = None) -> Iterator[Any]:
        connection = self._con
        if connection.in_transaction:
            yield connection.execute, _forget
            return
        patiently(lambda: connection.execute("BEGIN IMMEDIATE"), seconds)
        try:
            yield connection.execute, _forget
            connection.execute("COMMIT")
        except BaseException:
            self.recover()
            raise

    def reset(self, key: str, value: Any = ENOVAL, update: bool = True) -> Any:
        """See `diskcache.Cache.reset`; a setting that diskcache does not have is left alone."""
        if key in DEFAULT_SETTINGS or key in METADATA:
            return super().reset(key, value, update)
        return None

    def __del__(self) -> None:
        # Since Python 3.13 a connection that is let go without a close warns, and a test of a user's may fail by that.
        self.close()

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # -- what we ask for -----------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Leave a transaction that an error or an interrupt has left open: it would lock everybody else out."""
        if self._connection is not None and self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def moved(self) -> bool:
        """Whether the path now means another file: renamed or deleted under us."""
        return identity(self.path) != self.identity

    def look_up(self, key: str | bytes) -> bytes | None:
        """Return the bytes under a key; `DamagedRow` if the row is not one of ours."""
        rows = self._rows(f"SELECT mode, filename, {_VALUE} FROM Cache WHERE key = ? AND raw = 1", (key,))
        return bytes(self.disk.fetch(*rows[0], False)) if rows else None

    def write(self, key: str | bytes, value: bytes) -> None:
        """Put bytes under a key."""
        with translated():
            self.set(key, value)

    def write_all(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Put bytes under keys, all of them or none."""
        with translated(), self._transact():
            for key, value in rows:
                self.set(key, value)

    def tally(self, key: str | None) -> None:
        """Count a hit on a key, which was used now, or a miss (None).

        Best effort: a reader does not wait for writers, so what cannot be counted now is counted next time.
        """
        self._uncounted["misses" if key is None else "hits"] += 1
        with suppress(Busy), translated(), self._transact(seconds=_COUNTING) as (sql, _):
            for name, number in self._uncounted.items():
                if number:
                    sql("UPDATE Settings SET value = value + ? WHERE key = ?", (number, name))
            if key is not None:
                # To the minute is enough to know what was not used for long.
                now = time.time()
                sql(
                    "UPDATE Cache SET access_time = ? WHERE key = ? AND raw = 1 AND abs(access_time - ?) > ?",
                    (now, key, now, _MINUTE),
                )
            self._uncounted = dict.fromkeys(self._uncounted, 0)

    def counts(self) -> tuple[int, int, int]:
        """Entries, hits and misses."""
        ((entries,),) = self._rows("SELECT COUNT(*) FROM Cache WHERE raw = 1")
        told = dict(self._rows("SELECT key, value FROM Settings WHERE key IN ('hits', 'misses')"))
        hits, misses = (
            (value if isinstance(value := told.get(name), int) else 0) + self._uncounted[name]
            for name in ("hits", "misses")
        )
        return entries, hits, misses

    def drop(self, key: str | bytes) -> bool:
        """Delete a key; whether it was there."""
        with translated(), self._transact() as (sql, _):
            return bool(sql("DELETE FROM Cache WHERE key = ? AND raw = 1", (key,)).rowcount)

    def page(self, after: str | bytes, limit: int) -> list[tuple[Any, bytes | None]]:
        """Keys and values in order of keys, from behind one."""
        return self._rows(
            f"SELECT key, {_VALUE} FROM Cache WHERE raw = 1 AND key > ? ORDER BY key LIMIT ?",
            (after, limit),
        )

    def recent(self, limit: int, prefix_bytes: int) -> list[tuple[Any, bytes | None]]:
        """Keys and the beginnings of the values that were used last."""
        return self._rows(
            f"SELECT key, substr({_VALUE}, 1, ?) FROM Cache WHERE raw = 1 ORDER BY access_time DESC LIMIT ?",
            (prefix_bytes, limit),
        )

    def delete_where(self, condition: str, *parameters: Any) -> int:
        """Delete rows, the longest unused first, a few at a time; how many."""
        statement = (
            "DELETE FROM Cache WHERE rowid IN"
            f" (SELECT rowid FROM Cache WHERE {condition} ORDER BY access_time LIMIT {_BATCH})"
        )
        count = 0
        while True:
            with translated(), self._transact() as (sql, _):
                deleted: int = sql(statement, parameters).rowcount
            count += deleted
            if deleted < _BATCH:
                return count

    def used_bytes(self) -> int:
        """Size of the database, without the journals."""
        (((pages,),), ((size,),)) = self._rows("PRAGMA page_count"), self._rows("PRAGMA page_size")
        return int(pages * size)

    def trim(self, limit_bytes: int, keep: str | bytes | None = None) -> int:
        """Delete what was unused longest until the database is no larger; how many. `keep` stays."""
        count = 0
        while (excess := self.used_bytes() - limit_bytes) > 0:
            # One at a time near the limit, more when there is a long way to go.
            number = min(_BATCH, 1 + excess // (64 << 10))
            # First what was used in the future: the clock was set back, and what is asked now must not leave for it.
            deleted = self._delete_oldest(keep, time.time() + _MINUTE, number) or self._delete_oldest(
                keep, float("-inf"), number
            )
            if not deleted:
                break
            count += deleted
        return count

    def _delete_oldest(self, keep: str | bytes | None, after: float, number: int) -> int:
        statement = (
            "DELETE FROM Cache WHERE rowid IN"
            " (SELECT rowid FROM Cache WHERE key IS NOT ? AND access_time > ? ORDER BY access_time LIMIT ?)"
        )
        with translated(), self._transact() as (sql, _):
            deleted: int = sql(statement, (keep, after, number)).rowcount
        return deleted

    def shrink(self) -> None:
        """Give the disk back what was deleted; if somebody reads just now, later will do."""
        with suppress(Trouble):
            self._rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def _rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        with translated():
            return patiently(lambda: self._con.execute(statement, parameters).fetchall())

    def _inspect(self) -> None:
        # Fewer objects than expected are fine: a process was killed while it made them, and diskcache makes the rest.
        objects = dict(self._con.execute("SELECT name, sql FROM sqlite_master").fetchall())
        for name, text in objects.items():
            if name not in SCHEMA or text != SCHEMA[name]:
                raise Damaged(f"The cache's database holds {str(name)[:80]!r}, which is not ours.")
        if "Settings" in objects:
            wrong = "SELECT COUNT(*), SUM(typeof(key) != 'text') FROM Settings"
            ((rows, foreign),) = self._con.execute(wrong).fetchall()
            if foreign or rows > _SETTINGS_ROWS:
                raise Damaged("The cache's database holds settings that are not ours.")


def _forget(filename: object) -> None:
    """Stand in for diskcache's list of value files to delete: there are none."""
