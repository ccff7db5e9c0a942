"""Sources in other shapes than a tidy pandas frame, each with one question whose answer and place are known."""

# ruff: noqa: RUF001 (other languages, and characters that look like others, are what this is about)

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["SHAPES", "Shape"]


@dataclass(frozen=True)
class Shape:
    """A source and a question.

    Parameters
    ----------
    name : str
    make : callable
        Gives the source; raises ModuleNotFoundError where its library is not installed.
    question : str
    gold : str
        What the answer must hold; empty: it must be refused with a clear word, or abstained from.
    rows : tuple of int or None
        The cited row, if the source has rows.
    path : str or None
        What the cited JSON pointer must begin with.
    """

    name: str
    make: Callable[[], Any]
    question: str
    gold: str
    rows: tuple[int, ...] | None = None
    path: str | None = None


def _pd() -> Any:
    import pandas

    return pandas


_CITY = ["Aldmoor", "Bexley", "Corvin", "Dunmere"]
_POP = [5120, 870, 33400, 12080]
_MAYOR = ["Ida Stone", "Per Lund", "Ana Reyes", "Kofi Mensah"]


def _towns(**more: Any) -> Any:
    return _pd().DataFrame({"City": _CITY, "Population": _POP, "Mayor": _MAYOR, **more})


def _renamed(names: list[Any]) -> Any:
    frame = _towns()
    frame.columns = names
    return frame


def _team_years() -> Any:
    teams = ["Reds", "Blues", "Reds", "Blues", "Reds", "Blues"]
    return _pd().DataFrame(
        {"Year": [2001, 2001, 2002, 2002, 2003, 2003], "Team": teams, "Wins": [31, 17, 28, 44, 9, 52]}
    )


def _multi_index() -> Any:
    return _team_years().set_index(["Year", "Team"])


def _multi_columns() -> Any:
    pd = _pd()
    columns = pd.MultiIndex.from_tuples([("sales", "2020"), ("sales", "2021"), ("costs", "2020"), ("costs", "2021")])
    return pd.DataFrame([[10, 21, 7, 8], [33, 46, 15, 19]], index=["north", "south"], columns=columns)


def _polars() -> Any:
    import polars

    return polars.DataFrame({"City": _CITY, "Population": _POP, "Mayor": _MAYOR})


def _arrow() -> Any:
    import pyarrow  # type: ignore[import-untyped]

    return pyarrow.table({"City": _CITY, "Population": _POP, "Mayor": _MAYOR})


def _duckdb() -> Any:
    import duckdb

    values = ", ".join(f"('{c}', {p}, '{m}')" for c, p, m in zip(_CITY, _POP, _MAYOR, strict=True))
    return duckdb.sql(f"select * from (values {values}) t(City, Population, Mayor)")


def _numpy() -> Any:
    import numpy as np

    return np.array([[3.5, 7.25, 1.0], [8.0, 2.5, 9.75]])


def _records() -> list[dict[str, Any]]:
    return [{"City": c, "Population": p, "Mayor": m} for c, p, m in zip(_CITY, _POP, _MAYOR, strict=True)]


def _dataclass() -> Any:
    made = dataclasses.make_dataclass("Boat", [("name", str), ("length_m", float), ("owner", str)])
    return [made("Petrel", 9.4, "Ida Stone"), made("Gannet", 12.1, "Per Lund")]


def _zoned() -> Any:
    pd = _pd()
    when = pd.to_datetime(["2024-03-01 08:00", "2024-03-02 09:30", "2024-03-03 10:45"]).tz_localize("Europe/Berlin")
    return pd.DataFrame({"station": ["Kiel", "Jena", "Ulm"], "measured": when, "value": [1.5, 2.5, 3.5]})


def _wide() -> Any:
    return _pd().DataFrame({f"sensor_{i:03d}": [i * 1.5, i * 2.5] for i in range(400)}, index=["morning", "evening"])


def _tall() -> Any:
    n = 20_000
    return _pd().DataFrame(
        {"part": [f"P{i:05d}" for i in range(n)], "price": [round(i * 0.37 + 1, 2) for i in range(n)]}
    )


def _nested() -> dict[str, Any]:
    return {
        "server": {"host": "bergamot.example", "port": 8443, "limits": {"max_users": 350}},
        "teams": [{"name": "Otters", "captain": "Lia"}, {"name": "Herons", "captain": "Bram"}],
    }


def _self_referring() -> Any:
    loop: dict[str, Any] = {"colour": "teal"}
    loop["self"] = loop
    return loop


SHAPES: tuple[Shape, ...] = (
    Shape("tidy", _towns, "What is the Population of Corvin?", "33400", (2,)),
    Shape(
        "columns 2019, 2020 (int)",
        lambda: _pd().DataFrame({"Town": _CITY, 2019: [1, 2, 3, 4], 2020: [51, 62, 73, 84]}),
        "What is the 2020 of Bexley?",
        "62",
        (1,),
    ),
    Shape("columns 0, 1, 2 (int)", lambda: _renamed([0, 1, 2]), "What is the 2 of Corvin?", "Ana Reyes", (2,)),
    Shape("columns of floats", lambda: _renamed([0.5, 1.5, 2.5]), "2.5 of Dunmere?", "Kofi Mensah", (3,)),
    Shape(
        "columns of dates",
        lambda: _pd().DataFrame(
            [[4, 8], [15, 16]], index=["ants", "bees"], columns=_pd().to_datetime(["2024-01-01", "2024-02-01"])
        ),
        "How many bees on 2024-02-01?",
        "16",
        (1,),
    ),
    Shape("column None", lambda: _renamed(["City", None, "Mayor"]), "Who is the Mayor of Bexley?", "Per Lund", (1,)),
    Shape(
        "column empty name", lambda: _renamed(["City", "", "Mayor"]), "Who is the Mayor of Bexley?", "Per Lund", (1,)
    ),
    Shape(
        "duplicate column names",
        lambda: _renamed(["City", "City", "Mayor"]),
        "Who is the Mayor of Aldmoor?",
        "Ida Stone",
        (0,),
    ),
    Shape(
        "duplicate names, both numbers",
        lambda: _pd().DataFrame([["a1", 3, 4], ["b2", 5, 6]], columns=["id", "x", "x"]),
        "What are the values of x for b2?",
        "5",
        (1,),
    ),
    Shape(
        "names with newlines",
        lambda: _renamed(["City", "Population\n(2011)", "Mayor"]),
        "What is the Population (2011) of Bexley?",
        "870",
        (1,),
    ),
    Shape(
        "snake_case names",
        lambda: _renamed(["city_name", "total_population", "current_mayor"]),
        "What is the current mayor of Corvin?",
        "Ana Reyes",
        (2,),
    ),
    Shape(
        "camelCase names",
        lambda: _renamed(["cityName", "totalPopulation", "currentMayor"]),
        "total population of Dunmere",
        "12080",
        (3,),
    ),
    Shape(
        "abbreviated names", lambda: _renamed(["city", "pop.", "mayor"]), "What is the pop. of Aldmoor?", "5120", (0,)
    ),
    Shape("names in Chinese", lambda: _renamed(["城市", "人口", "市长"]), "Corvin的人口是多少？", "33400", (2,)),
    Shape(
        "names in German, umlauts",
        lambda: _renamed(["Stadt", "Einwohnerzahl", "Bürgermeister"]),
        "Wer ist Bürgermeister von Dunmere?",
        "Kofi Mensah",
        (3,),
    ),
    Shape("two keys (Year + Team)", _team_years, "How many Wins did the Blues have in 2002?", "44", (3,)),
    Shape("two keys, turned", _team_years, "2003 Reds wins", "9", (4,)),
    Shape("MultiIndex of rows", _multi_index, "How many Wins did the Blues have in 2003?", "52", (5,)),
    Shape("MultiIndex of columns", _multi_columns, "What were the sales of south in 2021?", "46", (1,)),
    Shape("key in the index", lambda: _towns().set_index("City"), "What is the Population of Bexley?", "870", (1,)),
    Shape(
        "index of dates",
        lambda: _pd().DataFrame({"rain_mm": [2.5, 0.0, 11.75]}, index=_pd().date_range("2024-05-01", periods=3)),
        "What was the rain_mm on 2024-05-03?",
        "11.75",
        (2,),
    ),
    Shape("index not from 0", lambda: _towns().iloc[2:], "What is the Population of Dunmere?", "12080", (1,)),
    Shape("duplicate index", lambda: _towns().set_axis([7, 7, 7, 7]), "Who is the Mayor of Corvin?", "Ana Reyes", (2,)),
    Shape(
        "keys of other types (mixed)",
        lambda: _pd().DataFrame({"id": [1, "two", 3.0, None], "colour": ["red", "green", "blue", "grey"]}),
        "What is the colour of two?",
        "green",
        (1,),
    ),
    Shape(
        "missing cells", lambda: _towns(Area=[12.5, None, 30.25, None]), "What is the Area of Corvin?", "30.25", (2,)
    ),
    Shape("missing cell asked for", lambda: _towns(Area=[12.5, None, 30.25, None]), "What is the Area of Bexley?", ""),
    Shape(
        "categorical",
        lambda: _towns(Region=_pd().Categorical(["north", "south", "north", "east"])),
        "Which Region is Dunmere in?",
        "east",
        (3,),
    ),
    Shape("booleans", lambda: _towns(Coastal=[True, False, True, False]), "How many rows are Coastal True?", "2"),
    Shape("dates with a zone", _zoned, "When was Jena measured?", "2024-03-02", (1,)),
    Shape(
        "numbers as text",
        lambda: _towns(Budget=["1,250", "980", "44,100", "7,300"]),
        "What is the maximum Budget?",
        "44100",
        (2,),
    ),
    Shape(
        "numbers with units",
        lambda: _towns(Length=["12 km", "7.5 km", "30 km", "18 km"]),
        "What is the Length of Bexley?",
        "7.5",
        (1,),
    ),
    Shape("money", lambda: _towns(Tax=["$1.5", "$20.25", "$3", "$4"]), "What is the Tax of Bexley?", "20.25", (1,)),
    Shape("one row", lambda: _towns().head(1), "What is the Population of Aldmoor?", "5120", (0,)),
    Shape("one column", lambda: _towns()[["Mayor"]], "How many rows are there?", "4"),
    Shape("empty frame", lambda: _towns().head(0), "What is the Population of Aldmoor?", ""),
    Shape("no columns", lambda: _pd().DataFrame(index=[1, 2]), "What is the Population?", ""),
    Shape("400 columns", _wide, "What is sensor_123 in the evening?", "307.5", (1,)),
    Shape("20,000 rows", _tall, "What is the price of P12345?", "4568.65", (12_345,)),
    Shape(
        "long cells",
        lambda: _towns(Notes=["word " * 500, "short", "more " * 800, "x"]),
        "What are the Notes of Bexley?",
        "short",
        (1,),
    ),
    Shape(
        "lists in cells",
        lambda: _towns(Twins=[["Lugo"], ["Brno", "Turku"], [], ["Pau"]]),
        "What are the Twins of Bexley?",
        "Turku",
        (1,),
    ),
    Shape(
        "keys with marks",
        lambda: _pd().DataFrame({"Song": ["Alpha [1]", "Beta [2]", "Gamma"], "Plays": [11, 22, 35]}),
        "Plays of Beta [2]?",
        "22",
        (1,),
    ),
    Shape(
        "keys with Markdown",
        lambda: _pd().DataFrame({"Song": ["*Alpha*", "_Beta_ | x", "<b>Gamma</b>"], "Plays": [11, 22, 35]}),
        "Plays of _Beta_ | x?",
        "22",
        (1,),
    ),
    Shape(
        "keys that hold each other",
        lambda: _pd().DataFrame({"Name": ["Ann", "Ann Lee", "Ann Lee Ray"], "Score": [71, 82, 93]}),
        "What is the Score of Ann Lee?",
        "82",
        (1,),
    ),
    Shape(
        "keys that are columns' names",
        lambda: _pd().DataFrame({"Name": ["Score", "Rank", "Zed"], "Score": [71, 82, 93], "Rank": [3, 2, 1]}),
        "What is the Score of Rank?",
        "82",
        (1,),
    ),
    Shape(
        "Series with index",
        lambda: _pd().Series(_POP, index=_CITY, name="Population"),
        "What is the Population of Bexley?",
        "870",
        (1,),
    ),
    Shape(
        "Series without a name",
        lambda: _pd().Series([5.5, 6.5, 9.25], index=["x", "y", "z"]),
        "What is the value of z?",
        "9.25",
        (2,),
    ),
    Shape("Series, statistic", lambda: _pd().Series([5.0, 6.0, 10.0], name="speed"), "What is the mean speed?", "7"),
    Shape("polars", _polars, "What is the Population of Corvin?", "33400", (2,)),
    Shape("polars, statistic", _polars, "What is the sum of Population?", "51470"),
    Shape("pyarrow", _arrow, "Who is the Mayor of Dunmere?", "Kofi Mensah", (3,)),
    Shape("DuckDB", _duckdb, "Who is the Mayor of Bexley?", "Per Lund", (1,)),
    Shape("numpy array", _numpy, "What is the maximum?", "9.75"),
    Shape("list of records", _records, "What is the Population of Bexley?", "870", None, "/1"),
    Shape(
        "dict of columns",
        lambda: {"City": _CITY, "Population": _POP},
        "Which cities are in City?",
        "Corvin",
        None,
        "/City",
    ),
    Shape(
        "dict of records",
        lambda: {r["City"]: r for r in _records()},
        "Who is the Mayor of Corvin?",
        "Ana Reyes",
        None,
        "/Corvin",
    ),
    Shape("nested dict", _nested, "What is the port of the server?", "8443", None, "/server"),
    Shape("nested list in a dict", _nested, "Who is the captain of the Herons?", "Bram", None, "/teams/1"),
    Shape("dataclasses", _dataclass, "What is the length_m of Gannet?", "12.1", None, "/1"),
    Shape("dict that holds itself", _self_referring, "What is the colour?", "teal"),
    Shape("generator", lambda: (i for i in range(3)), "What is the sum?", ""),
)
