"""Hashes of columns: of what the cells are, and of nothing else."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jupyter_localllm.sources.content as room
from jupyter_localllm.sources.frame import FrameKind


def _arrow_backed(cells: dict[str, Any]) -> pd.DataFrame:
    """As ``read_parquet(dtype_backend="pyarrow")`` gives it."""
    return pa.table(cells).to_pandas(types_mapper=pd.ArrowDtype)


MAKERS = [pd.DataFrame, pl.DataFrame, pa.table, _arrow_backed]


class Colour(str):
    """A text that is read otherwise than its letters."""


DAY = dt.date(2024, 5, 1)
MOMENT = dt.datetime(2024, 5, 1, 12, 30, 0, 1)
CHANGES: list[tuple[list[Any], list[Any]]] = [
    ([1, 2, 3], [1, 2, 4]),
    ([1, 2, 3], [2, 1, 3]),
    ([1.5, None], [1.5, 0.0]),
    ([0.1, 0.2], [0.1, np.nextafter(0.2, 1)]),
    ([True, False, None], [True, False, False]),
    (["a", "bc"], ["ab", "c"]),
    (["a", None], ["a", ""]),
    (["a", "b "], ["a", "b"]),
    (["ä", "b"], ["b", "ä"]),
    ([None, "a"], ["a", None]),
    ([DAY, None], [None, DAY]),
    ([MOMENT], [MOMENT.replace(microsecond=2)]),
    ([MOMENT.replace(tzinfo=dt.timezone.utc)], [MOMENT.replace(tzinfo=dt.timezone.utc, microsecond=2)]),
    ([dt.timedelta(1)], [dt.timedelta(2)]),
    ([dt.time(1)], [dt.time(2)]),
    ([decimal.Decimal("1.10")], [decimal.Decimal("1.11")]),
    ([[1, 2], [3]], [[1], [2, 3]]),
    ([b"a"], [b"b"]),
]


def content(data: Any) -> str:
    """The hash of the only column of a table."""
    return FrameKind().snapshot(data, "it").table.columns[-1].content


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("cells", "changed"), CHANGES)
def test_another_cell_is_another_content(make: Any, cells: list[Any], changed: list[Any]) -> None:
    """The last digit, the order, a missing cell, the place where one text ends and the next begins."""
    assert content(make({"x": cells})) == content(make({"y": list(cells)}))
    assert content(make({"x": cells})) != content(make({"x": changed}))
    assert content(make({"x": cells})) != content(make({"x": [*cells, cells[0]]}))


CATEGORIES: list[Callable[[list[str]], Any]] = [
    lambda cells: pd.DataFrame({"x": pd.Categorical(cells)}),
    lambda cells: pl.DataFrame({"x": pl.Series(cells, dtype=pl.Categorical)}),
    lambda cells: pa.table({"x": pa.array(cells).dictionary_encode()}),
    lambda cells: pd.DataFrame({"x": pd.Series(cells, dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string())))}),
    lambda cells: pd.DataFrame({"x": pd.Series(cells, dtype=object)}),
    lambda cells: pd.DataFrame({"x": pd.Series(cells, dtype="string[python]")}),
]


@pytest.mark.parametrize("make", CATEGORIES)
def test_categories_and_objects(make: Callable[[list[str]], Any]) -> None:
    """Texts by another type are hashed by what they say as well."""
    assert content(make(["a", "b", "a"])) == content(make(["a", "b", "a"]))
    assert content(make(["a", "b", "a"])) != content(make(["a", "b", "b"]))
    assert content(make(["a", "b", "a"])) != content(make(["a", "c", "a"]))


def test_objects_of_other_types_are_other_contents() -> None:
    """1, 1.0, "1" and True are four things."""
    cells: list[Any] = [1, 1.0, "1", True]
    hashes = {content(pd.DataFrame({"x": pd.Series([cell, b""], dtype=object)})) for cell in cells}
    assert len(hashes) == 4


LATE: list[Any] = [
    1,
    2,
    1.0,
    True,
    [1],
    [2],
    "1",
    "s",
    None,
    dt.date(2024, 1, 1),
    Colour("s"),
    "\ud800",
    "\ud801",
    b"s",
]


@pytest.mark.parametrize("first", ["s", None])
def test_objects_are_told_apart_however_late_they_come(first: str | None) -> None:
    """narwhals looks at the first hundred cells of a column of objects to say that it is one of texts."""
    hashes = [content(pd.DataFrame({"x": pd.Series([first] * 100 + [cell], dtype=object)})) for cell in LATE]
    assert len(set(hashes)) == len(LATE)
    again = pd.DataFrame({"y": pd.Series([first] * 100 + [[1]], dtype=object)})
    assert content(again) == hashes[4]


def test_a_late_list_is_held() -> None:
    """It may change after the snapshot, in its place."""
    cell = [1]
    column = FrameKind().snapshot(pd.Series(["s"] * 100 + [cell], dtype=object), "it").table.columns[-1]
    cell.append(2)
    assert column.text(100) == "[1]"
    assert column.texts[100] == "[1]"


def test_the_hash_does_not_depend_on_what_was_read_before() -> None:
    """Texts that were read are no other content."""
    data = pd.Series(["s", 1], dtype=object)
    columns = [FrameKind().snapshot(data, "it").table.columns[-1] for _ in range(2)]
    _ = columns[0].texts
    assert columns[0].content == columns[1].content


@pytest.mark.parametrize("cells", [[["a\x1fsb"] * 3, ["a"] * 3], [["a", "b"], ["b", "a"]]])
def test_names_of_categories_cannot_look_like_two(cells: list[list[str]]) -> None:
    """Whatever character stands in them."""
    one, other = pd.Categorical(cells[0]), pd.Categorical(cells[1], categories=["a", "b"])
    assert content(pd.DataFrame({"x": one})) != content(pd.DataFrame({"x": other}))


TEXTS = st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6)), max_size=8)


@given(TEXTS, st.integers(0, 8))
def test_a_text_is_hashed_alike_however_it_lies(cells: list[str | None], cut: int) -> None:
    """In one piece or in several, as a slice of more, read by Arrow or by Python."""
    whole = pa.array(cells, pa.string())
    pieces = [
        pa.chunked_array([whole]),
        pa.chunked_array([whole[:cut], whole[cut:]]),
        pa.chunked_array([pa.array(["more", None, *cells], pa.large_string())[2:]]),
    ]
    views = [nw.from_native(piece, series_only=True) for piece in pieces]
    hashes = {room.content_of(view, lambda rows: []) for view in views}
    by_python = _fed(room._python_texts(views[0]))
    assert len(hashes) == 1
    assert _fed(room._arrow_texts(views[2])) == by_python
    assert _fed(room._arrow_texts(nw.from_native(pl.Series("x", cells, pl.String), series_only=True))) == by_python


def _fed(pieces: Any) -> tuple[list[int], bytes]:
    sizes, letters = [], b""
    for some, data in pieces:
        sizes += some.tolist()
        letters += bytes(data)
    return sizes, letters


def test_what_lies_under_a_missing_cell_is_no_content() -> None:
    """Arrow may keep letters there."""
    data, offsets = pa.py_buffer(b"abc"), pa.py_buffer(np.array([0, 1, 2, 3], np.int32))
    valid = pa.py_buffer(bytes([0b101]))
    dirty = pa.Array.from_buffers(pa.string(), 3, [valid, offsets, data])
    assert dirty.to_pylist() == ["a", None, "c"]
    assert content(pa.table({"x": dirty})) == content(pa.table({"x": ["a", None, "c"]}))


ARRAYS: list[Callable[[Any], Any]] = [
    lambda array: pl.DataFrame({"x": array}),
    lambda array: pl.DataFrame({"x": pl.Series(array).cast(pl.Datetime("us"))}),
    lambda array: pl.DataFrame({"x": pl.Series(array).reshape((-1, 2))}),
    lambda array: pa.table({"x": pa.array(array)}),
    lambda array: pa.table({"x": pa.array(array)[2:]}),
    lambda array: pa.table({"x": pa.FixedSizeListArray.from_arrays(pa.array(array), 2)}),
    lambda array: pd.DataFrame({"x": pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(array)]))}),
    lambda array: pd.DataFrame({"x": pd.Series(array, copy=False)}, copy=False),
    lambda array: pd.DataFrame({"y": 1}, pd.Index(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(array)])))),
]


@pytest.mark.parametrize("make", ARRAYS)
def test_an_array_under_a_frame_may_be_written_to(make: Callable[[Any], Any]) -> None:
    """A snapshot does not follow it, and the next one is of another content if the frame follows it.

    polars and pyarrow may lie over an array of numpy: the frame is the same object, its buffers stay in place.
    """
    array = np.arange(1_000)
    data = make(array)
    before, same = (FrameKind().snapshot(data, "it") for _ in range(2))
    first, hashed = list(before.table.columns[0].texts), before.table.columns[0].content
    array[:] = array[::-1].copy()
    assert list(same.table.columns[0].texts) == first
    assert same.table.columns[0].content == hashed
    after = FrameKind().snapshot(data, "it").table.columns[0]
    assert (after.content != hashed) == (list(after.texts) != first)
