"""A model writes SELECTs that run, and that name nothing but what is there."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from jupyter_localllm.compute.sql import run_select
from jupyter_localllm.compute.sql_grammar import select_grammar, select_question
from jupyter_localllm.constrain import Grammar
from jupyter_localllm.errors import UsageError
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from jupyter_localllm.sources.secrets import looks_secret
from tests.compute.tables import CITIES, snapshot
from tests.constrain.vocabularies import TINY, of_pieces

pytest.importorskip("duckdb")
pytest.importorskip("llguidance")

WORDS = [
    b"SELECT ",
    b" FROM ",
    b" WHERE ",
    b'"city"',
    b"sum(",
    b"count(*)",
    b" AND ",
    b" GROUP BY ALL",
    b" HAVING ",
    b" ORDER BY ",
]
SQLISH = of_pieces([*(bytes([byte]) for byte in range(255)), *WORDS], "sqlish")
LONGEST = 2_500


def campaign(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def tables() -> list[FrameSnapshot]:
    """Two tables that hold every kind of column."""
    more: dict[str, Any] = {
        "opened": pd.to_datetime(["2020-02-29", "NaT", "2021-01-01", "1999-12-31", "2020-01-01", "2020-01-02"]),
        "port": [True, False, True, True, False, False],
        "paid": ["1,200", "300", "-", "7", "8", "9"],
        "since": ["2 May 2006", "14 March 2004", "1999", "2001", "2002", "2003"],
    }
    heads = pl.DataFrame(
        {"Region": ["north", 'so"uth', "it's", None], "day": [dt.date(2020, 1, 1)] * 4, "n": [1, 2, 3, 4]}
    )
    return [snapshot(pd.DataFrame({**CITIES, **more})), snapshot(heads, 'he"ads')]


def write(grammar: Grammar, seed: int, going_on: float) -> str | None:
    """What a model with random logits writes; None if it finds no end."""
    matcher, rng, text = grammar.start(SQLISH), np.random.default_rng(seed), b""
    while len(text) < LONGEST:
        logits = rng.gumbel(size=len(SQLISH.tokens)).astype(np.float32)
        logits[0] -= going_on  # the end
        logits[SQLISH.tokens.index(b"'")] += 3.0
        matcher.restrict(logits)
        token = int(logits.argmax())
        assert logits[token] > -np.inf
        if token == 0:
            assert matcher.trouble == ""
            return text.decode()
        matcher.advance(token)
        text += SQLISH.tokens[token]
    return None


def accepts(grammar: Grammar, text: str) -> bool:
    """Whether this can be written, byte by byte, and be the whole answer."""
    matcher = grammar.start(TINY)
    for byte in text.encode():
        token = TINY.tokens.index(bytes([byte]))
        if not matcher.allows(token):
            return False
        matcher.advance(token)
    return matcher.allows(2)


@campaign(120)
@given(seed=st.integers(0, 2**32 - 1), going_on=st.sampled_from([0.0, 3.0, 8.0]))
def test_whatever_is_written_runs(seed: int, going_on: float) -> None:
    """Under random logits: each finished sentence is one SELECT that DuckDB reads, binds and runs over the tables."""
    sources = tables()
    sql = write(select_grammar(sources), seed, going_on)
    if sql is not None:
        run_select(sql, sources)


def test_most_sentences_end_and_use_all_clauses() -> None:
    """The campaign above is no empty promise: sentences end, and have conditions, groups, orders, limits and joins."""
    sources = tables()
    grammar = select_grammar(sources)
    written = [write(grammar, seed, 8.0) for seed in range(160)]
    ended = [sql for sql in written if sql is not None]
    assert len(ended) > 80
    for word in ("WHERE", "GROUP BY ALL", "HAVING", "ORDER BY", "LIMIT", "JOIN", "DISTINCT", "NOT", "ILIKE"):
        assert any(word in sql for sql in ended), word


NAMES = st.text(st.characters(codec="utf-8"), max_size=5)


@campaign(40)
@given(
    columns=st.dictionaries(NAMES, st.lists(NAMES, min_size=2, max_size=2), min_size=1, max_size=3),
    name=NAMES,
    seed=st.integers(0, 2**32 - 1),
)
def test_any_names_and_values(columns: dict[str, list[str]], name: str, seed: int) -> None:
    """Whatever stands in names and cells, quotes and backslashes among them: the sentence is one SELECT."""
    assume(not all(map(looks_secret, columns)))
    sources = [snapshot(pd.DataFrame(columns), name), snapshot(pd.DataFrame(columns), f"{name}x")]
    sql = write(select_grammar(sources), seed, 3.0)
    if sql is not None:
        run_select(sql, sources)


WANTED = [
    'SELECT count(*) FROM "cities"',
    'SELECT avg("population") FROM "cities" WHERE "region" = \'north\'',
    'SELECT "city" FROM "cities" ORDER BY "population" DESC LIMIT 1',
    'SELECT "city", "mayor" FROM "cities" WHERE "population" >= 45500 AND NOT ("founded" < 1800 OR "area_km2" > 12.5)',
    'SELECT "region", count(*), max("area_km2") FROM "cities" GROUP BY ALL HAVING count(*) > 1 ORDER BY count(*) DESC',
    'SELECT count(DISTINCT "region") FROM "cities"',
    'SELECT * FROM "cities" WHERE "mayor" ILIKE \'%berg%\'',
    'SELECT "city" FROM "cities" WHERE "opened" = \'2020-02-29\' OR "opened" > \'2000-12-31\'',
    'SELECT "city" FROM "cities" WHERE "since" < \'2004\'',
    'SELECT "city" FROM "cities" WHERE "port" = true AND "opened" IS NOT NULL',
    'SELECT sum("paid") FROM "cities"',
    'SELECT min("day") FROM "he""ads" WHERE "Region" = \'so"uth\' OR "Region" <> \'it\'\'s\'',
    'SELECT sum("he""ads"."n") FROM "cities" JOIN "he""ads" ON "cities"."region" = "he""ads"."Region"'
    ' WHERE "cities"."city" = \'Arlen\'',
]


@pytest.mark.parametrize("sql", WANTED)
def test_what_people_ask_can_be_written(sql: str) -> None:
    """Filters, groups, superlatives, dates and joins have a sentence, and it runs."""
    sources = tables()
    assert accepts(select_grammar(sources), sql)
    assert run_select(sql, sources).n


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT "nope" FROM "cities"',
        'SELECT "Region" FROM "cities"',
        'SELECT "city" FROM "he""ads"',
        'SELECT "city" FROM "heads"',
        'SELECT "city" FROM "cities" WHERE "region" = \'west\'',
        'SELECT "city" FROM "cities" WHERE "n" = 1',
        'SELECT "city" FROM "cities" WHERE "population" = \'x\'',
        'SELECT "city" FROM "cities" WHERE "opened" > \'2021-02-29\'',
        'SELECT "city" FROM "cities" WHERE "opened" > \'0000-01-01\'',
        'SELECT sum("city") FROM "cities"',
        'SELECT "city", count(*) FROM "cities"',
        'SELECT count(*) FROM "cities"; DROP VIEW "cities"',
        "SELECT * FROM read_csv('/etc/passwd')",
        'SELECT getenv("city") FROM "cities"',
        "SELECT",
        "",
    ],
)
def test_what_is_not_there_cannot_be_written(sql: str) -> None:
    """Other columns, other tables, other values, other functions and other statements have no sentence."""
    assert not accepts(select_grammar(tables()), sql)


@pytest.mark.parametrize(
    ("date", "there"),
    [("2000-02-29", True), ("1900-02-29", False), ("2024-02-29", True), ("2020-12-31", True), ("2021-04-31", False),
     ("1000-01-30", True), ("2010-10-10", True), ("2400-02-29", True), ("2100-02-29", False)],
)  # fmt: skip
def test_dates_are_those_of_the_calendar(date: str, there: bool) -> None:
    """A date that is none cannot be written, so no comparison fails on it."""
    grammar = select_grammar(tables())
    assert accepts(grammar, f'SELECT "city" FROM "cities" WHERE "opened" > \'{date}\'') is there


def test_many_values_are_any_text() -> None:
    """A column with more different values than can be listed is compared with any text."""
    sources = [snapshot(pd.DataFrame({"name": [f"n{i}" for i in range(500)]}), "df")]
    grammar = select_grammar(sources)
    assert accepts(grammar, "SELECT count(*) FROM \"df\" WHERE \"name\" = 'O''Neil'")
    assert run_select('SELECT count(*) FROM "df" WHERE "name" = \'n7\'', sources).rows == ((1,),)


def test_a_wide_table() -> None:
    """Of 2,000 columns, those that the question names are in the grammar, and those alone that fit."""
    data = pd.DataFrame({f"measure {i}": [i] for i in range(2_000)} | {"harbourDepth": [4]})
    grammar = select_grammar([snapshot(data, "df"), snapshot(data, "dg")], "how deep is the harbour?")
    assert accepts(grammar, 'SELECT max("harbourDepth") FROM "df"')
    assert accepts(grammar, 'SELECT max("measure 0") FROM "df"')
    assert not accepts(grammar, 'SELECT max("measure 1999") FROM "df"')


def test_many_tables() -> None:
    """Each of many tables can be asked, without a grammar too large to be used."""
    sources = [snapshot(pd.DataFrame(CITIES), f"cities_{i}") for i in range(12)]
    grammar = select_grammar(sources)
    assert accepts(grammar, 'SELECT max("population") FROM "cities_11"')


def test_no_table() -> None:
    """Without columns there is nothing to write."""
    with pytest.raises(UsageError, match="no table"):
        select_grammar([])
    with pytest.raises(UsageError, match="no table"):
        select_grammar([snapshot(pd.DataFrame(), "df")])


def test_what_the_model_is_asked() -> None:
    """It gets the names, types and first values and the question, under the grammar of the same tables."""
    sources = tables()
    messages, constraint = select_question("Which is the largest population?", sources)
    assert constraint == select_grammar(sources, "Which is the largest population?")
    assert [message.role for message in messages] == ["system", "user"]
    said = messages[1].content
    assert said.endswith("Question: Which is the largest population?\nSQL:")
    assert 'Table "cities", 6 rows:' in said
    assert '- "population" number: 120000, 45500' in said
    assert '- "port" truth' in said
    assert 'Table "he""ads"' in said


def test_the_same_tables_give_the_same_grammar() -> None:
    """The key in the cache is the same for the same tables, and another one for others."""
    assert select_grammar(tables()).key == select_grammar(tables()).key
    assert select_grammar(tables()).key != select_grammar(tables()[:1]).key
