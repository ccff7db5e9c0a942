"""Answers under a schema, from a cluster."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import Any, Literal

import dask.bag
import dask.dataframe
import pandas as pd
import pydantic

from jupyter_localllm.api import LocalLLM


class Said(pydantic.BaseModel):
    re: str
    mood: Literal["good", "bad"] | None = None


def test_columns(llm: LocalLLM, client: Any) -> None:
    """The columns and types of one machine, of ordinary data and of partitions; objects of the same class in a bag."""
    texts = pd.Series([f'"text {i}", "mood": "good"' for i in range(6)], name="text")
    here = llm.map('{"re": {{ value }}}', texts, schema=Said, cache="off", system="json")
    assert isinstance(here, pd.DataFrame)
    there = llm.map('{"re": {{ value }}}', texts, schema=Said, client=client, cache="off", system="json")
    pd.testing.assert_frame_equal(there, here)
    parts = dask.dataframe.from_pandas(texts, npartitions=3)
    made = llm.map('{"re": {{ value }}}', parts, schema=Said, client=client, cache="off", system="json")
    assert list(made.columns) == ["re", "mood"]
    computed = client.compute(made).result()
    assert computed["mood"].tolist() == here["mood"].tolist()
    assert str(computed["mood"].dtype) == "category"
    bag = dask.bag.from_sequence(texts.tolist(), npartitions=2)
    said = llm.map('{"re": {{ value }}}', bag, schema=Said, client=client, system="json")
    objects = client.compute(said).result()
    assert objects[0] == Said(re="text 0", mood="good")
    assert llm.map('{"re": {{ value }}}', texts, schema=Said, client=client, system="json")["re"].tolist() == [
        f"text {i}" for i in range(6)
    ]


class Mixed(pydantic.BaseModel):
    parts: list[int]
    day: datetime.date
    price: Decimal
    note: str | None = None
    shares: dict[str, int]


def test_objects_stay_objects(llm: LocalLLM, client: Any) -> None:
    """Dask makes texts of no list, date or dict, also where a person computes with them later."""
    said = {"parts": [1, 2], "day": "2024-01-01", "price": "1.5", "note": None, "shares": {"a": 1}}
    texts = pd.Series([json.dumps(said)] * 2)
    here = llm.map("{{ value }}", texts, schema=Mixed)
    made = llm.map("{{ value }}", dask.dataframe.from_pandas(texts, npartitions=2), schema=Mixed, client=client)
    pd.testing.assert_frame_equal(client.compute(made).result(), here)
    assert client.compute(made.parts.map(len, meta=("parts", "int64"))).result().tolist() == [2, 2]
