"""A cache directory as an attacker would leave it: with pickles that run a command when somebody loads them."""

from __future__ import annotations

import os
import pickle
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, crater: Path) -> None:
        self.crater = crater

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.crater),)


def bomb(crater: Path) -> bytes:
    return pickle.dumps(Bomb(crater))


def garbage(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def run(database: Path, statement: str, *parameters: object) -> None:
    """Change a database behind the cache's back."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement, parameters)


def plant(database: Path, key: object, *, raw: object = 1, mode: object, filename: object, value: object) -> None:
    run(database, "DELETE FROM Cache WHERE key = ?", key)
    run(
        database,
        "INSERT INTO Cache (key, raw, store_time, access_time, mode, filename, value) VALUES (?, ?, 0, 9e9, ?, ?, ?)",
        key,
        raw,
        mode,
        filename,
        value,
    )
