"""Nested data as passages: worded with their paths, found by their pointers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.sources.passages_values import HeldStructure, hold_structure
from jupyter_localllm.sources.pointers import parts_of_pointer, pointer_of
from jupyter_localllm.sources.scalar import json_text
from jupyter_localllm.sources.snapshot import take_snapshot
from jupyter_localllm.types import Locator

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(), inner), max_leaves=40
)


def _texts(value: Any) -> list[str]:
    return [passage.text for passage in take_snapshot(value, "it").passages()]


def test_a_value_is_worded_with_its_path() -> None:
    """The path is what makes a number say something; the pointer is exact."""
    held = take_snapshot({"prices": {"EU": {"2024": 12.4}}}, "it")
    (passage,) = held.passages()
    assert passage.text == "prices > EU > 2024: 12.4"
    assert passage.value == "12.4"
    assert passage.kind == "value"
    assert passage.locator == Locator(path="/prices/EU/2024", label="prices > EU > 2024")


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ({"a": None, "b": True, "c": "x", "d": float("nan")}, ["a: null", "b: true", "c: x", "d: NaN"]),
        ({"a": [], "b": {}, "c": ""}, ["a: []", "b: {}", 'c: ""']),
        ({"tags": ["red", "green"]}, ["tags: red, green"]),
        ({"a": ["x"]}, ["a: x"]),
        ([1, 2], ["it: 1, 2"]),
        ([[1, 2], [3]], ["item 1: 1, 2", "item 2: 3"]),
        ({1: "int", "1": "str", ("EU", 2024): 5}, ["1: int", "1 (str): str", "EU / 2024: 5"]),
        (
            [{"City": "Berlin", "Population": 3.9}, {"City": "Rome", "Population": 2.8}],
            ["City of Berlin: Berlin", "Population of Berlin: 3.9", "City of Rome: Rome", "Population of Rome: 2.8"],
        ),
        ({"cities": [{"n": 3.9, "name": "Bari"}]}, ["cities > n of Bari: 3.9", "cities > name of Bari: Bari"]),
        ([{"a": 1}, {"a": 2}], ["a of item 1: 1", "a of item 2: 2"]),
        (
            [{"kind": "city", "name": "Rome"}, {"kind": "city", "name": "Bari"}],
            ["kind of Rome: city", "name of Rome: Rome", "kind of Bari: city", "name of Bari: Bari"],
        ),
        (
            [{"k": "x", "n": 1}, {"k": "x", "n": 2}],
            ["k of x, number 1: x", "n of x, number 1: 1", "k of x, number 2: x", "n of x, number 2: 2"],
        ),
        (
            [{"id": "a1", "at": {"x": 1}}, {"id": "b2", "at": {"x": 2}}],
            ["a1 > id: a1", "a1 > at > x: 1", "b2 > id: b2", "b2 > at > x: 2"],
        ),
    ],
)
def test_wordings(value: Any, texts: list[str]) -> None:
    """Each shape of data reads as a person would say it."""
    assert _texts(value) == texts


def test_a_long_list_comes_in_blocks_with_positions() -> None:
    """Blocks of 20, each with its rows."""
    held = take_snapshot({"n": list(range(45))}, "it")
    passages = list(held.passages())
    assert [p.locator.rows and (p.locator.rows[0], p.locator.rows[-1]) for p in passages] == [
        (0, 19),
        (20, 39),
        (40, 44),
    ]
    assert passages[2].text == "n (items 41 to 45 of 45): 40, 41, 42, 43, 44"
    assert passages[2].locator.label == "n, items 41 to 45"


def test_a_list_of_sentences_is_one_passage_each() -> None:
    """Documents in a list stand for themselves; long ones are cut, with lines."""
    sentence = "This is one of the documents, and it has quite a few more words than a name has."
    held = take_snapshot([sentence, "# Title\n\n" + "And on it goes. " * 60], "docs")
    passages = list(held.passages())
    assert passages[0].text == f"item 1: {sentence}"
    assert len(passages) == 3
    assert all(p.locator.path == "/1" and p.locator.lines for p in passages[1:])
    assert passages[1].text.startswith("item 2 > Title: And on")


@given(JSON)
@settings(max_examples=200)
def test_every_leaf_is_found_by_its_pointer(value: Any) -> None:
    """Each passage's pointer leads to its value in the data, and back to the passage."""
    if not isinstance(value, (list, dict)):
        return
    held = hold_structure(value, "it", "")
    for passage in held.passages():
        assert held.resolve(passage.locator) == passage
        found = value
        for step in parts_of_pointer(passage.locator.path or "") or ():
            found = found[int(step)] if isinstance(found, list) else found[step]
        if passage.kind == "value" and isinstance(found, str) and found.strip():
            assert passage.value == found


def _leaves(part: Any, place: str = "") -> dict[str, Any]:
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    found: dict[str, Any] = {}
    for key, value in inner:
        found |= _leaves(value, place + pointer_of(str(key)))
    return found or {place: part}


@given(JSON)
@settings(max_examples=200)
def test_no_leaf_is_lost(value: Any) -> None:
    """Each value of the data is in the passage of its own place, or in that of its list."""
    if not isinstance(value, (list, dict)) or not value:
        return
    passages = list(hold_structure(value, "password", "").passages())  # under this name nothing counts as a secret
    told: dict[str, int] = {}
    for passage in passages:
        told[passage.locator.path or ""] = told.get(passage.locator.path or "", 0) + len(passage.locator.rows or (1,))
    for place, leaf in _leaves(value).items():
        around = place.rpartition("/")[0]
        assert place in told or around in told
        if isinstance(leaf, (int, float)) and place not in told:
            assert any(p.locator.path == around and str(json_text(leaf)) in p.text for p in passages)


def test_a_value_that_became_something_else_is_told_apart() -> None:
    """A list that grew, a leaf that became a dict, a key that went: none resolves to the old hash."""
    before = {p.locator.path: p for p in take_snapshot({"a": [1], "b": 1, "c": 2}, "it").passages()}
    now = take_snapshot({"a": list(range(30)), "b": {"x": 1}}, "it")
    for path, passage in before.items():
        found = now.resolve(passage.locator)
        assert found is None or found.sha256 != passage.sha256, path
    assert now.resolve(before["/c"].locator) is None


@pytest.mark.parametrize("path", ["/n/45", "/n/-1", "/n/01", "/n/x", "x", "/", "/n/0/0"])
def test_pointers_that_lead_nowhere(path: str) -> None:
    """No passage and no error."""
    assert take_snapshot({"n": list(range(45))}, "it").resolve(Locator(path=path)) is None


def test_tables_inside_are_cited_by_their_cells() -> None:
    """A dict of frames: path and rows together, and found again."""
    held = take_snapshot({"train": pd.DataFrame({"City": ["Rome", "Bari"], "n": [1, 2]})}, "data")
    assert isinstance(held, HeldStructure)
    passages = list(held.passages())
    assert any(p.locator.path == "/train" and p.locator.rows == (1,) for p in passages)
    assert all(p.source == "data" and p.text.startswith("train: ") for p in passages)
    assert all(held.resolve(p.locator) == p for p in passages)


def test_numbers_and_their_texts_differ() -> None:
    """``1`` and ``"1"`` read the same and are not the same."""
    one, text = take_snapshot({"a": 1}, "it"), take_snapshot({"a": "1"}, "it")
    assert one.sha256 != text.sha256
    assert next(one.passages()).sha256 != next(text.passages()).sha256
