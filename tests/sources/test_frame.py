"""Tables of every library, whole."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources import MAX_CELLS, render_for_prompt
from jupyter_localllm.sources.frame import FrameKind

MONTHS = pd.MultiIndex.from_tuples([("2024", 1), ("2024", 2)], names=["year", "month"])
PRICES = pd.MultiIndex.from_tuples([("price", "mean"), ("price", "max")])


class Own(pd.DataFrame):
    """A subclass, as GeoDataFrame is one."""


def table(text: str) -> tuple[str, list[list[str]]]:
    """Take a rendered table apart: the size, and the cells of the header and of each row."""
    lines = text.split("\n")
    if len(lines) == 1:
        return lines[0], []
    assert lines[1] == ""
    assert set(lines[3]) <= {"|", "-"}
    # A bar inside of a cell has a backslash before it, so one between blanks always ends a cell.
    rows = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in (lines[2], *lines[4:])]
    return lines[0], rows


@pytest.mark.parametrize(
    ("frame", "size", "rows"),
    [
        (pd.DataFrame({"a": [1], "b": ["x"]}), "1 row x 2 columns", ["a|b", "1|x"]),
        (pl.DataFrame({"a": [1], "b": ["x"]}), "1 row x 2 columns", ["a|b", "1|x"]),
        (pa.table({"a": [1], "b": ["x"]}), "1 row x 2 columns", ["a|b", "1|x"]),
        (pa.record_batch({"a": [1, 2]}), "2 rows x 1 column", ["a", "1", "2"]),
        (nw.from_native(pl.DataFrame({"a": [1]})), "1 row x 1 column", ["a", "1"]),
        (Own({"a": [1]}), "1 row x 1 column", ["a", "1"]),
        (pd.Series([1, 2], name="n"), "2 values", ["n", "1", "2"]),
        (pd.Series([1, 2]), "2 values", ["value", "1", "2"]),
        (pd.Series([1, 2], index=["u", "v"], name="n"), "2 values", ["index|n", "u|1", "v|2"]),
        (pl.Series("n", [1, None]), "2 values", ["n", "1", ""]),
        (nw.from_native(pl.Series("n", [1]), series_only=True), "1 value", ["n", "1"]),
        (pa.chunked_array([[1], [2]]), "2 values", ["value", "1", "2"]),
        (pa.array([1, 2]), "2 values", ["value", "1", "2"]),
        (pd.DataFrame(), "0 rows x 0 columns", []),
        (pd.DataFrame({"a": []}), "0 rows x 1 column", ["a"]),
        (pl.DataFrame(), "0 rows x 0 columns", []),
        (pd.DataFrame(index=["u"]), "1 row x 0 columns", ["index", "u"]),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "1 row x 2 columns", ["a|a", "1|2"]),
        (pa.table([[1], [2]], names=["a", "a"]), "1 row x 2 columns", ["a|a", "1|2"]),
        (pd.DataFrame([[1, 2]]), "1 row x 2 columns", ["0|1", "1|2"]),
        (pd.DataFrame([[1]], columns=[dt.date(2024, 1, 1)]), "1 row x 1 column", ["2024-01-01", "1"]),
        (pd.DataFrame([[1, 2]], columns=PRICES), "1 row x 2 columns", ["price / mean|price / max", "1|2"]),
        (
            pd.DataFrame([[1, 2]], columns=MONTHS),
            "1 row x 2 columns, the columns by year / month",
            ["2024 / 1|2024 / 2", "1|2"],
        ),
        (pd.DataFrame({"a": [5, 6]}, index=[3, 7]), "2 rows x 1 column", ["index|a", "3|5", "7|6"]),
        (pd.DataFrame({"a": [5]}, index=pd.RangeIndex(1, name="id")), "1 row x 1 column", ["id|a", "0|5"]),
        (pd.DataFrame({"a": [5]}, index=pd.RangeIndex(1, 2)), "1 row x 1 column", ["index|a", "1|5"]),
        (
            pd.DataFrame({"a": [5, 6]}, index=MONTHS),
            "2 rows x 1 column",
            ["year|month|a", "2024|1|5", "2024|2|6"],
        ),
        (
            pd.DataFrame({"a": [5]}, index=pd.MultiIndex.from_tuples([(1, 2)])),
            "1 row x 1 column",
            ["level_0|level_1|a", "1|2|5"],
        ),
        (
            pd.DataFrame({"a": [5]}, index=pd.DatetimeIndex(["2024-01-01"], name="day")),
            "1 row x 1 column",
            ["day|a", "2024-01-01|5"],
        ),
        (pd.DataFrame({"index": [5]}, index=["u"]), "1 row x 1 column", ["index|index", "u|5"]),
    ],
)
def test_a_frame_is_a_markdown_table_under_its_size(frame: Any, size: str, rows: list[str]) -> None:
    """Names, index and cells of every library stand as they are; the size is the first line and the note."""
    rendered = render_for_prompt(frame)
    assert rendered.block
    assert rendered.note == size
    assert table(rendered.text) == (size, [row.split("|") for row in rows])


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_all_of_a_hundred_rows_are_there(library: Any) -> None:
    """A 100-row frame is not silently shortened, as it would be by its own str()."""
    rendered = render_for_prompt(library({"n": list(range(100)), "name": [f"row {n}" for n in range(100)]}))
    size, rows = table(rendered.text)
    assert size == "100 rows x 2 columns"
    assert rows[1:] == [[str(n), f"row {n}"] for n in range(100)]


def test_wide_cells_and_many_columns_are_there() -> None:
    """Neither a long text nor 2,000 columns are cut."""
    frame = pd.DataFrame([range(2000)], columns=[f"c{n}" for n in range(2000)]).assign(text="x" * 10_000)
    _, rows = table(render_for_prompt(frame).text)
    assert len(rows[0]) == 2001
    assert rows[1][-1] == "x" * 10_000


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_frame_that_is_too_large_is_an_error(library: Any) -> None:
    """The error names size, tokens and the way out; the bound itself still fits."""
    rows = MAX_CELLS // 2
    fits = library({"a": [1] * rows, "b": [2] * rows})
    assert render_for_prompt(fits).note == "100,000 rows x 2 columns"
    large = library({"a": [1] * (rows + 1), "b": [2] * (rows + 1)})
    with pytest.raises(SourceError) as caught:
        render_for_prompt(large, name="sales")
    assert "sales is too large for a prompt: 100,001 rows x 2 columns, 200,002 cells" in caught.value.message
    tokens = re.search(r"about ([\d,]+) tokens", caught.value.message)
    assert tokens is not None
    assert 100_000 < int(tokens[1].replace(",", "")) < 600_000
    for advice in ("{{ sales.head(20) }}", "{{ sales.describe() }}", "{{ sales[['a', 'b']] }}"):
        assert advice in caught.value.hint


def test_a_lazy_frame_is_refused_and_not_computed() -> None:
    """Computing is the person's decision, and so is the order of the rows."""

    def never(frame: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("computed")

    lazy = pl.LazyFrame({"a": [1]}).map_batches(never)
    with pytest.raises(SourceError, match=r"lf \(LazyFrame\) is lazy") as caught:
        render_for_prompt(lazy, name="lf")
    assert "{{ lf.collect() }}" in caught.value.hint


def test_a_column_without_text_is_named() -> None:
    """Pictures in cells are refused with the name of their column."""
    with pytest.raises(SourceError, match="Column 'image' cannot be put into a prompt") as caught:
        render_for_prompt(pd.DataFrame({"id": [1], "image": [b"\x89PNG"]}))
    assert "Leave the column out" in caught.value.hint


def test_a_frame_is_only_read() -> None:
    """Rendering leaves the notebook's frame as it was."""
    frame = pd.DataFrame({"a": [[1], [2]], "a ": [1.5, None]}, index=["u", "v"])
    before = frame.copy(deep=True)
    render_for_prompt(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "value", [pd.Timestamp("2024-01-01"), pd.Index([1]), pa.scalar(1), pl.col("a"), pd.DataFrame, np.array([1]), {}, 1]
)
def test_what_is_no_frame_is_left_to_other_kinds(value: Any) -> None:
    """A value of pandas is not yet a table."""
    assert not FrameKind().matches(value)


CELLS = {
    "text": st.text(max_size=8),
    "int": st.integers(-(2**62), 2**62),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "date": st.dates(),
}


@st.composite
def columns(draw: st.DrawFn) -> dict[str, list[Any]]:
    rows = draw(st.integers(1, 6))
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    lists = (draw(st.lists(CELLS[kind], min_size=rows, max_size=rows)) for kind in kinds)
    return {f"c{place}": values for place, values in enumerate(lists)}


def read(cell: str) -> str:
    """Undo what a table does to a text, as far as the characters of the tests go."""
    return cell[1:-1] if cell.startswith('"') and cell.endswith('"') and len(cell) > 1 else cell


@settings(deadline=None)
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
@given(data=columns())
def test_every_cell_of_a_random_frame_is_there(library: Any, data: dict[str, list[Any]]) -> None:
    """Whatever the types: as many rows, as many cells, and in each what was in the frame."""
    _, rows = table(render_for_prompt(library(data)).text)
    assert rows[0] == list(data)
    assert len(rows) - 1 == len(next(iter(data.values())))
    for place, values in enumerate(data.values()):
        for row, value in zip(rows[1:], values, strict=True):
            same(row[place], value)


def same(cell: str, value: Any) -> None:
    if isinstance(value, str):
        plain = "".join(char for char in value if char.isprintable() and char not in '|"\\')
        assert all(char in cell for char in plain)
        assert len(read(cell)) >= len(value)
    elif isinstance(value, float):
        assert float(cell) == value
    else:
        assert cell == str(value)
