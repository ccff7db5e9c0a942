"""Questions for the most and the least over tables whose columns are named by common words, and pandas' answers.

What is asked for, what is compared, ties, missing cells, negative numbers, units, two columns of dates. The answers are
computed here, by functions that know nothing of how questions are read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["QUESTIONS", "TABLES", "answer", "normal"]

_NAN = float("nan")


def _days(*texts: str | None) -> Any:
    return pd.to_datetime(list(texts))


TABLES: dict[str, pd.DataFrame] = {
    "weather": pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=6),
            "night": [-3.0, -5.5, -5.5, -1.0, _NAN, -2.0],
            "high": [4.0, 2.0, 1.0, 6.0, 6.0, 3.0],
            "low": [-1.0, -4.0, -2.0, 0.0, 1.0, -3.0],
            "rain": [0.0, 2.5, 0.0, 8.0, _NAN, 1.0],
            "wind": [12, 30, 7, 22, 30, 15],
        }
    ),
    "weekdays": pd.DataFrame(
        {
            "day": ["Mon", "Tue", "Wed", "Thu", "Fri"],
            "night": [3, 1, 1, 5, 4],
            "high": [12, 14, 11, 15, 10],
            "low": [2, 1, 0, 3, 1],
            "wind": [10, 30, 20, 25, 15],
        }
    ),
    "seasons": pd.DataFrame(
        {
            "city": ["Arlen", "Bredo", "Corvin", "Dahl"],
            "date": pd.date_range("2024-05-01", periods=4),
            "day": [13.5, 21.0, 11.0, 14.0],
            "night": [3.5, 1.0, 1.0, 4.0],
        }
    ),
    "sales": pd.DataFrame(
        {
            "order": [101, 102, 103, 104, 105],
            "customer": ["Ash", "Birch", "Fir", "Cedar", "Dune"],
            "ordered": _days("2024-03-01", "2024-03-04", "2024-02-11", "2024-03-09", "2024-03-09"),
            "shipped": _days("2024-03-05", "2024-03-06", "2024-03-20", "2024-03-10", None),
            "count": [3, 12, 7, 12, 1],
            "rate": [0.1, 0.25, 0.2, 0.05, 0.25],
            "total": ["$1,200", "$300", "$950", "$1,200", "$80"],
        }
    ),
    "staff": pd.DataFrame(
        {
            "name": ["Ida", "Per", "Ada", "Jon", "Eva"],
            "team": ["red", "blue", "red", "blue", "green"],
            "rank": [3, 1, 2, 5, 4],
            "hired": _days("2015-02-01", "2012-06-15", "2019-09-01", "2012-06-15", "2021-01-10"),
            "left": _days("2020-01-01", None, None, "2018-05-05", "2023-03-03"),
            "salary": [4100.0, 5200.0, _NAN, 3900.0, 5200.0],
            "leave": [12, 30, 25, 30, 8],
            "age": [41, 58, 33, 58, 27],
        }
    ),
    "cities": pd.DataFrame(
        {
            "name": ["Arlen", "Bredo", "Corvin", "Dahl", "Esk"],
            "country": ["Norra", "Sudra", "Norra", "Ostra", "Sudra"],
            "population": [120_000, 45_500, 980_000, 45_500, 7_200],
            "area (km2)": [80.5, 12.25, 400.0, 33.0, 5.5],
            "top": [310, 1200, 45, 1200, 800],
            "mean": [9.5, 14.0, -1.0, -4.0, 14.0],
        }
    ),
    "sensors": pd.DataFrame(
        {
            "sensor": ["s1", "s2", "s3", "s4"],
            "room": ["hall", "cellar", "kitchen", "attic"],
            "min": [-4, -9, -9, 2],
            "mean": [3.5, 1.0, 2.0, 9.0],
            "max": [11, 8, 14, 14],
            "count": [40.0, 10.0, _NAN, 40.0],
            "rate": ["5 Hz", "20 Hz", "1 Hz", "10 Hz"],
            "first": _days("2023-01-01", "2022-05-05", "2023-02-02", "2022-05-05"),
            "last": _days("2024-01-01", "2023-05-05", "2024-02-02", "2024-02-02"),
        }
    ),
    "exams": pd.DataFrame(
        {
            "student": ["Ann", "Bob", "Cid", "Dot", "Eli"],
            "first": [71, 88, 88, 60, 54],
            "last": [80.0, 62.0, 90.0, 90.0, _NAN],
            "total": [151, 150, 178, 150, 54],
            "absent": [0, 3, 0, 7, 2],
            "age": [14, 15, 14, 13, 15],
        }
    ),
    "prices": pd.DataFrame(
        {
            "date": pd.date_range("2024-06-03", periods=4),
            "open": [10.0, 12.0, 11.5, 11.5],
            "high": [13.0, 14.0, 12.0, 14.0],
            "low": [9.0, 11.5, 10.0, 9.0],
            "close": [12.0, 11.5, 11.5, 13.0],
            "volume": [500, 900, 900, 300],
        }
    ),
}


def normal(cell: Any) -> str:
    """A cell or a result in one form: numbers without units and trailing zeros, dates without the time."""
    text = str(cell).removesuffix(" 00:00:00")
    try:
        return f"{float(text.replace('$', '').replace(',', '').removesuffix(' Hz')):g}"
    except ValueError:
        return text


def _numbers(column: Any) -> Any:
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    return column.str.replace(r"[^\d.-]", "", regex=True).astype(float)


def answer(table: pd.DataFrame, told: str) -> set[str] | None:
    """What is right, as the file tells it; None where nothing is.

    ``most day night``: the days where the night is highest; ``least night``: the lowest night; ``mean high``; ``cell
    high -1``: a cell of a row; ``= 14, 15``: just this.
    """
    if told == "-":
        return None
    how, _, rest = told.partition(" ")
    if how == "=":
        return set(rest.split(", "))
    columns = [one or other for one, other in re.findall(r"\[(.+?)\]|(\S+)", rest)]
    if how == "cell":
        return {normal(table[columns[0]].iloc[int(columns[1])])}
    numbers = _numbers(table[columns[-1]])
    if how in ("most", "least"):
        end = numbers.max() if how == "most" else numbers.min()
        return {normal(cell) for cell in table[columns[0]][numbers == end].dropna()}
    return {f"{numbers.max() - numbers.min() if how == 'range' else getattr(numbers, how)():.6g}"}


QUESTIONS: list[tuple[str, str, str, str]] = [
    (table, question, told, expected)
    for table, expected, question, told in (
        line.split("\t") for line in Path(__file__).with_suffix(".tsv").read_text("utf-8").splitlines()[1:]
    )
]
"""Table, question, what is right, and ``"answered"`` or ``"open"``: a reading may be listed and not chosen."""
