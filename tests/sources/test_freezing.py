"""The copy of nested data: what is kept, what is left out, and what is said about it."""

from __future__ import annotations

import dataclasses
from collections import UserDict, deque
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources import freezing
from jupyter_localllm.sources.freezing import freeze
from jupyter_localllm.sources.nodes import Fields, Items, Same
from jupyter_localllm.sources.snapshot import take_snapshot


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("not today")

    __str__ = __repr__


class Slow:
    asked = 0

    def __repr__(self) -> str:
        type(self).asked += 1
        return "after a minute"


class BadKey(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("not today")


class Colour(Enum):
    RED = "red"

    def __str__(self) -> str:
        raise RuntimeError("no colour")


class BadMapping(UserDict[str, int]):
    def items(self) -> Any:
        raise OSError("gone")


@dataclasses.dataclass
class Half:
    here: int
    gone: int = dataclasses.field(init=False)


def _notes(value: Any, name: str = "it") -> dict[str, str]:
    return {note.code: note.text for note in take_snapshot(value, name).notes}


def _texts(value: Any, name: str = "it") -> list[str]:
    return [passage.text for passage in take_snapshot(value, name).passages()]


def test_secrets_are_left_out_and_told() -> None:
    """At any depth, with path and count; the rest is there."""
    value = {"db": {"password": "hunter2", "host": "h"}, "api_key": {"inner": "k"}, "max_tokens": 5}
    assert _texts(value) == ["db > host: h", "max_tokens: 5"]
    said = _notes(value)["secret"]
    assert "2 values" in said
    assert "/db/password" in said
    assert "/api_key" in said
    assert "hunter2" not in repr(take_snapshot(value, "it"))


def test_a_secret_that_was_named_is_sent() -> None:
    """Who names the variable ``password`` asks for it."""
    assert _texts("hunter2", "password") == ["password: hunter2"]
    assert _texts({"token": "t"}, "credentials") == ["token: t"]


def test_secret_fields_of_records_are_left_out() -> None:
    """A record is called by another field then."""
    value = [{"password": "p1", "user": "ann"}, {"password": "p2", "user": "bob"}]
    assert _texts(value) == ["user of ann: ann", "user of bob: bob"]


@pytest.mark.parametrize(
    "bad",
    [Unprintable(), Colour.RED, BadMapping(a=1), b"bytes", (n for n in range(3)), len],
    ids=lambda bad: type(bad).__name__,
)
def test_one_bad_value_costs_only_itself(bad: Any) -> None:
    """The others are there, and a note names the place and the reason."""
    assert _texts({"a": 1, "bad": bad, "b": [2, bad, 3]})[0] == "a: 1"
    texts = _texts({"a": 1, "bad": bad, "b": [2, bad, 3]})
    assert texts == ["a: 1", "b > item 1: 2", "b > item 3: 3"]
    said = _notes({"a": 1, "bad": bad, "b": [2, bad, 3]})["skipped"]
    assert said.startswith("2 values of it cannot be cited: /bad: ")
    assert "/b/1" in said


def test_a_slow_repr_is_not_called() -> None:
    """What has only its repr() left is not asked for it: it may take a minute."""
    assert _texts({"a": 1, "slow": Slow()}) == ["a: 1"]
    assert "repr() may be slow" in _notes({"a": 1, "slow": Slow()})["skipped"]
    assert Slow.asked == 0


def test_a_generator_inside_is_not_consumed() -> None:
    """It still has all of its values."""
    numbers = (number for number in range(3))
    _texts({"a": numbers})
    assert list(numbers) == [0, 1, 2]


def test_a_field_that_cannot_be_read_is_skipped() -> None:
    """A dataclass field without a value is a gap and no error."""
    assert _texts(Half(1)) == ["here: 1"]
    assert "/gone" in _notes(Half(1))["skipped"]


def test_self_reference_is_said_and_not_followed() -> None:
    """A value that contains itself stands once, then by its place."""
    tree: dict[str, Any] = {"name": "root", "children": []}
    tree["children"].append({"name": "leaf", "parent": tree})
    assert _texts(tree) == [
        "name: root",
        "children > name of leaf: leaf",
        "children > parent of leaf: (the same as the whole)",
    ]
    loop: list[Any] = []
    loop.append(loop)
    assert freeze(loop, "it").root == Items((Same(""),))


def test_shared_parts_are_no_loops() -> None:
    """The same list in two places is there twice."""
    shared = [1]
    assert _texts({"a": shared, "b": shared}) == ["a: 1", "b: 1"]


def test_depth_is_bounded_and_said() -> None:
    """64 levels; what lies deeper is left out with a note."""
    value: Any = 1
    for _ in range(100):
        value = {"a": value}
    assert _texts({"deep": value, "b": 2}) == ["b: 2"]
    assert "deeper than 64 levels" in _notes({"deep": value, "b": 2})["cut"]


@pytest.mark.parametrize(
    "make", [lambda: list(range(50)), lambda: [[1]] * 50, lambda: {str(n): n for n in range(50)}, lambda: range(10**12)]
)
def test_the_bound_of_values_is_said(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first are read, and people are told."""
    monkeypatch.setattr(freezing, "MAX_VALUES", 20)
    assert _notes(make())["cut"] == "only the first 20 values of it were read"
    assert len(_texts(make())) <= 20
    assert "cut" not in _notes(list(range(20)))


def test_a_billion_laughs_end() -> None:
    """Shared parts that would unfold without end stop at the bound."""
    value: list[Any] = ["ha"] * 10
    for _ in range(9):
        value = [value] * 10
    assert "cut" in {note.code for note in freeze(value, "it").notes}


def test_kinds_of_containers() -> None:
    """Whatever has fields or items is read by them, whatever its own text says."""
    pair = attrs.make_class("Pair", ["a", "b"])
    assert freeze(pair(1, [2]), "it").root == Fields(("a", "b"), (1, Items((2,))))
    assert freeze(deque([1, "x"]), "it").root == Items((1, "x"))
    assert freeze({3, 1, 2}, "it").root == Items((1, 2, 3))
    assert freeze({(1, 2), "a", None}, "it").root == Items((Items((1, 2)), None, "a"))
    assert freeze({"x": 1}.items(), "it").root == Items((Items(("x", 1)),))
    assert freeze({"p": Path("notes.txt")}, "it").root == Fields(("p",), ("notes.txt",))
    assert freeze({"n": np.float64(1.5), "z": np.array(3)}, "it").root == Fields(("n", "z"), (np.float64(1.5), "3"))
    assert freeze({BadKey("k"): 1}, "it").root == Fields(("k",), (1,))


def test_a_whole_that_cannot_be_read_is_an_error() -> None:
    """Not an empty source."""
    with pytest.raises(SourceError, match="BadMapping raises OSError"):
        take_snapshot(BadMapping(a=1), "it")
