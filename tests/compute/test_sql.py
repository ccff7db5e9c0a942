"""One SELECT in a locked DuckDB: it answers, and nothing else of this computer can be reached with it."""

from __future__ import annotations

import _thread
import datetime as dt
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jupyter_localllm.compute import sql as sql_room
from jupyter_localllm.compute.sql import SqlOutcome, one_line, run_select, sql_passage
from jupyter_localllm.compute.sql_allowed import LONGEST_SQL
from jupyter_localllm.compute.sql_schema import quoted_name, sql_tables
from jupyter_localllm.errors import DependencyMissing, UsageError
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from jupyter_localllm.sources.secrets import looks_secret
from tests.compute.tables import CITIES, MAKERS, snapshot

pytest.importorskip("duckdb")

HEADS = {"Region": ["north", "south", "west"], "Boss": ["Ada", "Bo", "Cy"]}
kernel_variable = pd.DataFrame({"hidden": [1]})
ENDLESS = "SELECT count(*) FROM " + ", ".join(f"cities c{i}" for i in range(14))


def tables(library: str = "pandas") -> list[FrameSnapshot]:
    """Two tables that can be joined."""
    return [snapshot(MAKERS[library](CITIES)), snapshot(MAKERS[library](HEADS), "heads")]


def select(sql: str, data: Any = None, **limits: Any) -> SqlOutcome:
    """Run it over the cities, or over ``df``."""
    return run_select(sql, tables() if data is None else [snapshot(data, "df")], **limits)


def running() -> list[threading.Thread]:
    """Queries that are not over."""
    return [thread for thread in threading.enumerate() if thread.name == "jupyter_localllm-sql"]


ANSWERED = [
    ("SELECT count(*) FROM cities", [(6,)]),
    ("select avg(population) from CITIES where Region = 'south'", [(26_350.0,)]),
    ('SELECT "city" FROM "cities" ORDER BY "population" DESC LIMIT 2', [("Corvin",), ("Fenn",)]),
    ("SELECT region, sum(population) FROM cities GROUP BY ALL HAVING count(*) > 1 ORDER BY 1", None),
    ("SELECT c.city FROM cities c JOIN heads h ON c.region = h.region WHERE boss = 'Bo' ORDER BY 1", None),
    ("SELECT city FROM cities WHERE population > (SELECT avg(population) FROM cities)", [("Corvin",), ("Fenn",)]),
    ("WITH a AS (SELECT max(population) AS m FROM cities) SELECT m / 2 FROM a", [(490_000.0,)]),
    ("SELECT city, rank() OVER (ORDER BY population DESC) AS place FROM cities QUALIFY place = 1", [("Corvin", 1)]),
    ("SELECT max(population) FILTER (WHERE founded > 1900) - min(population) FROM cities", [(302_800,)]),
    ("SELECT city FROM cities WHERE mayor ILIKE '%berg' OR city IN ('Esk')", [("Esk",), ("Fenn",)]),
    ("SELECT CASE WHEN founded < 1200 THEN 'old' ELSE 'new' END AS age, count(*) FROM cities GROUP BY 1", None),
    ("SELECT 1 UNION SELECT 2 ORDER BY 1", [(1,), (2,)]),
    ("SELECT round(population::DOUBLE / area_km2, 1) FROM cities LIMIT 1 -- dense", [(1490.7,)]),
]


@pytest.mark.parametrize("library", sorted(MAKERS))
@pytest.mark.parametrize(("sql", "rows"), ANSWERED)
def test_a_select_is_answered(sql: str, rows: list[tuple[Any, ...]] | None, library: str) -> None:
    """Grouping, joining, sorting, windows and subqueries give the same from every library."""
    found = run_select(sql, tables(library))
    assert list(found.rows) == rows if rows is not None else found.n
    assert found == run_select(sql, tables("pandas"))


REFUSED = [
    ("COPY cities TO 'stolen.csv'", "this is COPY"),
    ("COPY (SELECT 1) TO 'stolen.csv'", "this is COPY"),
    ("ATTACH 'other.db'", "this is ATTACH"),
    ("PRAGMA database_list", "this is PRAGMA"),
    ("SET lock_configuration = false", "this is SET"),
    ("INSTALL httpfs", "Only SELECT"),
    ("LOAD httpfs", "Only SELECT"),
    ("EXPORT DATABASE 'stolen'", "this is EXPORT"),
    ("CREATE TABLE t AS SELECT 1", "this is CREATE"),
    ("INSERT INTO cities VALUES (1)", "this is INSERT"),
    ("DROP VIEW cities", "this is DROP"),
    ("CALL pragma_version()", "this is CALL"),
    ("EXPLAIN SELECT 1", "this is EXPLAIN"),
    ("WITH a AS (INSERT INTO cities VALUES (1) RETURNING *) SELECT * FROM a", "insert query"),
    ("SELECT 1; SELECT 2", "here are 2"),
    ("SELECT 1; DROP VIEW cities", "here are 2"),
    ("", "here are 0"),
    ("-- nothing", "here are 0"),
    ("SELECT 1 +", "cannot be read"),
    ("SHOW TABLES", "show ref"),
    ("DESCRIBE cities", "show ref"),
    ("SELECT ?", "parameter"),
    ("SELECT $name", "parameter"),
    ("SELECT * FROM read_csv('/etc/passwd')", "table function read_csv"),
    ("SELECT * FROM read_text('/etc/passwd')", "table function read_text"),
    ("SELECT * FROM glob('/*')", "table function glob"),
    ("SELECT * FROM '/etc/passwd'", "no table '/etc/passwd'"),
    ("SELECT * FROM 'file.parquet'", "no table 'file.parquet'"),
    ("FROM 'https://example.org/file.parquet'", "no table"),
    ("SELECT * FROM read_parquet('https://example.org/file.parquet')", "table function read_parquet"),
    ("SELECT getenv('HOME')", "function getenv"),
    ("SELECT current_setting('secret_directory')", "function current_setting"),
    ("SELECT * FROM duckdb_settings()", "table function duckdb_settings"),
    ("SELECT * FROM duckdb_secrets()", "table function duckdb_secrets"),
    ("SELECT * FROM duckdb_settings", "no table"),
    ("SELECT * FROM sqlite_master", "no table"),
    ("SELECT * FROM information_schema.tables", "no table"),
    ("SELECT * FROM pg_catalog.cities", "no table"),
    ("WITH a AS (SELECT * FROM pg_settings), pg_settings AS (SELECT 1) SELECT * FROM a", "no table 'pg_settings'"),
    ("SELECT * FROM (WITH pg_settings AS (SELECT 1) FROM pg_settings) a, pg_settings", "no table 'pg_settings'"),
    ("SELECT * FROM kernel_variable", "no table 'kernel_variable'"),
    ("SELECT * FROM pandas_scan(1)", "table function pandas_scan"),
    ("SELECT * FROM query('SELECT 1')", "table function query"),
    ("SELECT * FROM json_execute_serialized_sql('{}')", "table function json_execute"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r", "recursive"),
    ("SELECT count(*) FROM generate_series(1000000000000)", "table function generate_series"),
    ("SELECT range(1000000000)", "function range"),
    ("SELECT unnest([1, 2])", "function unnest"),
    ("SELECT length(repeat('x', 10000000000))", "function repeat"),
    ("SELECT rpad('x', 2000000000, 'y')", "function rpad"),
    ("SELECT printf('%1000000000d', 1)", "function printf"),
    ("SELECT city || city FROM cities", r"function \|\|"),
    ("SELECT string_agg(city, '') FROM cities", "function string_agg"),
    ("SELECT [city, city] FROM cities", "list_value|array"),
    ("SELECT max(population, 1000000) FROM cities", "max cannot be used here in this form"),
    ("SELECT NULL::INTEGER[1000000]", "Nothing can be made"),
    ("SELECT '1'::BIT", "Nothing can be made a BIT"),
    ("SELECT COLUMNS('c.*') FROM cities", "star"),
    ("SELECT random()", "function random"),
    ("SELECT * FROM cities USING SAMPLE 2", "sample"),
    ("SELECT sleep_ms(100000)", "function sleep_ms"),
    ("SELECT nope FROM cities", 'column "nope" not found'),
    ("SELECT city + 1 FROM cities", "cannot be run"),
    ("SELECT city::INTEGER FROM cities", "Could not convert"),
    ("SELECT * FROM citys", "Did you mean cities"),
    ("SELECT '\udc80'", "no valid Unicode"),
    ("SELECT 1" + " " * LONGEST_SQL, "8,000 are possible"),
]


@pytest.mark.parametrize(("sql", "says"), REFUSED, ids=lambda value: value[:40].encode("ascii", "replace").decode())
def test_all_else_is_refused(sql: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no single SELECT over the tables does not run, the error names it, and no file is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        select(sql)
    assert re.search(says, caught.value.message), caught.value.message
    assert list(tmp_path.iterdir()) == []


SHUT = [
    "SELECT * FROM kernel_variable",
    "SELECT * FROM read_csv('/etc/hostname')",
    "SELECT * FROM read_text('own.txt')",
    "SELECT * FROM 'own.csv'",
    "SELECT * FROM glob('*')",
    "COPY cities TO 'stolen.csv'",
    "ATTACH 'other.db'",
    "EXPORT DATABASE 'stolen'",
    "INSTALL httpfs",
    "LOAD 'own.txt'",
    "SELECT * FROM read_parquet('https://example.org/file.parquet')",
    "SET lock_configuration = false",
    "SET enable_external_access = true",
    "SET python_enable_replacements = true",
    "SET memory_limit = '100GB'",
    "SELECT getenv('HOME')",
    "SELECT * FROM pandas_scan(1)",
]


@pytest.mark.parametrize("sql", SHUT)
def test_the_database_itself_is_locked(sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of what may run is one wall; DuckDB's own lock is a second, and holds without the first."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.txt").write_text("a,b\n1,2\n")
    (tmp_path / "own.csv").write_text("a,b\n1,2\n")
    monkeypatch.setattr(sql_room, "check_select", lambda *_: {"cities", "heads"})
    with pytest.raises(UsageError, match="cannot be run"):
        select(sql)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.csv", "own.txt"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("python_enable_replacements", False),
        ("python_scan_all_frames", False),
        ("enable_external_access", False),
        ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False),
        ("lock_configuration", True),
        ("temp_directory", ""),
        ("threads", 1),
        ("memory_limit", "64.0 MiB"),
    ],
)
def test_each_lock_is_closed(setting: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several locks cover for each other, so each is looked at by itself."""
    monkeypatch.setattr(sql_room, "check_select", lambda *_: set())
    assert select(f"SELECT current_setting('{setting}')", memory_bytes=64 << 20).rows == ((value,),)


def doubled(head: str, step: str, end: str, times: int = 24) -> str:
    """Names that each stand for the one before, twice."""
    return head + ", ".join(step.format(i, i - 1) for i in range(1, times)) + end.format(times - 1)


@pytest.mark.parametrize(
    "sql",
    [
        doubled("WITH c0 AS (FROM cities), ", "c{0} AS (SELECT a.* FROM c{1} a, c{1} b)", " SELECT count(*) FROM c{}"),
        doubled("SELECT population + 1 AS a0, ", "a{1} + a{1} AS a{0}", ", a{} FROM cities"),
        doubled("SELECT count(*) FROM (SELECT population AS a0, ", "a{1} + a{1} AS a{0}", ", a{} FROM cities)"),
        "SELECT " + "(" * 3_000 + "1" + ")" * 3_000,
        "SELECT " + "NOT " * 1_900 + "true",
        "FROM (" * 1_000 + "cities" + ")" * 1_000,
        "SELECT (" * 700 + "1" + ")" * 700,
        "SELECT 1 IN (" + ", ".join("1" * 1 for _ in range(2_500)) + ")",
    ],
    ids=["with", "as", "as below", "brackets", "not", "from", "subqueries", "in"],
)  # fmt: skip
def test_what_would_grow_without_end_is_refused(sql: str) -> None:
    """The planner cannot be interrupted, so what doubles with each name, or is nested deep, is not begun."""
    with pytest.raises(UsageError, match=r"too large|too deep|depth"):
        select(sql)


def test_a_query_that_takes_too_long_is_stopped() -> None:
    """The time is over: the error says so, and nothing runs on."""
    with pytest.raises(UsageError, match=r"longer than 0\.3 s"):
        select(ENDLESS, seconds=0.3)
    assert not running()


def test_a_query_that_needs_too_much_memory_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting what does not fit fails, and does not go on on disk."""
    monkeypatch.chdir(tmp_path)
    sql = ENDLESS.replace("count(*)", "c0.city, c1.city") + " ORDER BY c0.population * c1.population"
    with pytest.raises(UsageError, match="more than 32 MiB"):
        select(sql, seconds=60, memory_bytes=32 << 20)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_stops_the_query() -> None:
    """KeyboardInterrupt in the cell ends the query, long before its time is over, and leaves no thread behind."""
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            select(ENDLESS, seconds=200)
    finally:
        timer.cancel()
    assert not running()
    assert select("SELECT 1").rows == ((1,),)


def test_the_sources_that_were_read() -> None:
    """Only the tables that the statement names are read, and the result says which: they are what is cited."""
    assert select("SELECT 1").sources == ()
    assert select("SELECT count(*) FROM HEADS").sources == ("heads",)
    assert select("WITH a AS (SELECT * FROM cities) SELECT boss FROM a JOIN heads USING (region)").sources == (
        "cities",
        "heads",
    )


def test_the_result_is_cut_and_says_so() -> None:
    """No more rows are given than asked for, of a result of any size, without computing the rest."""
    found = select("SELECT a.city FROM cities a, cities b", rows=10)
    assert (found.n, found.cut, len(found.rows), len(found.texts)) == (10, True, 10, 10)
    whole = select("SELECT a.city FROM cities a, cities b", rows=36)
    assert (whole.n, whole.cut) == (36, False)
    assert select(ENDLESS.replace("count(*)", "c0.city"), rows=5).cut


def test_names_of_all_kinds() -> None:
    """Doubled, missing, odd and non-string names are told apart, on one line, and can be selected."""
    names = ["a", "A", "a", 3, None, "", 'say "x"', "two\nlines", ("up", "low"), "it's", "SELECT", "\ud800"]
    data = pd.DataFrame([range(len(names))], columns=pd.Index(names, dtype=object))
    (table,) = sql_tables([snapshot(data, "df")])
    told = [column.name for column in table.columns]
    assert told[:3] == ["a", "A (2)", "a (2) (2)"]
    assert told[5:9] == ["column", 'say "x"', "two lines", "up / low"]
    for place, name in enumerate(told):
        assert select(f"SELECT {quoted_name(name)} FROM df", data).rows == ((place,),)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(min_size=0, max_size=6), min_size=1, max_size=6))
@example(["é", "É", "ß", "SS", "ss"])
@example(["\x00", "\u2028", "\u0130", "i"])
@example(["pwd", "a"])
def test_any_names(names: list[str]) -> None:
    """Whatever columns and tables are called: each column is there, under a name of its own.

    A column that looks secret is not, unless the person named a whole frame so.
    """
    data = pd.DataFrame([range(len(names))], columns=pd.Index(names, dtype=object))
    sources = [snapshot(data, name) for name in dict.fromkeys(names)]
    found = sql_tables(sources)
    for table in found:  # none if all names look secret
        told = ", ".join(quoted_name(column.name) for column in table.columns)
        (row,) = run_select(f"SELECT {told} FROM {quoted_name(table.name)}", sources).rows
        whole = looks_secret(table.source.name)
        assert row == tuple(place for place, name in enumerate(names) if whole or not looks_secret(name))


class Unreadable:
    """An object that cannot be looked at."""

    def __repr__(self) -> str:
        raise RuntimeError


def test_cells_of_all_kinds() -> None:
    """Cells that SQL has no type for are texts; missing ones are NULL; moments are those of their zone's clock."""
    data = pd.DataFrame(
        {
            "mixed": [1, "x", Unreadable()],
            "nested": [[1, 2], {"a": 1}, None],
            "kind": pd.Categorical(["p", "q", None]),
            "zoned": pd.to_datetime(["2020-06-01 12:00", "2020-06-02 00:00", "NaT"]).tz_localize("Europe/Berlin"),
            "day": [dt.date(2020, 1, 1), dt.date(2020, 1, 2), None],
            "part": [0.5, float("nan"), 1.5],
            "paid": ["1,200", "$300", "-"],
            "yes": [True, False, True],
            "took": pd.to_timedelta([1, 2, None], unit="s"),
            "maybe": pd.array([1, None, 3], dtype="Int64"),
        },
        index=pd.Index([7, 7, 9], name="key"),
    )
    assert select("SELECT count(*), count(part), avg(part), sum(paid) FROM df", data).rows == ((3, 2, 1.0, 1500.0),)
    assert select("SELECT max(zoned) FROM df WHERE zoned < '2020-06-02'", data).rows == (
        (dt.datetime(2020, 6, 1, 12),),
    )
    assert select("SELECT kind, yes, maybe FROM df WHERE key = 7", data).rows == (("p", True, 1), ("q", False, None))
    texts = select("SELECT mixed, nested FROM df", data).rows
    assert texts == (("1", "[1, 2]"), ("x", '{"a": 1}'), ("<Unreadable>", None))
    assert select("SELECT max(day) FROM df", data).texts == (("2020-01-02",),)
    assert select("SELECT count(took) FROM df", data).rows == ((2,),)


def test_empty_tables() -> None:
    """A table without rows gives no rows; one without columns is no table."""
    assert select("SELECT sum(a), count(*) FROM df", pl.DataFrame({"a": pl.Series([], dtype=pl.Int64)})).rows == (
        (None, 0),
    )
    assert select("SELECT * FROM df", pd.DataFrame({"a": []})).rows == ()
    with pytest.raises(UsageError, match="there is none"):
        select("SELECT * FROM df", pd.DataFrame())
    assert run_select("SELECT 1 + 1", []).rows == ((2,),)


def test_secret_columns_are_not_there() -> None:
    """What a snapshot leaves out cannot be selected."""
    data = pd.DataFrame({"user": ["ann"], "password": ["hunter2"]})
    assert "hunter2" not in str(select("SELECT * FROM df", data))
    with pytest.raises(UsageError, match="password"):
        select("SELECT password FROM df", data)


@pytest.mark.parametrize("library", sorted(MAKERS))
def test_rows_of_totals_are_not_counted(library: str) -> None:
    """As in every computation, the row of totals at the end is no row, and this is said."""
    data = MAKERS[library]({"team": ["A-Town", "Bay", "Cove", "Dale", "Total"], "points": [3, 5, 0, 0, 8]})
    found = select("SELECT sum(points) FROM df", data)
    assert found.rows == ((8,),)
    assert [note.code for note in found.notes] == ["totals"]
    assert "5 (Total)" in found.notes[0].text


def test_the_frame_is_left_alone() -> None:
    """Reading a frame changes nothing in it, and what changes later does not change the snapshot."""
    data = pd.DataFrame(CITIES)
    held = snapshot(data, "df")
    before = data.copy()
    run_select("SELECT * FROM df", [held])
    pd.testing.assert_frame_equal(data, before)
    data["population"] = 0
    assert run_select("SELECT max(population) FROM df", [held]).rows == ((980_000,),)


def test_polars_without_pyarrow() -> None:
    """polars alone is enough; DuckDB would ask for pyarrow if it saw that this is polars."""
    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import polars as pl\n"
        "from jupyter_localllm.compute.sql import run_select\n"
        "from jupyter_localllm.sources.frame import FrameKind\n"
        "held = FrameKind().snapshot(pl.DataFrame({'a': [1, 2], 'b': ['x', None]}), 'df')\n"
        "print(run_select('SELECT sum(a), count(b) FROM df', [held]).rows)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "((3, 1),)", done.stderr


def test_without_duckdb(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is missing, the error names what to install."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(DependencyMissing, match=r"pip install 'jupyter_localllm\[sql\]'"):
        select("SELECT 1")


def test_a_passage_of_one_figure() -> None:
    """One cell is told as a statement, with the SQL as the operation and the figure as the value."""
    sql = "SELECT avg(population) -- of all\nFROM cities;"
    passage = sql_passage(sql, select(sql), ["cities"])
    assert passage.kind == "computed"
    assert passage.text == "SELECT avg(population) FROM cities = 251366.666667 (1 row)"
    assert passage.locator.operation == "SELECT avg(population) FROM cities"
    assert passage.value == "251366.666667"
    assert passage.source == "cities"
    assert passage.shown == (("avg(population)",), ("251366.666667",))


def test_a_passage_of_several_rows() -> None:
    """More than one cell is a small table; what does not fit in it is counted."""
    sql = "SELECT region, max(population) AS most FROM cities GROUP BY ALL ORDER BY 1"
    passage = sql_passage(sql, select(sql), ["cities", "heads"])
    assert passage.text.endswith(
        "| region | most |\n| --- | --- |\n| east | 45500 |\n| north | 980000 |\n| south | 45500 |"
    )
    assert "gives 3 rows" in passage.text
    assert passage.source == "cities, heads"
    assert passage.shown[1] == ("east", "45500")
    many = select("SELECT a.city FROM cities a, cities b", rows=20)
    text = sql_passage("SELECT a.city FROM cities a, cities b", many, ["cities"]).text
    assert "The first 12 of more than 20 rows stand here." in text


def test_a_passage_of_nothing() -> None:
    """No rows, and NULL, are said as such."""
    none = "SELECT city FROM cities WHERE population < 0"
    assert sql_passage(none, select(none), ["cities"]).text == f"{none} gives no rows"
    null = "SELECT max(city) FROM cities WHERE population < 0"
    passage = sql_passage(null, select(null), ["cities"])
    assert passage.text == f"{null} = NULL (1 row)"
    assert passage.value == ""


def test_the_hash_is_of_statement_and_result() -> None:
    """The same SQL over the same data has the same hash; other data or other SQL another one."""
    sql = "SELECT max(population) FROM df"
    data = pd.DataFrame(CITIES)
    first, again = (sql_passage(sql, select(sql, data), ["df"]).sha256 for _ in range(2))
    changed = sql_passage(sql, select(sql, data.assign(population=1)), ["df"]).sha256
    other = sql_passage(sql + " ", select(sql.replace("max", "min"), data), ["df"]).sha256
    assert first == again
    assert len({first, changed, other}) == 3


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("SELECT  1\n\t+ 2 ;\n", "SELECT 1 + 2"),
        ("SELECT '  -- kept ' /* gone */ , \"two  words\"", "SELECT '  -- kept ' , \"two  words\""),
        ("SELECT 'é日本' -- ü\n, 'it''s;'", "SELECT 'é日本' , 'it''s;'"),
        ("SELECT city--c\nFROM cities", "SELECT city FROM cities"),
    ],
)
def test_a_statement_on_one_line(sql: str, line: str) -> None:
    """Comments and line breaks go, quoted texts stay as they are: the line means the same."""
    assert one_line(sql) == line
