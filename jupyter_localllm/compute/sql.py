"""One read-only SELECT over the sources, in a DuckDB that is locked.

The database is new and empty for each query, in memory, and knows nothing but the tables that are given. It opens no
files, no network and no extensions, and does not look at the kernel's variables; see
https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview. What may run at all is decided before, by
`jupyter_localllm.compute.sql_allowed`.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm.compute.sql_allowed import check_select, first_line
from jupyter_localllm.compute.sql_result import SqlOutcome, duckdb_package, one_line, sql_passage, value_text
from jupyter_localllm.compute.sql_schema import SqlTable, sql_tables
from jupyter_localllm.config.threads import begin
from jupyter_localllm.errors import LocalLLMError, UsageError
from jupyter_localllm.types import Note

if TYPE_CHECKING:
    import duckdb

    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot

__all__ = ["SqlOutcome", "one_line", "run_select", "sql_passage"]

_POLL_SECONDS = 0.05  # Windows does not interrupt a wait, so no wait is longer than this
_PATIENCE = 2.0  # seconds that an interrupted query may take to end, before the caller goes on without it

_BOUNDS = {
    "threads": "1",
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "max_expression_depth": "250",
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "enable_progress_bar": "false",
}
_LOCK = {"enable_external_access": "false", "lock_configuration": "true"}  # after these, no frame can be given either


def run_select(
    sql: str,
    snapshots: Sequence[FrameSnapshot],
    *,
    seconds: float = 10.0,
    memory_bytes: int = 512 * 1024 * 1024,
    rows: int = 1_000,
) -> SqlOutcome:
    """Run one SELECT over some tables.

    The query runs on a thread of its own; interrupting the cell stops it.

    Parameters
    ----------
    sql : str
        One SELECT. Its tables are the sources, by their names (see `sql_tables`).
    snapshots : sequence of FrameSnapshot
    seconds : float
        For how long it may run.
    memory_bytes : int
        What sorting, grouping and joining may take, the tables themselves not counted.
    rows : int
        How many rows of the result are given.

    Raises
    ------
    UsageError
        It is no SELECT, or holds what is not allowed; it fails, takes too long, or needs too much memory.
    DependencyMissing
        DuckDB is not installed.

    Examples
    --------
    >>> run_select('SELECT avg("price") FROM "df"', [snapshot]).rows                      # doctest: +SKIP
    ((12.4,),)
    """
    package = duckdb_package()
    try:
        connection, read = _locked(package, sql, sql_tables(snapshots), memory_bytes)
        names, found = _Query(connection, sql, rows).within(seconds)
    except package.Error as error:
        raise _told(error, package, memory_bytes) from None
    kept = tuple(tuple(row) for row in found[:rows])
    texts = tuple(tuple(map(value_text, row)) for row in kept)
    notes = tuple(_left_out(table) for table in read if table.totals)
    return SqlOutcome(
        names, kept, texts, len(kept), len(found) > rows, tuple(table.source.name for table in read), notes
    )


def _locked(
    package: Any, sql: str, tables: Sequence[SqlTable], memory_bytes: int
) -> tuple[duckdb.DuckDBPyConnection, list[SqlTable]]:
    """A database that opens nothing and takes no setting back, in which `sql` may run; and the tables that it reads."""
    connection: duckdb.DuckDBPyConnection = package.connect(
        ":memory:", config={"memory_limit": f"{max(memory_bytes, 1 << 20)}B"}
    )
    try:
        _set(connection, _BOUNDS)
        named = check_select(sql, connection, [table.name for table in tables])
        read = [table for table in tables if table.name in named]
        for table in read:
            connection.register(table.name, table.native())
        _set(connection, _LOCK)
    except BaseException:
        connection.close()
        raise
    return connection, read


def _set(connection: duckdb.DuckDBPyConnection, values: dict[str, str]) -> None:
    for name, value in values.items():
        connection.execute(f"SET {name} = '{value}'")


class _Query:
    """A query on its thread, which closes the connection when it ends."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str, rows: int) -> None:
        self._connection = connection
        self._ended: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(sql, rows), name="jupyter_localllm-sql", daemon=True)

    def _run(self, sql: str, rows: int) -> None:
        try:
            cursor = self._connection.execute(sql)
            names = tuple(str(column[0]) for column in cursor.description or ())
            self._ended.put(((names, cursor.fetchmany(rows + 1)), None))
        except BaseException as error:  # whatever it was, the person who waits hears of it
            self._ended.put((None, error))
        finally:
            self._connection.close()

    def within(self, seconds: float) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Names and rows; stops the query when the time is over, or when the wait is interrupted."""
        until = time.monotonic() + seconds
        try:
            begin(self._thread)
            while time.monotonic() < until:
                try:
                    result, error = self._ended.get(timeout=_POLL_SECONDS)
                except queue.Empty:
                    continue
                if error is not None:
                    raise error
                found: tuple[tuple[str, ...], list[tuple[Any, ...]]] = result
                return found
            raise UsageError(
                f"The SQL was stopped: it took longer than {seconds:g} s.", "Ask for less: fewer rows, fewer joins."
            )
        finally:
            self._stop()

    def _stop(self) -> None:
        """Interrupt until the thread has ended: an interrupt that comes before the query begins is forgotten."""
        until = time.monotonic() + _PATIENCE
        while self._thread.is_alive() and time.monotonic() < until:
            with contextlib.suppress(duckdb_package().Error):  # closed meanwhile
                self._connection.interrupt()
            self._thread.join(_POLL_SECONDS)


def _told(error: BaseException, package: Any, memory_bytes: int) -> LocalLLMError:
    if isinstance(error, package.OutOfMemoryException):
        return UsageError(
            f"The SQL was stopped: it needs more than {memory_bytes / 1024**2:,.0f} MiB of memory.",
            "Ask for less: fewer rows, fewer joins.",
        )
    return UsageError(f"This SQL cannot be run: {first_line(error)}", "Look at the names and types of the columns.")


def _left_out(table: SqlTable) -> Note:
    source = table.source
    rows = ", ".join(f"{row + 1} ({source.table.row_label(row)})" for row in table.totals[:5])
    return Note("totals", f"{source.name}: rows of totals were not counted: {rows}")
