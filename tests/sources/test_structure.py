"""Containers as JSON-like text: complete, safe, and the same every time."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources import render_for_prompt
from jupyter_localllm.sources.structure import MAX_DEPTH, inline_text
from jupyter_localllm.types import Result

Point = namedtuple("Point", "x y")


@dataclasses.dataclass
class House:
    street: str
    rooms: list[int]
    key: str = dataclasses.field(default="1234", repr=False)


@dataclasses.dataclass
class Spoken:
    text: str

    def __str__(self) -> str:
        return self.text


class Model:
    """What a pydantic model looks like from outside."""

    model_fields: ClassVar[dict[str, Any]] = {"a": None, "b": None}
    model_extra: ClassVar[dict[str, Any]] = {"c": 3}

    def __init__(self) -> None:
        self.a, self.b, self.c = 1, [2], 3

    def model_dump(self) -> dict[str, Any]:
        raise AssertionError("fields are read, serializers are not run")


TREE: dict[str, Any] = {"name": "root", "children": []}
TREE["children"].append({"name": "leaf", "parent": TREE})
LOOP: list[Any] = []
LOOP.append(LOOP)
SHARED = [1]


@pytest.mark.parametrize(
    ("value", "text", "note"),
    [
        ({}, "{}", "0 keys"),
        ({"a": 1}, '{"a": 1}', "1 key"),
        ([], "[]", "0 items"),
        ((1, "b"), '[1, "b"]', "2 items"),
        ([1, [2, [3]]], "[1, [2, [3]]]", "2 items"),
        ({"ü": "日本 \n"}, '{"ü": "日本 \\n"}', "1 key"),
        ({1: "a", "1": "b", None: "c", (1, 2): "d"}, '{1: "a", "1": "b", null: "c", [1, 2]: "d"}', "4 keys"),
        ({"b": 1, "a": 2}, '{"b": 1, "a": 2}', "2 keys"),
        ({3, 1, 2}, "[1, 2, 3]", "3 items"),
        (frozenset({"b", "a"}), '["a", "b"]', "2 items"),
        ({1, "a", None}, '[null, 1, "a"]', "3 items"),
        (range(3), "[0, 1, 2]", "3 items"),
        (deque([1, 2]), "[1, 2]", "2 items"),
        ({"b": 1}.keys(), '["b"]', "1 item"),
        ({"b": 1}.values(), "[1]", "1 item"),
        ({"b": 1}.items(), '[["b", 1]]', "1 item"),
        (OrderedDict(b=1), '{"b": 1}', "1 key"),
        (Counter("aab"), '{"a": 2, "b": 1}', "2 keys"),
        (MappingProxyType({"a": 1}), '{"a": 1}', "1 key"),
        (Point(1, 2), '{"x": 1, "y": 2}', "2 fields"),
        (SimpleNamespace(a=1), '{"a": 1}', "1 field"),
        (House("Elm", [2]), '{"street": "Elm", "rooms": [2]}', "2 fields"),
        (Model(), '{"a": 1, "b": [2], "c": 3}', "3 fields"),
        ([Point(1, House("E", []))], '[{"x": 1, "y": {"street": "E", "rooms": []}}]', "1 item"),
        (TREE, '{"name": "root", "children": [{"name": "leaf", "parent": "<the same object as $>"}]}', "2 keys"),
        (LOOP, '["<the same object as $>"]', "1 item"),
        ([SHARED, SHARED], "[[1], [1]]", "2 items"),
        (np.array([1, 2]), "[1, 2]", "2 values"),
        (np.zeros((2, 2)), "[[0.0, 0.0], [0.0, 0.0]]", "2 x 2 array"),
        (np.array(5), "5", "array"),
        (np.array([0.1, np.nan], dtype="f4"), "[0.1, NaN]", "2 values"),
        (np.array(["2024-01-01", "NaT"], dtype="M8[ns]"), '["2024-01-01T00:00:00.000000000", null]', "2 values"),
        (np.array([1, 2], dtype="m8[D]"), '["1 days", "2 days"]', "2 values"),
        (np.array([(1, "a")], dtype=[("n", "i4"), ("s", "U1")]), '[{"n": 1, "s": "a"}]', "1 values"),
        (np.ma.masked_array([1, 2], mask=[0, 1]), "[1, null]", "2 values"),
        (np.array(["a", None], dtype=object), '["a", null]', "2 values"),
        (pd.Index(["a", "b"]), '["a", "b"]', "2 values"),
        (pd.Categorical(["a", None]), '["a", NaN]', "2 values"),
    ],
)
def test_containers(value: Any, text: str, note: str) -> None:
    """Every kind of container is written whole, as JSON where JSON has a form."""
    rendered = render_for_prompt(value)
    assert rendered.text == text
    assert rendered.note == note


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(JSON)
def test_what_json_can_hold_is_json(value: Any) -> None:
    """Values that JSON knows come back from the text as they were: nothing is lost, cut or merged."""
    if isinstance(value, (list, dict)):
        assert json.loads(render_for_prompt(value).text) == value


@given(JSON)
def test_one_line_for_a_cell(value: Any) -> None:
    """The form for a cell has no line break and holds the same."""
    text = inline_text(value)
    assert "\n" not in text
    assert json.loads(text) == value


def test_long_structures_break_where_a_person_would_break_them() -> None:
    """Pairs stand on lines of their own, short values share lines, and the text asks for lines of its own."""
    rendered = render_for_prompt({"name": "x" * 60, "values": list(range(40)), "more": {"y": "z" * 60}})
    assert rendered.block
    assert rendered.text.splitlines() == [
        "{",
        f'  "name": "{"x" * 60}",',
        '  "values": [',
        "    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,",
        "    27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39",
        "  ],",
        f'  "more": {{"y": "{"z" * 60}"}}',
        "}",
    ]


def test_a_table_inside_of_a_dict_keeps_its_lines() -> None:
    """A dict of frames can be read: the tables stand on lines of their own, with their sizes."""
    text = render_for_prompt({"train": pd.DataFrame({"a": [1, 2]}), "n": 2}).text
    assert text.splitlines() == [
        "{",
        '  "train": 2 rows x 1 column',
        "",
        "  | a |",
        "  |---|",
        "  | 1 |",
        "  | 2 |",
        '  "n": 2',
        "}",
    ]


def test_all_items_of_a_long_list_are_there() -> None:
    """A list of 10,000 numbers has 10,000 numbers."""
    values = list(range(10_000))
    assert json.loads(render_for_prompt(values).text) == values
    assert json.loads(render_for_prompt(np.arange(10_000)).text) == values


def test_too_deep_is_an_error_and_not_a_cut() -> None:
    """The limit of nesting is told with the place; one level less is written whole."""
    value: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert "".join(render_for_prompt(value).text.split()) == "[" * MAX_DEPTH + "]" * MAX_DEPTH
    with pytest.raises(SourceError, match=rf"deep is nested deeper than {MAX_DEPTH} levels, at \$\[0\]"):
        render_for_prompt([value], name="deep")


def test_shared_parts_cannot_explode() -> None:
    """A billion laughs in a few lists is too large, and found out before it fills the memory."""
    value: list[Any] = ["ha"] * 10
    for _ in range(12):
        value = [value] * 10
    with pytest.raises(SourceError, match="more than 200,000 values"):
        render_for_prompt(value)


def test_an_array_that_is_too_large_is_not_even_turned_into_a_list() -> None:
    """The shape is asked first."""
    with pytest.raises(SourceError, match="1,000 x 1,000 array"):
        render_for_prompt(np.broadcast_to(np.float64(0), (1000, 1000)), name="grid")
    with pytest.raises(SourceError, match="too large"):
        render_for_prompt({"grid": np.broadcast_to(np.float64(0), (1000, 1000))})


def test_a_defaultdict_is_not_changed_by_reading_it() -> None:
    """Reading is reading."""
    value: defaultdict[str, list[int]] = defaultdict(list, a=[1])
    assert render_for_prompt(value).text == '{"a": [1]}'
    assert dict(value) == {"a": [1]}


def test_an_author_who_wrote_str_is_taken_at_his_word() -> None:
    """A dataclass with a text of its own reads as that text; so an earlier answer reads as its answer."""
    assert render_for_prompt(Spoken("so it is")).text == "so it is"
    assert render_for_prompt(Result("The capital is Paris.")).text == "The capital is Paris."


def test_what_has_no_text_is_an_error_inside_of_a_structure_too() -> None:
    """A generator in a list is neither consumed nor skipped."""
    numbers = (number for number in range(3))
    with pytest.raises(SourceError, match="only once"):
        render_for_prompt({"a": [numbers]})
    assert list(numbers) == [0, 1, 2]


def test_attrs_objects() -> None:
    """Fields of an attrs class are read as those of a dataclass."""
    attrs = pytest.importorskip("attrs")
    kind = attrs.make_class("Pair", ["a", "b"])
    assert render_for_prompt(kind(1, [2])).text == '{"a": 1, "b": [2]}'
