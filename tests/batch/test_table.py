"""Frames and series of all libraries, apart and together again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_localllm.batch.data import open_data
from jupyter_localllm.batch.table import _CHUNK
from jupyter_localllm.errors import UsageError

COLUMNS: dict[str, list[Any]] = {"text": ["a", "b"], "unit price": [1.5, None]}
ANSWERS: list[str | None] = ["yes", None]
FRAMES = {
    "pandas": pd.DataFrame(COLUMNS, index=["x", "y"]),
    "polars": pl.DataFrame(COLUMNS),
    "pyarrow": pa.table(COLUMNS),
    "batch": pa.record_batch(COLUMNS),
    "narwhals": nw.from_native(pl.DataFrame(COLUMNS)),
}
SERIES = {
    "pandas": FRAMES["pandas"]["text"],
    "polars": FRAMES["polars"]["text"],
    "chunked": FRAMES["pyarrow"]["text"],
    "array": FRAMES["batch"]["text"],
    "narwhals": FRAMES["narwhals"]["text"],
}


@pytest.mark.parametrize("library", FRAMES)
def test_columns_are_names(library: str) -> None:
    """Each column is a name, and `row` is all of them, for names that a template cannot spell."""
    rows = [row.values for row in open_data(FRAMES[library]).rows()]
    assert rows[0] == {"row": {"text": "a", "unit price": 1.5}, "text": "a", "unit price": 1.5}
    assert [row["text"] for row in rows] == ["a", "b"]
    assert open_data(FRAMES[library]).first().values == rows[0]  # type: ignore[union-attr]


@pytest.mark.parametrize("library", FRAMES)
def test_only_the_columns_that_are_used_are_read(library: str) -> None:
    """A wide frame costs what the template uses of it."""
    data = open_data(FRAMES[library], "text")
    assert next(row.values for row in data.rows({"value"})) == {"text": "a", "value": "a"}


@pytest.mark.parametrize("library", SERIES)
def test_a_series_is_a_value(library: str) -> None:
    """The one value of a series is `value`."""
    data = open_data(SERIES[library])
    assert [row.values for row in data.rows()] == [{"value": "a"}, {"value": "b"}]
    assert data.names == ("value",)


@pytest.mark.parametrize("data", [FRAMES["pandas"], SERIES["pandas"]])
def test_pandas_gets_pandas_back(data: Any) -> None:
    """A Series named answer with the same index, in which None stays None."""
    answers = open_data(data).like(ANSWERS)
    assert isinstance(answers, pd.Series)
    assert answers.name == "answer"
    assert answers.index.equals(data.index)
    assert answers.tolist() == ANSWERS
    assert answers["y"] is None


@pytest.mark.parametrize("data", [FRAMES["polars"], SERIES["polars"]])
def test_polars_gets_polars_back(data: Any) -> None:
    """A Series of strings named answer."""
    answers = open_data(data).like(ANSWERS)
    assert answers.equals(pl.Series("answer", ANSWERS, pl.String), check_names=True, check_dtypes=True)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (FRAMES["pyarrow"], pa.ChunkedArray),
        (SERIES["chunked"], pa.ChunkedArray),
        (FRAMES["batch"], pa.Array),
        (SERIES["array"], pa.Array),
    ],
)
def test_pyarrow_gets_pyarrow_back(data: Any, kind: type) -> None:
    """An array of strings, chunked where the data was."""
    answers = open_data(data).like(ANSWERS)
    assert isinstance(answers, kind)
    assert answers.type == pa.string()
    assert answers.to_pylist() == ANSWERS


def test_narwhals_gets_narwhals_back() -> None:
    """What came in narwhals' clothes goes back in them."""
    assert isinstance(open_data(FRAMES["narwhals"]).like(ANSWERS), nw.Series)
    assert isinstance(open_data(SERIES["narwhals"]).beside(ANSWERS)[0], nw.DataFrame)


@pytest.mark.parametrize("library", FRAMES)
def test_a_frame_gets_a_column(library: str) -> None:
    """The frame with the answers as its last column; the person's own stays as it was."""
    frame, name = open_data(FRAMES[library]).beside(ANSWERS)
    assert name == ("answer",)
    assert list(nw.from_native(frame).columns) == ["text", "unit price", "answer"]
    assert nw.from_native(frame)["answer"].to_list() == ANSWERS
    assert len(list(open_data(FRAMES[library]).names)) == 3


@pytest.mark.parametrize("library", SERIES)
def test_a_series_becomes_a_frame_of_two(library: str) -> None:
    """The values and their answers stand beside each other, with the same index."""
    frame, name = open_data(SERIES[library]).beside(ANSWERS)
    text = "value" if library in ("chunked", "array") else "text"
    assert list(nw.from_native(frame).columns) == [text, *name]
    if library == "pandas":
        assert frame.index.tolist() == ["x", "y"]


def test_a_column_of_that_name_is_not_overwritten() -> None:
    """A second map over its own outcome gets a second column."""
    once, first = open_data(FRAMES["pandas"]).beside(ANSWERS)
    twice, second = open_data(once).beside(["no", "no"])
    assert (first, second) == (("answer",), ("answer_2",))
    assert twice["answer"].tolist() == ANSWERS


def test_an_index_with_doubles_and_levels() -> None:
    """Answers go back to their rows by place, whatever the index says."""
    doubled = pd.DataFrame({"text": ["a", "b", "c"]}, index=[7, 7, 1])
    levels = pd.DataFrame({"text": ["a", "b"]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)]))
    assert open_data(doubled).beside(["1", "2", "3"])[0]["answer"].tolist() == ["1", "2", "3"]
    assert open_data(levels).like(["1", "2"]).index.equals(levels.index)
    assert open_data(levels).label(1) == ("y", 2)


def test_labels_only_where_they_say_more_than_the_place() -> None:
    """A pandas index that only counts, and libraries without one, have no labels."""
    assert open_data(FRAMES["pandas"]).label(1) == "y"
    assert open_data(pd.DataFrame(COLUMNS)).label(1) is None
    assert open_data(FRAMES["polars"]).label(1) is None
    assert open_data(pd.DataFrame(COLUMNS).tail(1)).label(0) == 1


def test_chunks_join_without_a_seam() -> None:
    """Rows beyond the first chunk are the right ones."""
    data = open_data(pl.DataFrame({"n": range(2 * _CHUNK + 3)}))
    rows = list(data.rows({"n"}))
    assert [row.values["n"] for row in rows] == [row.position for row in rows] == list(range(2 * _CHUNK + 3))


def test_names_that_are_no_text() -> None:
    """Columns called by numbers or by several levels are there under their text."""
    numbers = pd.DataFrame([[1, 2]], columns=[0, 1])
    levels = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    assert open_data(numbers).first().values["row"] == {"0": 1, "1": 2}  # type: ignore[union-attr]
    assert open_data(levels).first().values["row"] == {"a / x": 1, "a / y": 2}  # type: ignore[union-attr]


def test_doubled_columns_are_refused() -> None:
    """A template cannot tell two columns of one name apart."""
    with pytest.raises(UsageError, match="two columns are called a"):
        open_data(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize("library", FRAMES)
def test_an_unknown_column_has_a_close_match(library: str) -> None:
    """The nearest column is named, and all of them."""
    with pytest.raises(UsageError, match="there is no column txet") as caught:
        open_data(FRAMES[library], "txet")
    assert caught.value.hint == "Did you mean text? The columns are: text, unit price."


def test_a_series_has_no_other_column() -> None:
    """A series takes its own name as the column, and no other."""
    assert open_data(SERIES["pandas"], "text").first().values == {"value": "a"}  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="this is a single column"):
        open_data(SERIES["pandas"], "stars")


def test_floats_of_32_bits_read_as_they_were_written() -> None:
    """0.1 stays 0.1."""
    data = pl.Series([0.1, None], dtype=pl.Float32)
    assert [row.values["value"] for row in open_data(data).rows()] == [0.1, None]
    assert open_data(pd.Series([0.1], dtype="float32")).first().values == {"value": 0.1}  # type: ignore[union-attr]


def test_columns_called_value_and_row() -> None:
    """A frame's own columns come before our names; the column asked for comes before both."""
    frame = pl.DataFrame({"value": [1], "row": [2], "text": [3]})
    assert open_data(frame).first().values == {"value": 1, "row": 2, "text": 3}  # type: ignore[union-attr]
    assert open_data(frame, "text").first().values["value"] == 3  # type: ignore[union-attr]


def test_cells_that_are_objects() -> None:
    """Lists, dates and missing values come as they are."""
    frame = pd.DataFrame({"a": [[1, 2], None], "b": [dt.date(2024, 5, 17), pd.NaT], "c": pd.array([1, pd.NA])})
    first, second = (row.values for row in open_data(frame).rows())
    assert (first["a"], first["b"], first["c"]) == ([1, 2], dt.date(2024, 5, 17), 1)
    assert second["a"] is None
    assert second["c"] is pd.NA
