"""Which variables fit where."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_localllm.magics.variables import attribute_names, columns_of, data_names, prompt_names

RECORDS = {"city": ["Rome"], "unit price": [1.5]}


class Costly:
    """Anything asked of an instance is an error."""

    def __len__(self) -> int:
        raise AssertionError("a length was taken")

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("an element was read")

    @property
    def columns(self) -> list[str]:
        raise AssertionError("a property was called")


def test_tables_and_lists_fit_over() -> None:
    """Frames, series, arrays and lists are data; texts, numbers, mappings, modules and classes are not."""
    data = {
        "frame": pd.DataFrame(RECORDS),
        "series": pd.Series([1]),
        "polars": pl.DataFrame(RECORDS),
        "lazy": pl.LazyFrame(RECORDS),
        "arrow": pa.table(RECORDS),
        "array": np.zeros(3),
        "rows": [1],
        "pair": (1, 2),
        "numbers": range(3),
        "costly": Costly(),
    }
    others = {"text": "a", "raw": b"a", "n": 1, "record": {"a": 1}, "bag": {1}, "module": math, "kind": list, "f": len}
    assert data_names({**data, **others, "_private": [1]}) == sorted(data)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table])
def test_columns_of_tables(make: Any) -> None:
    """The columns of every kind of frame are known, in their order."""
    assert columns_of(make(RECORDS)) == ["city", "unit price"]


def test_columns_of_other_things() -> None:
    """Records have keys; what has no columns, or fails to tell them, has none."""
    assert columns_of([{"b": 1, "a": 2}]) == ["b", "a"]
    assert columns_of(pd.DataFrame({1: [1], "x": [2]})) == ["x"]
    for value in ([], [1], (), "text", None, 3, {"a": 1}, Costly(), np.zeros((2, 2))):
        assert columns_of(value) == []


def test_attributes_are_named_and_not_read() -> None:
    """Attributes come from ``dir`` alone, a frame's columns among them; private ones stay private."""
    assert attribute_names(Costly()) == ["columns"]
    assert {"city", "describe"} <= set(attribute_names(pd.DataFrame(RECORDS)))
    assert attribute_names(None) == []


def test_names_for_a_prompt() -> None:
    """Names that IPython hides are left out, and private ones unless asked for."""
    variables = {"b": 1, "a": 2, "_c": 3, "In": [], "not a name": 1}
    assert prompt_names(variables, frozenset({"In"})) == ["a", "b"]
    assert prompt_names(variables, frozenset({"In"}), private=True) == ["_c", "a", "b"]
