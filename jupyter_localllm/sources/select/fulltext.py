"""An index over passages in SQLite's FTS5, in memory while it is small and in a temporary file beyond.

SQLite gets our own terms (`words`), parted by spaces, and leaves them as they are: its ``ascii`` tokenizer takes every
character beyond ASCII for a letter. A question reaches it as quoted terms only, never as text, so nothing of it can be
read as query syntax.

The database has the empty name. SQLite keeps such a database in its page cache, and moves to a file of its own only
what does not fit there. That file has no name (Linux, macOS) or is deleted by the system (Windows) once it is closed:
nothing is left even by a kernel that is killed. https://www.sqlite.org/inmemorydb.html#temp_db,
https://www.sqlite.org/fts5.html
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.select.base import PassageIndex, Progress, Ranked, never
from jupyter_localllm.sources.select.plain import PlainIndex
from jupyter_localllm.sources.select.rank import search
from jupyter_localllm.sources.select.stored import from_row, to_row
from jupyter_localllm.sources.select.words import words
from jupyter_localllm.types import Passage

__all__ = ["MEMORY_BYTES", "FullText", "has_fts5", "new_index"]

MEMORY_BYTES = 64 * 1024 * 1024
"""What an index may hold in memory; the rest is in its file."""

_BATCH = 500  # passages
_BATCH_CHARS = 1_000_000
_STEPS = 50_000  # of SQLite's machine between two looks at signals: some milliseconds
_TABLES = """
    CREATE TABLE passage (id INTEGER PRIMARY KEY, text BLOB, rest TEXT);
    CREATE VIRTUAL TABLE term USING fts5(terms, content='', tokenize="ascii tokenchars '-.'");
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab(term, 'row');
"""


@lru_cache(maxsize=1)
def has_fts5() -> bool:
    """Whether this Python's SQLite was built with FTS5."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_TABLES)
    except sqlite3.Error:
        return False
    finally:
        connection.close()
    return True


def new_index() -> PassageIndex:
    """An empty index: in SQLite where it can search texts, else in plain Python."""
    return FullText() if has_fts5() else PlainIndex()


class FullText:
    """Passages in an SQLite database of this object's own.

    Parameters
    ----------
    memory_bytes : int, optional
        How much of it stays in memory.

    Examples
    --------
    >>> index = FullText()
    >>> index.add([Passage("notes", "text", "Berlin has 3.9 million inhabitants.")])
    1
    >>> [found.terms for found in index.search("How many inhabitants has Berlin?", 3)]
    [('inhabitants', 'berlin')]
    >>> index.close()
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        import sqlite3

        self._lock = threading.RLock()
        self._size = self._length = 0
        # several threads, one at a time: the lock sees to it
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._finalizer = weakref.finalize(self, self._database.close)  # also at the end of the process
        self._database.execute(f"PRAGMA cache_size = -{max(1, memory_bytes // 1024)}")
        # nothing is undone: an index that fails half-way is thrown away
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(_TABLES)
        self._database.set_progress_handler(never, _STEPS)  # so that Python hears an interrupt during a long query

    @property
    def size(self) -> int:
        """Passages in it."""
        return self._size

    @property
    def length(self) -> int:
        """Terms in it, of all passages."""
        return self._length

    @property
    def bytes(self) -> int:
        """What the database takes, in memory and on disk together."""
        (pages,), (page,) = *self._ask("PRAGMA page_count"), *self._ask("PRAGMA page_size")
        return int(pages) * int(page)

    def add(
        self,
        passages: Iterable[Passage],
        until: Callable[[], bool] = never,
        progress: Progress | None = None,
        total: int | None = None,
    ) -> int:
        """Index passages one by one; see `PassageIndex.add`."""
        before = self._size
        try:
            with self._lock:
                self._ask("BEGIN")
                for batch in _batches(passages):
                    self._add(batch)
                    if progress is not None:
                        progress(self._size, total)
                    if until():
                        break
                self._ask("COMMIT")
        except BaseException:
            self.close()
            raise
        return self._size - before

    def _add(self, batch: list[Passage]) -> None:
        terms = [words(passage.text) for passage in batch]
        orders = range(self._size + 1, self._size + 1 + len(batch))
        rows = [(order, *to_row(passage)) for order, passage in zip(orders, batch, strict=True)]
        self._write("INSERT INTO passage VALUES (?, ?, ?)", rows)
        found = [(order, " ".join(each)) for order, each in zip(orders, terms, strict=True)]
        self._write("INSERT INTO term(rowid, terms) VALUES (?, ?)", found)
        self._size += len(batch)
        self._length += sum(map(len, terms))

    def frequency(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many passages each term stands; terms that stand in none are left out."""
        with self._lock:
            rows = [self._ask("SELECT term, doc FROM vocabulary WHERE term = ?", term) for term in dict.fromkeys(terms)]
        return {term: count for each in rows for term, count in each}

    def vocabulary(self, prefix: str, limit: int) -> dict[str, int]:
        """Terms that begin so, in the order of their bytes, with the number of passages of each."""
        query = "SELECT term, doc FROM vocabulary WHERE term >= ? AND term < ? LIMIT ?"
        return dict(self._ask(query, prefix, prefix + "\U0010ffff", limit))

    def candidates(self, terms: Sequence[str], limit: int, *, first: bool = False) -> list[tuple[int, Passage]]:
        """Passages that hold at least one of the terms, each with its place: the best ones, or simply the first."""
        order = "" if first else "ORDER BY bm25(term), rowid"
        inner = f"SELECT rowid AS id FROM term WHERE term MATCH ? {order} LIMIT ?"
        query = f"SELECT id, text, rest FROM ({inner}) JOIN passage USING (id)"
        if not terms or limit <= 0:
            return []
        asked = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
        return [(order - 1, from_row(text, rest)) for order, text, rest in self._ask(query, asked, limit)]

    def everything(self) -> Iterator[tuple[int, Passage]]:
        """All passages with their places, in the order of the source."""
        for start in range(0, self._size, _BATCH):
            query = "SELECT id, text, rest FROM passage WHERE id > ? ORDER BY id LIMIT ?"
            for order, text, rest in self._ask(query, start, _BATCH):
                yield order - 1, from_row(text, rest)

    def search(self, question: str, limit: int) -> list[Ranked]:
        """The best passages for a question, the best one first; equal ones in the order of the source."""
        return search(self, question, limit)

    def close(self) -> None:
        """Give back memory and file. Harmless when done twice."""
        with self._lock:
            self._finalizer()

    def _ask(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            rows: list[Any] = self._heard(lambda: self._database.execute(query, values).fetchall())
            return rows

    def _write(self, query: str, rows: list[Any]) -> None:
        self._heard(lambda: self._database.executemany(query, rows))

    def _heard(self, run: Callable[[], Any]) -> Any:
        """Run a query; say in our words what stopped it."""
        import sqlite3

        if not self._finalizer.alive:
            raise SourceError("This index of passages is closed.", "Ask again: it will be built anew.")
        try:
            return run()
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":  # the handler was interrupted: nobody else stops a query of ours
                raise KeyboardInterrupt from None
            raise SourceError(
                f"The index of passages ({self._size:,} so far) cannot be written or read: {error}.",
                "Free some space in the directory for temporary files, or give a smaller part of the source.",
            ) from error


def _batches(passages: Iterable[Passage]) -> Iterator[list[Passage]]:
    """Some passages at a time, fewer where they are long."""
    batch: list[Passage] = []
    chars = 0
    for passage in passages:
        batch.append(passage)
        chars += len(passage.text)
        if len(batch) >= _BATCH or chars >= _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch
