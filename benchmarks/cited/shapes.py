"""Sources in other shapes than a tidy pandas frame, each with one question whose answer and place are known."""

# ruff: noqa: RUF001 (other languages, and characters that look like others, are what this is about)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.cited.shape_values import (
    CITY,
    POP,
    arrow_table,
    dataclasses_of_boats,
    duckdb_relation,
    multi_columns,
    multi_index,
    nested,
    numpy_array,
    pandas,
    polars_frame,
    records,
    renamed,
    self_referring,
    tall,
    team_years,
    towns,
    wide,
    zoned,
)

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


SHAPES: tuple[Shape, ...] = (
    Shape("tidy", towns, "What is the Population of Corvin?", "33400", (2,)),
    Shape(
        "columns 2019, 2020 (int)",
        lambda: pandas().DataFrame({"Town": CITY, 2019: [1, 2, 3, 4], 2020: [51, 62, 73, 84]}),
        "What is the 2020 of Bexley?",
        "62",
        (1,),
    ),
    Shape("columns 0, 1, 2 (int)", lambda: renamed([0, 1, 2]), "What is the 2 of Corvin?", "Ana Reyes", (2,)),
    Shape("columns of floats", lambda: renamed([0.5, 1.5, 2.5]), "2.5 of Dunmere?", "Kofi Mensah", (3,)),
    Shape(
        "columns of dates",
        lambda: pandas().DataFrame(
            [[4, 8], [15, 16]], index=["ants", "bees"], columns=pandas().to_datetime(["2024-01-01", "2024-02-01"])
        ),
        "How many bees on 2024-02-01?",
        "16",
        (1,),
    ),
    Shape("column None", lambda: renamed(["City", None, "Mayor"]), "Who is the Mayor of Bexley?", "Per Lund", (1,)),
    Shape("column empty name", lambda: renamed(["City", "", "Mayor"]), "Who is the Mayor of Bexley?", "Per Lund", (1,)),
    Shape(
        "duplicate column names",
        lambda: renamed(["City", "City", "Mayor"]),
        "Who is the Mayor of Aldmoor?",
        "Ida Stone",
        (0,),
    ),
    Shape(
        "duplicate names, both numbers",
        lambda: pandas().DataFrame([["a1", 3, 4], ["b2", 5, 6]], columns=["id", "x", "x"]),
        "What are the values of x for b2?",
        "5",
        (1,),
    ),
    Shape(
        "names with newlines",
        lambda: renamed(["City", "Population\n(2011)", "Mayor"]),
        "What is the Population (2011) of Bexley?",
        "870",
        (1,),
    ),
    Shape(
        "snake_case names",
        lambda: renamed(["city_name", "total_population", "current_mayor"]),
        "What is the current mayor of Corvin?",
        "Ana Reyes",
        (2,),
    ),
    Shape(
        "camelCase names",
        lambda: renamed(["cityName", "totalPopulation", "currentMayor"]),
        "total population of Dunmere",
        "12080",
        (3,),
    ),
    Shape(
        "abbreviated names", lambda: renamed(["city", "pop.", "mayor"]), "What is the pop. of Aldmoor?", "5120", (0,)
    ),
    Shape("names in Chinese", lambda: renamed(["城市", "人口", "市长"]), "Corvin的人口是多少？", "33400", (2,)),
    Shape(
        "names in German, umlauts",
        lambda: renamed(["Stadt", "Einwohnerzahl", "Bürgermeister"]),
        "Wer ist Bürgermeister von Dunmere?",
        "Kofi Mensah",
        (3,),
    ),
    Shape("two keys (Year + Team)", team_years, "How many Wins did the Blues have in 2002?", "44", (3,)),
    Shape("two keys, turned", team_years, "2003 Reds wins", "9", (4,)),
    Shape("MultiIndex of rows", multi_index, "How many Wins did the Blues have in 2003?", "52", (5,)),
    Shape("MultiIndex of columns", multi_columns, "What were the sales of south in 2021?", "46", (1,)),
    Shape("key in the index", lambda: towns().set_index("City"), "What is the Population of Bexley?", "870", (1,)),
    Shape(
        "index of dates",
        lambda: pandas().DataFrame({"rain_mm": [2.5, 0.0, 11.75]}, index=pandas().date_range("2024-05-01", periods=3)),
        "What was the rain_mm on 2024-05-03?",
        "11.75",
        (2,),
    ),
    Shape("index not from 0", lambda: towns().iloc[2:], "What is the Population of Dunmere?", "12080", (1,)),
    Shape("duplicate index", lambda: towns().set_axis([7, 7, 7, 7]), "Who is the Mayor of Corvin?", "Ana Reyes", (2,)),
    Shape(
        "keys of other types (mixed)",
        lambda: pandas().DataFrame({"id": [1, "two", 3.0, None], "colour": ["red", "green", "blue", "grey"]}),
        "What is the colour of two?",
        "green",
        (1,),
    ),
    Shape("missing cells", lambda: towns(Area=[12.5, None, 30.25, None]), "What is the Area of Corvin?", "30.25", (2,)),
    Shape("missing cell asked for", lambda: towns(Area=[12.5, None, 30.25, None]), "What is the Area of Bexley?", ""),
    Shape(
        "categorical",
        lambda: towns(Region=pandas().Categorical(["north", "south", "north", "east"])),
        "Which Region is Dunmere in?",
        "east",
        (3,),
    ),
    Shape("booleans", lambda: towns(Coastal=[True, False, True, False]), "How many rows are Coastal True?", "2"),
    Shape("dates with a zone", zoned, "When was Jena measured?", "2024-03-02", (1,)),
    Shape(
        "numbers as text",
        lambda: towns(Budget=["1,250", "980", "44,100", "7,300"]),
        "What is the maximum Budget?",
        "44100",
        (2,),
    ),
    Shape(
        "numbers with units",
        lambda: towns(Length=["12 km", "7.5 km", "30 km", "18 km"]),
        "What is the Length of Bexley?",
        "7.5",
        (1,),
    ),
    Shape("money", lambda: towns(Tax=["$1.5", "$20.25", "$3", "$4"]), "What is the Tax of Bexley?", "20.25", (1,)),
    Shape("one row", lambda: towns().head(1), "What is the Population of Aldmoor?", "5120", (0,)),
    Shape("one column", lambda: towns()[["Mayor"]], "How many rows are there?", "4"),
    Shape("empty frame", lambda: towns().head(0), "What is the Population of Aldmoor?", ""),
    Shape("no columns", lambda: pandas().DataFrame(index=[1, 2]), "What is the Population?", ""),
    Shape("400 columns", wide, "What is sensor_123 in the evening?", "307.5", (1,)),
    Shape("20,000 rows", tall, "What is the price of P12345?", "4568.65", (12_345,)),
    Shape(
        "long cells",
        lambda: towns(Notes=["word " * 500, "short", "more " * 800, "x"]),
        "What are the Notes of Bexley?",
        "short",
        (1,),
    ),
    Shape(
        "lists in cells",
        lambda: towns(Twins=[["Lugo"], ["Brno", "Turku"], [], ["Pau"]]),
        "What are the Twins of Bexley?",
        "Turku",
        (1,),
    ),
    Shape(
        "keys with marks",
        lambda: pandas().DataFrame({"Song": ["Alpha [1]", "Beta [2]", "Gamma"], "Plays": [11, 22, 35]}),
        "Plays of Beta [2]?",
        "22",
        (1,),
    ),
    Shape(
        "keys with Markdown",
        lambda: pandas().DataFrame({"Song": ["*Alpha*", "_Beta_ | x", "<b>Gamma</b>"], "Plays": [11, 22, 35]}),
        "Plays of _Beta_ | x?",
        "22",
        (1,),
    ),
    Shape(
        "keys that hold each other",
        lambda: pandas().DataFrame({"Name": ["Ann", "Ann Lee", "Ann Lee Ray"], "Score": [71, 82, 93]}),
        "What is the Score of Ann Lee?",
        "82",
        (1,),
    ),
    Shape(
        "keys that are columns' names",
        lambda: pandas().DataFrame({"Name": ["Score", "Rank", "Zed"], "Score": [71, 82, 93], "Rank": [3, 2, 1]}),
        "What is the Score of Rank?",
        "82",
        (1,),
    ),
    Shape(
        "Series with index",
        lambda: pandas().Series(POP, index=CITY, name="Population"),
        "What is the Population of Bexley?",
        "870",
        (1,),
    ),
    Shape(
        "Series without a name",
        lambda: pandas().Series([5.5, 6.5, 9.25], index=["x", "y", "z"]),
        "What is the value of z?",
        "9.25",
        (2,),
    ),
    Shape("Series, statistic", lambda: pandas().Series([5.0, 6.0, 10.0], name="speed"), "What is the mean speed?", "7"),
    Shape("polars", polars_frame, "What is the Population of Corvin?", "33400", (2,)),
    Shape("polars, statistic", polars_frame, "What is the sum of Population?", "51470"),
    Shape("pyarrow", arrow_table, "Who is the Mayor of Dunmere?", "Kofi Mensah", (3,)),
    Shape("DuckDB", duckdb_relation, "Who is the Mayor of Bexley?", "Per Lund", (1,)),
    Shape("numpy array", numpy_array, "What is the maximum?", "9.75"),
    Shape("list of records", records, "What is the Population of Bexley?", "870", None, "/1"),
    Shape(
        "dict of columns",
        lambda: {"City": CITY, "Population": POP},
        "Which cities are in City?",
        "Corvin",
        None,
        "/City",
    ),
    Shape(
        "dict of records",
        lambda: {r["City"]: r for r in records()},
        "Who is the Mayor of Corvin?",
        "Ana Reyes",
        None,
        "/Corvin",
    ),
    Shape("nested dict", nested, "What is the port of the server?", "8443", None, "/server"),
    Shape("nested list in a dict", nested, "Who is the captain of the Herons?", "Bram", None, "/teams/1"),
    Shape("dataclasses", dataclasses_of_boats, "What is the length_m of Gannet?", "12.1", None, "/1"),
    Shape("dict that holds itself", self_referring, "What is the colour?", "teal"),
    Shape("generator", lambda: (i for i in range(3)), "What is the sum?", ""),
)
