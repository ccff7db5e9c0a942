"""What is kept of a pure function is of this one: another thing that it holds is another function."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import functools
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_localllm.tools.identity import identity_of


class Size(enum.Enum):
    """A choice."""

    SMALL = 1
    LARGE = 2


class Slotted:
    """Without a ``__dict__``."""

    __slots__ = ("rate",)

    def __init__(self, rate: Any) -> None:
        self.rate = rate

    def convert(self, amount: int) -> Any:
        """Convert."""
        return self.rate * amount


HELD: Any = None


def by_name(item: str) -> Any:
    """What it holds, by its global name."""
    return HELD[item]


def in_a_generator(items: list[str]) -> Any:
    """In what is written within it."""
    return sum(HELD[one] for one in items)


def by_another(item: str) -> Any:
    """Through another function of the module."""
    return by_name(item)


def closed_over(held: Any) -> Callable[[], Any]:
    def give() -> Any:
        return held

    return give


def defaulted(held: Any) -> Callable[..., Any]:
    def give(one: Any = held) -> Any:
        return one

    return give


def decorated(held: Any) -> Callable[[], Any]:
    def decorator(function: Callable[[], Any]) -> Callable[[], Any]:
        @functools.wraps(function)
        def wrapper() -> Any:
            return (held, function())

        return wrapper

    @decorator
    def give() -> Any:
        return 1

    return give


PAIRS: list[tuple[Any, Any]] = [
    (12, 99),
    (1, True),
    (decimal.Decimal(12), decimal.Decimal(99)),
    ([1, [2]], [1, [3]]),
    ([1], decimal.Decimal(2)),
    ({("a", 1): np.int64(3)}, {("a", 1): np.int64(4)}),
    ({"a", "b"}, {"a", "c"}),
    (dt.date(2024, 1, 1), dt.date(2024, 1, 2)),
    (Size.SMALL, Size.LARGE),
    (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]})),
    (np.arange(3), np.arange(3) + 1),
    (b"a", b"b"),
    (re.compile("a" * 200 + "b"), re.compile("a" * 200 + "c")),
    (re.compile("a"), re.compile("a", re.DOTALL)),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("make", [closed_over, defaulted, decorated])
def test_another_value_is_another_function(make: Callable[[Any], Any], first: Any, second: Any) -> None:
    """Whatever kind of value it is, and wherever it is held; the same one is the same."""
    assert identity_of(make(first)) == identity_of(make(first))
    assert identity_of(make(first)) != identity_of(make(second))


@pytest.mark.parametrize("function", [by_name, in_a_generator, by_another])
def test_globals_count_wherever_they_are_read(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the function, in a generator within it, in another function that it calls."""
    found = []
    for price in (12, 12, 99):
        monkeypatch.setitem(globals(), "HELD", {"tea": decimal.Decimal(price)})
        found.append(identity_of(function))
    assert found[0] == found[1] != found[2]


def test_an_object_counts_by_its_attributes() -> None:
    """Of a method its object's, slots included."""
    assert identity_of(Slotted(2).convert) == identity_of(Slotted(2).convert)
    assert identity_of(Slotted(2).convert) != identity_of(Slotted(3).convert)


@pytest.mark.parametrize("held", [object(), threading.Lock(), iter([1])])
def test_what_cannot_be_told_is_never_the_same(held: Any) -> None:
    """An outcome that may depend on it is not kept."""
    assert identity_of(closed_over(held)) != identity_of(closed_over(held))


def test_a_value_that_holds_itself() -> None:
    """Is told once."""
    loop: list[Any] = [1]
    loop.append(loop)
    assert identity_of(closed_over(loop)) == identity_of(closed_over(loop))
