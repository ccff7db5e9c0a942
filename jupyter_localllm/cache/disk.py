"""A `diskcache.Disk` that never pickles and never unpickles.

diskcache pickles every value that is not a number, a text or bytes, and unpickles whatever its database says is a
pickle: who can write into the directory can run code in every kernel that reads it (CVE-2025-69872, no fixed release).
The places are `Disk.put`, `Disk.get`, `Disk.store` and `Disk.fetch`, all replaced here; the rest (`memoize`, `push`,
`Deque`, `Index`) goes through the same four.

Values never go to files of their own either. So a planted row cannot name a file outside of the directory to be read
or deleted, and a process that is killed leaves no orphans.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import diskcache

from jupyter_localllm.cache.trouble import DamagedRow
from jupyter_localllm.errors import CacheError

__all__ = ["SafeDisk"]

_RAW = 1  # diskcache.core.MODE_RAW: the value is in the database, as it is
_INT64 = 1 << 63


class SafeDisk(diskcache.Disk):  # type: ignore[misc]
    """Stores bytes, text, and numbers, in the database itself.

    Parameters
    ----------
    directory : str
        Of the cache.
    options
        diskcache passes what it finds in the settings table of the database; nothing of it is used.
    """

    def __init__(self, directory: str, **options: object) -> None:
        super().__init__(directory)

    def put(self, key: object) -> tuple[Any, bool]:
        """Make a key ready for the database; `CacheError` if it is not bytes, text or a number."""
        return _storable(key), True

    def get(self, key: object, raw: object) -> Any:
        """Read a key of the database; `DamagedRow` if it is a pickle."""
        if raw != 1:
            raise DamagedRow("The database holds a pickled key. It was not read.")
        return _plain(key)

    def store(self, value: object, read: bool, key: object = None) -> tuple[int, int, None, Any]:
        """Make a value ready for the database; `CacheError` if it is not bytes, text or a number."""
        if read:
            raise CacheError("The cache does not store files.")
        return 0, _RAW, None, _storable(value)

    def fetch(self, mode: object, filename: object, value: object, read: bool) -> Any:
        """Read a value of the database; `DamagedRow` if it is a pickle or in a file."""
        if mode != _RAW or filename is not None or read:
            raise DamagedRow(f"The database holds a value of a foreign kind (mode {mode!r}). It was not read.")
        return _plain(value)

    def filename(self, key: object = None, value: object = None) -> tuple[str, str]:
        """Refuse: no value has a file."""
        raise CacheError("The cache does not store files.")

    def remove(self, file_path: object) -> None:
        """Delete nothing: a file name in the database is not ours, and may point anywhere."""


def _storable(value: object) -> Any:
    # Exact types: a subclass would come back as its base.
    if type(value) is bytes:
        return sqlite3.Binary(value)
    if type(value) in (str, float) or (type(value) is int and -_INT64 <= value < _INT64):
        return value
    raise CacheError(f"The cache stores bytes, text and numbers, not a {type(value).__name__}.")


def _plain(value: object) -> Any:
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, (bytes, str, int, float)):
        return value
    raise DamagedRow(f"The database holds a {type(value).__name__} where a value should be.")
