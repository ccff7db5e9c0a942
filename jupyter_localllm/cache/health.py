"""Whether the cache's databases are whole: looked at without changing them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from jupyter_localllm.cache.database import DATABASE, connect_read_only, read_only_uri

__all__ = ["examine_databases"]

_ROOMS = ("answers", "memo")
_SECONDS = 2.0  # a check that takes longer is left: the cache looks after itself whenever it is used
_STEPS = 10_000  # of SQLite's machine between two looks at the clock


def examine_databases(directory: Path, *, read_only: bool = False) -> Iterator[tuple[str, str]]:
    """What is wrong with the databases in the cache's directory.

    Parameters
    ----------
    directory : Path
    read_only : bool, optional
        Whether nobody can write there.

    Yields
    ------
    name, trouble : str
        The database, and what is so in words for people.
    """
    for room in _ROOMS:
        folder = directory / room
        if aside := sorted(folder.glob(f"{DATABASE}.damaged-*")):
            aside = [path for path in aside if not path.name.endswith(("-wal", "-shm", "-journal"))]
            yield room, f"damaged databases were set aside there ({len(aside)}), and a new one was begun"
        path = folder / DATABASE
        if path.is_file() and (trouble := _checked(path, read_only)):
            yield room, trouble


def _checked(path: Path, read_only: bool) -> str:
    deadline = time.monotonic() + _SECONDS
    try:
        if read_only:
            opened, _ = connect_read_only(path, timeout=1.0)
        else:
            opened = sqlite3.connect(read_only_uri(path), uri=True, timeout=1.0)
        with closing(opened) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            rows = connection.execute("PRAGMA quick_check(3)").fetchall()
    except sqlite3.OperationalError:  # held by somebody, or it took too long: no finding
        return ""
    except sqlite3.Error as error:
        return f"it is damaged: {error}"
    said = [str(row[0]) for row in rows]
    return "" if said == ["ok"] else f"it is damaged: {'; '.join(said)}"
