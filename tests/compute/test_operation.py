"""Operations as values: how they are written, and how they are said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jupyter_localllm.compute.operation import Condition, Operation, plain
from tests.compute.tables import CITIES, snapshot

CITY, REGION, POPULATION, AREA, FOUNDED, MAYOR = range(6)
NORTH = Condition(REGION, "==", "north")
LARGE = Condition(POPULATION, ">", "100000")
ARLEN = Condition(CITY, "==", "Arlen")

SAID = [
    (Operation("get", target=MAYOR, conditions=(ARLEN,)), "mayor where city == 'Arlen'", "mayor where city is Arlen"),
    (Operation("count"), "count(rows)", "number of rows"),
    (
        Operation("mean", column=POPULATION, conditions=(NORTH, LARGE)),
        "mean(population) where region == 'north' and population > 100000",
        "mean of population where region is north and population > 100000",
    ),
    (Operation("distinct", column=REGION), "distinct(region)", "number of different region"),
    (
        Operation("with max", column=AREA, target=CITY),
        "city with max(area_km2)",
        "city with the highest area_km2",
    ),
    (Operation("with min", target=CITY), "city with min(row)", "city in the first row"),
    (Operation("most", target=REGION), "region with max(count(rows))", "most frequent region"),
    (
        Operation("least", column=AREA, target=REGION, of="mean"),
        "region with min(mean(area_km2))",
        "region with the lowest mean of area_km2",
    ),
    (
        Operation("by", column=AREA, target=REGION, of="sum"),
        "sum(area_km2) by region",
        "sum of area_km2 for each region",
    ),
    (Operation("by", target=REGION, of="count"), "count(rows) by region", "count of rows for each region"),
    (
        Operation("difference", column=AREA, conditions=(ARLEN, Condition(CITY, "==", "Esk")), either=True),
        "difference(area_km2) where city == 'Arlen' or city == 'Esk'",
        "difference of area_km2 where city is Arlen or city is Esk",
    ),
    (
        Operation("get", target=CITY, conditions=(Condition(POPULATION, ">", "", ARLEN),)),
        "city where population > population where city == 'Arlen'",
        "city where population > that of Arlen",
    ),
    (
        Operation("count", conditions=(Condition(CITY, "has", "new york"), Condition(FOUNDED, "in", "1990"))),
        "count(rows) where city has 'new york' and founded in '1990'",
        "number of rows where city contains new york and founded is in 1990",
    ),
]


@pytest.mark.parametrize(("operation", "code", "words"), SAID)
def test_an_operation_says_what_it_does(operation: Operation, code: str, words: str) -> None:
    """As people write it down, and in words for the person who asked."""
    table = snapshot(pd.DataFrame(CITIES)).table
    assert operation.code(table) == code
    assert operation.words(table) == words


def test_two_operations_are_never_written_alike() -> None:
    """Also where two columns have one name: a citation is found again by how it is written."""
    table = snapshot(pd.DataFrame([["a", 1, 2], ["b", 3, 4]], columns=["k", "n", "n"])).table
    codes = set()
    made = [
        Operation(function, column=column, target=target, of=of, conditions=where)  # type: ignore[arg-type]
        for function in ("get", "count", "sum", "with max", "with min", "most", "least", "by", "after", "before")
        for column in (None, 1, 2)
        for target in (0, 1, 2)
        for of in ("sum", "mean")
        for where in ((), (Condition(0, "==", "a"),), (Condition(0, "has", "a"),))
        if (function in ("get", "after", "before") or column is not None or function in ("with max", "with min"))
        and (function != "sum" or target == 0)
        and (function != "count" or (column is None and target == 0))
        and (of == "sum" or function in ("most", "least", "by"))
        and (function not in ("get", "after", "before") or column is None)
    ]
    codes = {operation.code(table) for operation in made}
    assert len(codes) == len(made)


def test_columns_that_take_part_are_named_once() -> None:
    """What is shown first, then what is computed with, then conditions, those on other rows too."""
    operation = Operation(
        "with max",
        column=AREA,
        target=CITY,
        conditions=(NORTH, Condition(AREA, ">", "", Condition(MAYOR, "==", "Ada Roth"))),
    )
    assert operation.columns() == (CITY, AREA, REGION, MAYOR)


def test_operations_are_values() -> None:
    """Equal ones are one, and none can be changed."""
    assert Operation("count", conditions=(NORTH,)) == Operation("count", conditions=(Condition(REGION, "==", "north"),))
    assert len({Operation("count"), Operation("count")}) == 1
    with pytest.raises(AttributeError):
        Operation("count").function = "sum"  # type: ignore[misc]


def test_values_are_written_so_that_they_end() -> None:
    """Quotes and line breaks in a value cannot look like another condition."""
    table = snapshot(pd.DataFrame(CITIES)).table
    code = Condition(CITY, "==", "x' or city == 'y\n").code(table)
    assert code == "city == \"x' or city == 'y\\n\""


def test_plain_values() -> None:
    """Scalars of numpy become Python's own; others stay."""
    assert type(plain(np.int64(3))) is int
    assert type(plain(np.float32(0.5))) is float
    assert plain("x") == "x"
    assert plain(None) is None
