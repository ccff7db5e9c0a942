"""Operations give what plain Python gives, over tables of every library."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.compute.operation import Condition, Operation
from jupyter_localllm.compute.run import Outcome, mask_of, rows_of, run
from tests.compute.tables import snapshot

KEY, WHOLE, PART, DAY = range(4)
Row = tuple[str | None, int | None, float | None, dt.date | None]

rows = st.tuples(
    st.sampled_from([None, "north", "south", "east", " south", "far  east", "far east", "", "12"]),
    st.none() | st.integers(-9, 9),
    st.none() | st.integers(-40, 40).map(lambda n: n / 8),
    st.none() | st.dates(dt.date(2019, 12, 30), dt.date(2020, 1, 2)),
)


def in_pandas(table: list[Row]) -> Any:
    """With pandas' own types for missing values."""
    key, whole, part, day = zip(*table, strict=True)
    data = {"key": pd.array(key, dtype="str"), "whole": pd.array(whole, dtype="Int64")}
    return pd.DataFrame(data | {"part": np.array(part, dtype=float), "day": pd.Series(day, dtype="datetime64[us]")})


def in_polars(table: list[Row]) -> Any:
    """With the same names and types."""
    schema = {"key": pl.String, "whole": pl.Int64, "part": pl.Float64, "day": pl.Date}
    return pl.DataFrame(table, schema=schema, orient="row")


def in_pyarrow(table: list[Row]) -> Any:
    """With the same names and types."""
    types = {"key": pa.string(), "whole": pa.int64(), "part": pa.float64(), "day": pa.date32()}
    columns = zip(*table, strict=True)
    return pa.table({name: pa.array(cells, kind) for (name, kind), cells in zip(types.items(), columns, strict=True)})


MAKERS: tuple[Callable[[list[Row]], Any], ...] = (in_pandas, in_polars, in_pyarrow)


def outcomes(operation: Operation, table: list[Row]) -> Outcome | None:
    """What comes out, which must be the same in all libraries."""
    found = []
    for maker in MAKERS:
        held = snapshot(maker(table))
        found.append(run(operation, held.table, held.values))
    first = found[0]
    for other in found[1:]:
        assert (other is None) is (first is None)
        if first is not None and other is not None:
            assert (first.texts, first.rows, first.n) == (other.texts, other.rows, other.n)
            if not isinstance(first.value, (dt.date, pd.Timestamp)):
                assert first.value == pytest.approx(other.value)
    return first


def said(value: Any) -> str:
    """A cell as people read it."""
    return "" if value is None else " ".join(str(value).split())


def cell(row: Row, column: int) -> Any:
    """A cell as it counts: blanks are missing, and blanks around a text are no part of it."""
    return (said(row[KEY]) or None) if column == KEY else row[column]


def holds(row: Row, condition: Condition) -> bool:
    """What a condition means."""
    value = cell(row, condition.column)
    if value is None:
        return False
    if condition.comparison == "==":
        return said(value) == condition.value if condition.column == KEY else float(value) == float(condition.value)
    if condition.column == DAY:
        wanted, value = condition.value, value.isoformat()[: len(condition.value)]
        return {">": value > wanted, "<": value < wanted, ">=": value >= wanted, "<=": value <= wanted}[
            condition.comparison
        ]
    number = float(condition.value)
    return {">": value > number, "<": value < number, ">=": value >= number, "<=": value <= number}[
        condition.comparison
    ]


conditions = st.one_of(
    st.sampled_from(["north", "south", "far east", "12", "west"]).map(lambda v: Condition(KEY, "==", v)),
    st.builds(Condition, st.sampled_from([WHOLE, PART]), st.sampled_from([">", ">=", "<", "<="]), st.just("1.5")),
    st.integers(-3, 9).map(lambda v: Condition(WHOLE, "==", str(v))),
    st.builds(
        Condition,
        st.just(DAY),
        st.sampled_from([">", ">=", "<", "<="]),
        st.sampled_from(["2020", "2019-12-31", "2020-01"]),
    ),
)
wheres = st.tuples(st.lists(conditions, max_size=2).map(tuple), st.booleans())
tables = st.lists(rows, min_size=1, max_size=12)


def chosen(table: list[Row], where: tuple[tuple[Condition, ...], bool]) -> list[int]:
    """The rows that conditions leave."""
    some, either = where
    together = any if either and some else all
    return [place for place, row in enumerate(table) if together(holds(row, one) for one in some)]


FIGURES: dict[str, Callable[[list[Any]], Any]] = {
    "sum": sum,
    "mean": lambda values: sum(values) / len(values),
    "median": statistics.median,
    "range": lambda values: max(values) - min(values),
}


@settings(deadline=None)
@given(tables, wheres, st.sampled_from([WHOLE, PART]), st.sampled_from(sorted(FIGURES)))
def test_figures(table: list[Row], where: Any, column: int, function: Any) -> None:
    """Sum, mean, median and range of the cells that are there; nothing where none is."""
    found = chosen(table, where)
    values = [table[place][column] for place in found if table[place][column] is not None]
    outcome = outcomes(Operation(function, column=column, conditions=where[0], either=where[1]), table)
    if not values:
        assert outcome is None
        return
    assert outcome is not None
    assert outcome.value == pytest.approx(FIGURES[function](values))
    assert float(outcome.texts[0]) == pytest.approx(outcome.value, abs=1e-6)
    assert (outcome.n, outcome.rows) == (len(values), tuple(found))


@settings(deadline=None)
@given(tables, wheres, st.sampled_from([KEY, WHOLE, PART, DAY]))
def test_counts(table: list[Row], where: Any, column: int) -> None:
    """Rows, and different values; blanks around a text make no other value, and a missing one is none."""
    found = chosen(table, where)
    counted = outcomes(Operation("count", conditions=where[0], either=where[1]), table)
    assert counted is not None
    assert (counted.value, counted.texts, counted.rows) == (len(found), (str(len(found)),), tuple(found))
    different = outcomes(Operation("distinct", column=column, conditions=where[0], either=where[1]), table)
    if found:
        assert different is not None
        assert different.value == len({cell(table[place], column) for place in found} - {None})


@settings(deadline=None)
@given(
    tables, wheres, st.sampled_from([WHOLE, PART, DAY]), st.sampled_from([KEY, WHOLE]), st.sampled_from(["min", "max"])
)
def test_extremes(table: list[Row], where: Any, column: int, target: int, end: Any) -> None:
    """The most and the least, and the cells of all rows that have it."""
    values = {place: table[place][column] for place in chosen(table, where) if table[place][column] is not None}
    asked = {"column": column, "conditions": where[0], "either": where[1]}
    outcome = outcomes(Operation(end, **asked), table)
    having = outcomes(Operation(f"with {end}", target=target, **asked), table)  # type: ignore[arg-type]
    if not values:
        assert outcome is having is None
        return
    best = {"min": min, "max": max}[end](values.values())
    best_rows = tuple(place for place, value in values.items() if value == best)
    assert outcome is not None
    assert (outcome.texts, outcome.rows, outcome.n) == ((said(best),), best_rows, len(values))
    texts = tuple(dict.fromkeys(text for place in best_rows if (text := said(table[place][target]))))
    if texts:
        assert having is not None
        assert (having.texts, having.rows) == (texts, best_rows)
    else:
        assert having is None


OF = {**FIGURES, "count": len}


@settings(deadline=None)
@given(tables, wheres, st.sampled_from([KEY, WHOLE, DAY]), st.sampled_from(["sum", "mean", "median", "count"]))
def test_groups(table: list[Row], where: Any, target: int, of: str) -> None:
    """A figure for each value, in the order in which the values come; and the values of which it is most or least."""
    column = None if of == "count" else PART
    groups: dict[Any, list[Any]] = {}
    order: dict[Any, None] = {}
    for place in chosen(table, where):
        key = cell(table[place], target)
        if key is not None:
            order[key] = None
            if column is None or table[place][PART] is not None:
                groups.setdefault(key, []).append(table[place][PART])
    wanted = {said(key): OF[of](groups[key]) for key in order if key in groups}
    asked = {"column": column, "target": target, "conditions": where[0], "either": where[1], "of": of}
    each = outcomes(Operation("by", **asked), table)
    ends = {end: outcomes(Operation(end, **asked), table) for end in ("most", "least")}  # type: ignore[arg-type]
    if not wanted:
        assert each is ends["most"] is ends["least"] is None
        return
    assert each is not None
    assert list(each.value) == list(wanted)
    assert each.value == pytest.approx(wanted)
    for end, best in (("most", max(wanted.values())), ("least", min(wanted.values()))):
        outcome = ends[end]
        assert outcome is not None
        names = tuple(name for name, value in wanted.items() if value == pytest.approx(best))
        assert outcome.texts == names
        assert all(said(table[place][target]) in names for place in outcome.rows)


@settings(deadline=None)
@given(tables, st.integers(0, 11), st.integers(0, 11), st.sampled_from([WHOLE, PART]))
def test_differences(table: list[Row], one: int, other: int, column: int) -> None:
    """Between two rows, whichever is named first; nothing where one of the numbers is missing."""
    numbered = [(f"row{place}", *row[1:]) for place, row in enumerate(table)]
    one, other = one % len(table), other % len(table)
    ends = tuple(Condition(KEY, "==", f"row{place}") for place in (one, other))
    outcome = outcomes(Operation("difference", column=column, conditions=ends), numbered)
    a, b = table[one][column], table[other][column]
    if a is None or b is None:
        assert outcome is None
    else:
        assert outcome is not None
        assert outcome.value == pytest.approx(abs(a - b))


@settings(deadline=None)
@given(tables, wheres, st.sampled_from([KEY, WHOLE, DAY]))
def test_cells_and_neighbours(table: list[Row], where: Any, target: int) -> None:
    """The cells of the rows, each text once; the row after the last one, the row before the first one."""
    found = chosen(table, where)
    asked = {"target": target, "conditions": where[0], "either": where[1]}
    for function, wanted in (
        ("get", found),
        ("after", [place + 1 for place in found[-1:] if place + 1 < len(table)]),
        ("before", [place - 1 for place in found[:1] if place > 0]),
        ("with min", found[:1]),
        ("with max", found[-1:]),
    ):
        outcome = outcomes(Operation(function, **asked), table)  # type: ignore[arg-type]
        texts = tuple(dict.fromkeys(text for place in wanted if (text := said(table[place][target]))))
        assert (outcome.texts if outcome is not None else ()) == texts
        if outcome is not None:
            assert outcome.rows == tuple(wanted)


@settings(deadline=None)
@given(tables, st.sampled_from([WHOLE, PART, DAY]), st.sampled_from([">", "<"]))
def test_comparisons_with_another_row(table: list[Row], column: int, sign: Any) -> None:
    """More than another row has: rows without a value are never more, and one without a value is no measure."""
    numbered = [(f"row{place}", *row[1:]) for place, row in enumerate(table)]
    operation = Operation("count", conditions=(Condition(column, sign, "", Condition(KEY, "==", "row0")),))
    outcome = outcomes(operation, numbered)
    least = table[0][column]
    values = [row[column] for row in table if row[column] is not None]
    wanted = [] if least is None else [v for v in values if (v > least if sign == ">" else v < least)]
    assert outcome is not None
    assert outcome.value == len(wanted)


# -- sizes and types that libraries compute with differently -----------------------------------------------------------


NARROW = {"pandas": "int32", "polars": pl.Int32, "pyarrow": pa.int32()}


def column_of(library: str, values: list[Any], kinds: dict[str, Any]) -> Any:
    """A table of one column of a certain type."""
    if library == "pandas":
        return pd.DataFrame({"n": pd.array(values, dtype=kinds[library])})
    if library == "polars":
        return pl.DataFrame({"n": pl.Series("n", values, dtype=kinds[library])})
    return pa.table({"n": pa.array(values, kinds[library])})


@pytest.mark.parametrize("library", sorted(NARROW))
@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([2**30] * 8, NARROW),
        ([2**62] * 4, {"pandas": "int64", "polars": pl.Int64, "pyarrow": pa.int64()}),
        ([-(2**62)] * 4, {"pandas": "Int64", "polars": pl.Int64, "pyarrow": pa.int64()}),
        ([2**63] * 4, {"pandas": "uint64", "polars": pl.UInt64, "pyarrow": pa.uint64()}),
        ([120] * 4, {"pandas": "int8", "polars": pl.Int8, "pyarrow": pa.int8()}),
    ],
)
def test_sums_do_not_run_over(library: str, values: list[int], kinds: dict[str, Any]) -> None:
    """A sum that is larger than its column's type is still the sum, and is written out in full; by group as well."""
    held = snapshot(column_of(library, values, kinds))
    outcome = run(Operation("sum", column=0), held.table, held.values)
    assert outcome is not None
    assert (outcome.value, outcome.texts) == (sum(values), (str(sum(values)),))
    by = run(Operation("by", column=0, target=0, of="sum"), held.table, held.values)
    assert by is not None
    assert by.value == {str(values[0]): sum(values)}
    mean = run(Operation("mean", column=0), held.table, held.values)
    assert mean is not None
    assert mean.value == pytest.approx(values[0])


@pytest.mark.parametrize("library", sorted(NARROW))
def test_figures_of_small_floats_are_not_coarser(library: str) -> None:
    """32-bit floats are added up in 64 bits."""
    kinds = {"pandas": "float32", "polars": pl.Float32, "pyarrow": pa.float32()}
    held = snapshot(column_of(library, [16_777_216.0, *[1.0] * 50], kinds))
    outcome = run(Operation("sum", column=0), held.table, held.values)
    assert outcome is not None
    assert outcome.texts == ("16777266",)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_decimals_are_numbers(library: str) -> None:
    """Money in decimals is summed, compared and written like other numbers."""
    values = [Decimal("1.50"), None, Decimal("2.25"), Decimal("2.25")]
    held = snapshot(column_of(library, values, {"polars": pl.Decimal(10, 2), "pyarrow": pa.decimal128(10, 2)}))
    for operation, text in (
        (Operation("sum", column=0), "6"),
        (Operation("mean", column=0), "2"),
        (Operation("median", column=0), "2.25"),
        (Operation("range", column=0), "0.75"),
        (Operation("max", column=0), "2.25"),
        (Operation("count", conditions=(Condition(0, ">", "2"),)), "2"),
        (Operation("count", conditions=(Condition(0, "==", "2.25"),)), "2"),
    ):
        outcome = run(operation, held.table, held.values)
        assert outcome is not None
        assert outcome.texts == (text,)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_what_is_not_a_number_is_left_out(library: str) -> None:
    """NaN is neither the most nor a part of a sum; a column of nothing else has no figures."""
    kinds = {"polars": pl.Float64, "pyarrow": pa.float64()}
    nan = float("nan")
    held = snapshot(column_of(library, [nan, 2.0, 4.0], kinds))
    for function, text in (("sum", "6"), ("mean", "3"), ("max", "4.0"), ("min", "2.0"), ("median", "3")):
        outcome = run(Operation(function, column=0), held.table, held.values)  # type: ignore[arg-type]
        assert outcome is not None
        assert (outcome.texts, outcome.n) == ((text,), 2)
    only = snapshot(column_of(library, [nan, nan], kinds))
    for function in ("sum", "mean", "max", "min", "with max", "range"):
        operation = Operation(function, column=0, target=0)  # type: ignore[arg-type]
        assert run(operation, only.table, only.values) is None


def test_long_whole_numbers_are_compared_to_the_last_digit() -> None:
    """Two identifiers that differ in the 18th digit are two."""
    ids = [123_456_789_012_345_678, 123_456_789_012_345_679]
    for library in NARROW:
        held = snapshot(column_of(library, ids, {"pandas": "int64", "polars": pl.Int64, "pyarrow": pa.int64()}))
        for sign, rows in (("==", [1]), (">=", [1]), ("<", [0])):
            operation = Operation("count", conditions=(Condition(0, sign, str(ids[1])),))  # type: ignore[arg-type]
            assert np.flatnonzero(rows_of(operation, held.table, held.values)).tolist() == rows


@pytest.mark.parametrize("said_number", ["9" * 30, "9" * 5_000, "18446744073709551616", "٣"])
@pytest.mark.parametrize("library", sorted(NARROW))
def test_numbers_beyond_a_column_are_compared_all_the_same(library: str, said_number: str) -> None:
    """A number that no cell can hold is larger than all, and no error."""
    held = snapshot(column_of(library, [1, 2], {"pandas": "int64", "polars": pl.Int64, "pyarrow": pa.int64()}))
    for sign, some in (("==", False), (">", False), ("<", True)):
        found = mask_of(Condition(0, sign, said_number), held.table, held.values)  # type: ignore[arg-type]
        assert found.any() == some


def test_times_of_nanoseconds_have_a_most() -> None:
    """The latest moment is found where Python's own types would lose its last digits."""
    stamps = pl.Series("at", [1_700_000_000_000_000_001, 1_700_000_000_000_000_003]).cast(pl.Datetime("ns"))
    held = snapshot(pl.DataFrame({"name": ["a", "b"], "at": stamps}))
    outcome = run(Operation("with max", column=1, target=0), held.table, held.values)
    assert outcome is not None
    assert outcome.texts == ("b",)
    latest = run(Operation("max", column=1), held.table, held.values)
    assert latest is not None
    assert latest.rows == (1,)


@pytest.mark.parametrize("library", sorted(NARROW))
def test_many_rows(library: str) -> None:
    """Of more rows than are listed, the figures are of all; different values are counted whatever is missing."""
    count = 20_000
    values = [None if place % 10 == 0 else place % 7_001 for place in range(count)]
    held = snapshot(column_of(library, values, {"pandas": "Int64", "polars": pl.Int64, "pyarrow": pa.int64()}))
    given_values = [value for value in values if value is not None]
    for operation, wanted in (
        (Operation("distinct", column=0), len(set(given_values))),
        (Operation("sum", column=0), sum(given_values)),
        (Operation("count"), count),
        (
            Operation("distinct", column=0, conditions=(Condition(0, ">", "10"),)),
            len({v for v in given_values if v > 10}),
        ),
    ):
        outcome = run(operation, held.table, held.values)
        assert outcome is not None
        assert outcome.value == wanted
        assert len(outcome.rows) == 1_000
        assert outcome.n >= 1_000


def test_lists_and_objects_are_grouped_by_what_is_read() -> None:
    """Cells that cannot be hashed have groups and different values all the same."""
    data = pd.DataFrame({"tags": [["a"], ["b"], ["a"], None], "n": [1, 2, 3, 4]})
    held = snapshot(data)
    by = run(Operation("by", column=1, target=0, of="sum"), held.table, held.values)
    assert by is not None
    assert list(by.value.values()) == [4, 2]
    different = run(Operation("distinct", column=0), held.table, held.values)
    assert different is not None
    assert different.value == 2


def test_categories_are_grouped_by_those_that_occur() -> None:
    """A category without a row is no group."""
    for column in (
        pd.Categorical(["a", "b", "a"], categories=["z", "b", "a"]),
        pd.Categorical([1, 2, 1], categories=[3, 2, 1]),
        pd.cut([1, 5, 1], [0, 3, 6, 9]),
    ):
        held = snapshot(pd.DataFrame({"kind": column, "n": [1, 2, 3]}))
        by = run(Operation("by", column=1, target=0, of="sum"), held.table, held.values)
        assert by is not None
        assert list(by.value.values()) == [4, 2]


def test_rows_of_totals_are_left_out_unless_they_are_named() -> None:
    """In every operation, and where nothing else is there, they are there."""
    held = snapshot(pd.DataFrame({"team": ["Ash", "Bay", "Cove", "Dale", "Total"], "points": [1, 2, 3, 4, 10]}))
    assert rows_of(Operation("count"), held.table, held.values).sum() == 4
    named = Operation("get", target=1, conditions=(Condition(0, "==", "Total"),))
    outcome = run(named, held.table, held.values)
    assert outcome is not None
    assert outcome.texts == ("10",)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_table_without_rows(make: Any) -> None:
    """Nothing comes out but the number of rows, and nobody is warned."""
    held = snapshot(make({"key": [], "n": []}))
    counted = run(Operation("count"), held.table, held.values)
    assert counted is not None
    assert counted.value == 0
    for function in ("sum", "min", "with max", "by", "most", "get", "after", "distinct"):
        operation = Operation(function, column=1, target=0, of="sum")  # type: ignore[arg-type]
        assert run(operation, held.table, held.values) is None


def test_none_of_several_is_the_only_one() -> None:
    """A row that shares the most and has no name itself is told; so are more rows than are read."""
    operation = Operation("with max", column=1, target=0)
    table = snapshot(pd.DataFrame({"name": ["Ann", None, "Cid"], "points": [5, 5, 3]}))
    outcome = run(operation, table.table, table.values)
    assert outcome is not None
    assert (outcome.texts, outcome.value, outcome.empty, outcome.single) == (("Ann",), ["Ann"], 1, False)
    many = snapshot(pd.DataFrame({"name": [f"n{i}" for i in range(1_500)], "points": [1] * 1_500}))
    outcome = run(operation, many.table, many.values)
    assert outcome is not None
    assert (len(outcome.texts) + outcome.more, outcome.n, len(outcome.rows)) == (1_500, 1_500, 1_000)


def test_sums_that_differ_in_their_last_digits_are_tied() -> None:
    """0.1 and 0.2 together are as much as 0.3."""
    sales = snapshot(pd.DataFrame({"shop": ["a", "a", "b", "c"], "sold": [0.1, 0.2, 0.3, 0.2]}))
    for function, shops in (("most", ("a", "b")), ("least", ("c",))):
        outcome = run(Operation(function, column=1, target=0, of="sum"), sales.table, sales.values)  # type: ignore[arg-type]
        assert outcome is not None
        assert outcome.texts == shops
