"""Tables and their columns: kinds, forms in which cells compare, subjects, totals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.sources.frame import FrameKind
from jupyter_localllm.sources.table import Column, Table

MAKERS = [pd.DataFrame, pl.DataFrame, pa.table]


def table(data: Any) -> Table:
    """A table held still."""
    return FrameKind().snapshot(data, "it").table


def column(make: Any, cells: list[Any]) -> Column:
    """The one column of a table."""
    return table(make({"x": cells})).columns[0]


KINDS = [
    ([1, 2], "number"),
    ([1.5, None], "number"),
    ([True, False], "truth"),
    ([dt.date(2024, 1, 1)], "moment"),
    ([dt.datetime(2024, 1, 1, 3)], "moment"),
    ([dt.datetime(2024, 1, 1, 3, tzinfo=dt.timezone.utc)], "moment"),
    (["a", "b"], "text"),
    (["1", "2.5", "n/a"], "number"),
    (["$1,200", "$900", "-"], "number"),
    (["14 March 2004", "2 May 2006", "unknown"], "moment"),
    (["1990", "2004"], "moment"),
    (["1", "a", "b"], "text"),
    ([None, None], "text"),
    (["", " "], "text"),
    ([], "text"),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("cells", "kind"), KINDS)
def test_a_column_is_what_most_of_its_cells_are(make: Any, cells: list[Any], kind: str) -> None:
    """By its type, or by how its texts read; blanks do not count."""
    if cells or make is pa.table:
        assert column(make, cells).kind == kind or not cells


@pytest.mark.parametrize("make", MAKERS)
def test_forms_of_texts_that_are_numbers(make: Any) -> None:
    """Numbers are read out of texts, and what is none is missing; the texts stay as they are."""
    one = column(make, ["1,200", "900 [a]", "$3,000", "n/a", None, "0.5"])
    values = [None if value != value else value for value in one.numbers.to_list()]  # noqa: PLR0124 - NaN of pandas
    assert values == [1200, 900, 3000, None, None, 0.5]
    assert list(one.texts) == ["1,200", "900 [a]", "$3,000", "n/a", "", "0.5"]
    assert (one.native, one.distinct) == (False, 5)


@pytest.mark.parametrize("make", MAKERS)
def test_forms_of_moments(make: Any) -> None:
    """Moments compare as ISO 8601, by whichever type or text they are given."""
    typed = column(make, [dt.date(2006, 5, 2), None, dt.date(2004, 3, 14)])
    texts = column(make, ["2 May 2006", None, "14 March 2004"])
    for one in (typed, texts):
        assert [value if isinstance(value, str) else None for value in one.moments.to_list()] == [
            "2006-05-02",
            None,
            "2004-03-14",
        ]
        assert one.text(int(one.ordered.arg_min() or 0)) == one.text(2)


@pytest.mark.parametrize("make", MAKERS)
def test_blanks_make_no_other_value(make: Any) -> None:
    """A text is the same with blanks around it; a blank text is missing."""
    one = column(make, ["a", " a", "a  b", "a b", "a\nb", "", " ", None])
    assert one.distinct == 2
    assert [text if isinstance(text, str) else None for text in one.grouping.to_list()] == [
        *("a", "a", "a b", "a b", "a b"),
        *(None, None, None),
    ]
    assert list(one.texts) == ["a", "a", "a b", "a b", "a b", "", "", ""]


@settings(deadline=None)
@given(st.lists(st.none() | st.text(st.sampled_from("ab \n\t\u00a0"), max_size=5), min_size=1, max_size=6))
def test_values_are_compared_as_they_are_read(cells: list[str | None]) -> None:
    """In every library the form that is grouped is the text that people read."""
    for make in (pd.DataFrame, pl.DataFrame):
        schema = (
            {"x": pd.array(cells, dtype="str")} if make is pd.DataFrame else {"x": pl.Series(cells, dtype=pl.String)}
        )
        one = table(make(schema)).columns[0]
        if "\n" not in "".join(text or "" for text in cells) and "\u00a0" not in "".join(text or "" for text in cells):
            assert [t if isinstance(t, str) else "" for t in one.grouping.to_list()] == list(one.texts)


@pytest.mark.parametrize("make", MAKERS)
def test_years_are_numbers_that_are_ordered_in_time(make: Any) -> None:
    """Whole numbers in the range of years; one outside of it, and they are none."""
    assert column(make, [1650, 1999]).years
    assert column(make, [1650, 1999]).timed
    assert column(make, [1650, 1999]).kind == "number"
    assert not column(make, [1650, 2999]).years
    assert not column(make, [1650.5, 1999.0]).years
    assert not column(make, [12]).timed


def subject(data: Any) -> str:
    """The name of the column that says what rows are about."""
    found = table(data).subject
    return found.label if found is not None else ""


def test_rows_are_about_the_leftmost_text_that_tells_them_apart() -> None:
    """Not a number, not a group, and an index before other columns."""
    assert subject(pd.DataFrame({"no": [1, 2, 3], "name": ["a", "b", "c"], "town": ["x", "y", "z"]})) == "name"
    assert subject(pd.DataFrame({"group": ["x", "x", "x", "y"], "name": ["a", "b", "c", "d"]})) == "name"
    assert subject(pd.DataFrame({"n": [1, 2]}, index=pd.Index(["u", "v"], name="key"))) == "key"
    assert subject(pd.DataFrame({"n": [3, 4]})) == "n"
    assert subject(pd.DataFrame({"a": [], "b": []})) == "a"
    assert subject(pd.DataFrame()) == ""
    assert table(pd.DataFrame({"name": ["a", None]})).row_label(1) == "row 2"


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("names", "totals"),
    [
        (["a", "b", "c", "Total"], [3]),
        (["a", "b", "c", "Total:"], [3]),
        (["Gesamt", "b", "c", "d"], [0]),
        (["a", "b", "c", "合計"], [3]),
        (["a", "b", "c", "Totally Spies"], []),
        (["Total", "Total", "c", "d"], []),
        (["a", "b", "c", None], []),
        (["a"], []),
    ],
)
def test_rows_of_totals_are_known(make: Any, names: list[Any], totals: list[int]) -> None:
    """By a word for it in several languages; where many rows have it, they are no totals."""
    data = table(make({"name": names, "n": list(range(len(names)))}))
    assert data.totals.nonzero()[0].tolist() == totals


@pytest.mark.parametrize("make", MAKERS)
def test_a_table_without_rows_has_no_totals(make: Any) -> None:
    """And nobody is warned of a mean of nothing."""
    assert table(make({"a": [], "b": []})).totals.shape == (0,)


def test_a_level_of_an_index_with_other_labels_is_computed_with() -> None:
    """Rows are known by their place, whatever the index says, doubled labels too."""
    frame = pd.DataFrame({"n": ["1", "2", "3"], "m": [1.0, None, 3.0]}, index=["u", "u", "w"])
    one = table(frame)
    assert [column.label for column in one.columns] == ["index", "n", "m"]
    assert one.columns[1].numbers.to_list() == [1, 2, 3]
    assert one.columns[0].text(2) == "w"
