"""Values in many shapes, made when they are asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = [
    "CITY",
    "POP",
    "arrow_table",
    "dataclasses_of_boats",
    "duckdb_relation",
    "multi_columns",
    "multi_index",
    "nested",
    "numpy_array",
    "pandas",
    "polars_frame",
    "records",
    "renamed",
    "self_referring",
    "tall",
    "team_years",
    "towns",
    "wide",
    "zoned",
]


def pandas() -> Any:
    """The package, where it is installed."""
    import pandas as found

    return found


CITY = ["Aldmoor", "Bexley", "Corvin", "Dunmere"]
POP = [5120, 870, 33400, 12080]
MAYOR = ["Ida Stone", "Per Lund", "Ana Reyes", "Kofi Mensah"]


def towns(**more: Any) -> Any:
    return pandas().DataFrame({"City": CITY, "Population": POP, "Mayor": MAYOR, **more})


def renamed(names: list[Any]) -> Any:
    frame = towns()
    frame.columns = names
    return frame


def team_years() -> Any:
    teams = ["Reds", "Blues", "Reds", "Blues", "Reds", "Blues"]
    return pandas().DataFrame(
        {"Year": [2001, 2001, 2002, 2002, 2003, 2003], "Team": teams, "Wins": [31, 17, 28, 44, 9, 52]}
    )


def multi_index() -> Any:
    return team_years().set_index(["Year", "Team"])


def multi_columns() -> Any:
    pd = pandas()
    columns = pd.MultiIndex.from_tuples([("sales", "2020"), ("sales", "2021"), ("costs", "2020"), ("costs", "2021")])
    return pd.DataFrame([[10, 21, 7, 8], [33, 46, 15, 19]], index=["north", "south"], columns=columns)


def polars_frame() -> Any:
    import polars

    return polars.DataFrame({"City": CITY, "Population": POP, "Mayor": MAYOR})


def arrow_table() -> Any:
    import pyarrow  # type: ignore[import-untyped]

    return pyarrow.table({"City": CITY, "Population": POP, "Mayor": MAYOR})


def duckdb_relation() -> Any:
    import duckdb

    values = ", ".join(f"('{c}', {p}, '{m}')" for c, p, m in zip(CITY, POP, MAYOR, strict=True))
    return duckdb.sql(f"select * from (values {values}) t(City, Population, Mayor)")


def numpy_array() -> Any:
    import numpy as np

    return np.array([[3.5, 7.25, 1.0], [8.0, 2.5, 9.75]])


def records() -> list[dict[str, Any]]:
    return [{"City": c, "Population": p, "Mayor": m} for c, p, m in zip(CITY, POP, MAYOR, strict=True)]


def dataclasses_of_boats() -> Any:
    made = dataclasses.make_dataclass("Boat", [("name", str), ("length_m", float), ("owner", str)])
    return [made("Petrel", 9.4, "Ida Stone"), made("Gannet", 12.1, "Per Lund")]


def zoned() -> Any:
    pd = pandas()
    when = pd.to_datetime(["2024-03-01 08:00", "2024-03-02 09:30", "2024-03-03 10:45"]).tz_localize("Europe/Berlin")
    return pd.DataFrame({"station": ["Kiel", "Jena", "Ulm"], "measured": when, "value": [1.5, 2.5, 3.5]})


def wide() -> Any:
    return pandas().DataFrame({f"sensor_{i:03d}": [i * 1.5, i * 2.5] for i in range(400)}, index=["morning", "evening"])


def tall() -> Any:
    n = 20_000
    return pandas().DataFrame(
        {"part": [f"P{i:05d}" for i in range(n)], "price": [round(i * 0.37 + 1, 2) for i in range(n)]}
    )


def nested() -> dict[str, Any]:
    return {
        "server": {"host": "bergamot.example", "port": 8443, "limits": {"max_users": 350}},
        "teams": [{"name": "Otters", "captain": "Lia"}, {"name": "Herons", "captain": "Bram"}],
    }


def self_referring() -> Any:
    loop: dict[str, Any] = {"colour": "teal"}
    loop["self"] = loop
    return loop
