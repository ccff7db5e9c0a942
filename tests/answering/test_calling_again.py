"""What must not run twice, or half, or without its person knowing what it is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

import jupyter_localllm as jl
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import ToolNotConfirmed
from jupyter_localllm.tools.consent import ask_the_person
from jupyter_localllm.types import ToolCall
from tests.tools import shop


def call(called: str, **arguments: Any) -> str:
    return json.dumps({"name": called, "arguments": arguments})


def asks(*script: str) -> jl.LocalLLM:
    return jl.LocalLLM.from_engine(ScriptedEngine(list(script)))


def test_a_refused_round_runs_nothing() -> None:
    """All calls of a round are allowed before the first one runs: a rerun must not order again."""
    ran = []

    @jl.tool(safe=True)
    def order(item: str) -> str:
        """Order an item."""
        ran.append(item)
        return "ordered"

    def wipe(item: str) -> str:
        """Wipe an item."""
        return "wiped"

    llm = asks(call("order", item="tea") + call("wipe", item="tea"), "Done.")
    with pytest.raises(ToolNotConfirmed):
        llm.generate("q", tools=[order, wipe])
    assert ran == []
    llm.generate("q", tools=[order, wipe], yes=True)
    assert ran == ["tea"]


def test_a_call_in_other_words_is_the_same_call() -> None:
    """A default that is written out, and a whole number with a point, give no second order."""
    ran = []

    @jl.tool(safe=True)
    def buy(item: str, count: int = 1) -> str:
        """Buy an item."""
        ran.append((item, count))
        return "bought"

    calls = [call("buy", item="tea"), call("buy", item="tea", count=1), call("buy", item="tea", count=1.0)]
    asks(*calls, "Done.").generate("q", tools=[buy])
    assert ran == [("tea", 1)]


@dataclasses.dataclass
class Parcel:
    """What is sent."""

    to: str
    gift: str = dataclasses.field(default="none", repr=False)


PARCEL = Parcel("Tokyo", "tea")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"what": 1}, {"what": True}),
        ({"what": 0}, {"what": False}),
        ({"parcel": {"to": "Tokyo"}}, {"parcel": {"to": "Tokyo", "gift": "cup"}}),
        ({}, {"parcel": {"to": "Tokyo", "gift": "cup"}}),
        ({"what": 1}, {"what": 1, "parcel": {"to": "Oslo"}}),
    ],
)
def test_calls_that_look_alike_are_two(first: dict[str, Any], second: dict[str, Any]) -> None:
    """``1`` is not ``true``, and what an object does not show of itself is a difference all the same."""
    ran = []

    @jl.tool(safe=True)
    def send(what: int | bool = 7, parcel: Parcel = PARCEL) -> str:
        """Send it."""
        ran.append((what, parcel.to, parcel.gift))
        return f"sent {len(ran)}"

    answer = asks(call("send", **first), call("send", **second), "Done.").generate("q", tools=[send])
    assert [one.outcome for one in answer.calls] == ["sent 1", "sent 2"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"parcel": {"to": "Oslo", "gift": "cup"}}, {"parcel": {"gift": "cup", "to": "Oslo"}}),
        ({}, {"parcel": {"to": "Tokyo", "gift": "tea"}}),
        ({"what": 7.0}, {"parcel": {"to": "Tokyo", "gift": "tea"}}),
    ],
)
def test_calls_that_look_different_may_be_one(first: dict[str, Any], second: dict[str, Any]) -> None:
    """In another order, or with defaults written out."""
    ran = []

    @jl.tool(safe=True)
    def send(what: int = 7, parcel: Parcel = PARCEL) -> str:
        """Send it."""
        ran.append(what)
        return "sent"

    asks(call("send", **first), call("send", **second), "Done.").generate("q", tools=[send])
    assert ran == [7]


def test_an_outcome_is_looked_up_once() -> None:
    """Whether consent is needed is found out without counting: a call is one hit or one miss."""
    counted = []
    script = [call("double", number=21), "42"]
    for _ in range(2):
        llm = asks(*script)
        cache = llm.answers
        before = cache.stats()
        llm.generate("Twice 21, once?", tools=[shop.double])
        after = cache.stats()
        counted.append((after.hits - before.hits, after.misses - before.misses))
    assert counted == [(0, 3), (3, 0)]  # two rounds, and the call


def test_a_round_has_sixteen_calls_at_most() -> None:
    """Also by an engine that holds nothing, and it is told."""
    ran = []

    @jl.tool(safe=True)
    def count(number: int) -> int:
        """Count."""
        ran.append(number)
        return number

    llm = asks("".join(call("count", number=number) for number in range(40)), "Done.")
    llm.generate("q", tools=[count])
    assert ran == list(range(16))


PRICES = {"tea": 12.0}


@jl.tool(pure=True, safe=True)
def priced(item: str) -> float:
    """The price of an item."""
    return PRICES[item]


def made(rate: float) -> Callable[..., float]:
    @jl.tool(pure=True, safe=True)
    def convert(amount: float, fee: float = rate) -> float:
        """Convert an amount."""
        return amount * rate + fee

    return convert


class Shop:
    def __init__(self, price: float) -> None:
        self.price = price

    @jl.tool(pure=True, safe=True)
    def of(self, item: str) -> float:
        """The price here."""
        return self.price


def test_a_pure_function_that_holds_another_value_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closures, defaults, the object of a method and globals are part of what is remembered."""

    def outcome(tool: Any, **arguments: Any) -> str:
        script = [call(tool.__name__, **arguments), "Done."]
        (one,) = jl.LocalLLM.from_engine(ScriptedEngine(script)).generate("q", tools=[tool]).calls
        return one.outcome

    assert [outcome(made(rate), amount=1.5) for rate in (2.0, 3.0)] == ["5.0", "7.5"]
    assert [outcome(Shop(price).of, item="a") for price in (1.0, 9.0)] == ["1.0", "9.0"]
    assert outcome(priced, item="tea") == "12.0"
    monkeypatch.setitem(PRICES, "tea", 99.0)
    assert outcome(priced, item="tea") == "99.0"


def test_who_says_yes_has_seen_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long arguments are not cut in the question, and signs that turn or hide others are spelt out."""
    said: list[str] = []
    monkeypatch.setattr("builtins.input", lambda prompt: said.append(prompt) or "n")
    monkeypatch.setattr("jupyter_localllm.tools.consent._somebody_there", lambda: True)
    hidden = "echo hello " + " " * 150 + "; rm -rf ~"
    ask_the_person(ToolCall("run", json.dumps({"command": hidden})))
    ask_the_person(ToolCall("run", json.dumps({"command": "a\u202eb"})))
    assert "rm -rf" in said[0]
    assert "\u202e" not in said[1]
    assert "\\u202e" in said[1]


@dataclasses.dataclass
class Picky:
    number: int

    def __post_init__(self) -> None:
        raise KeyError(self.number)


def test_what_an_argument_raises_goes_back_to_the_model() -> None:
    """Whatever a type of the person's raises, and whatever the function's error says of itself."""

    @jl.tool(safe=True)
    def take(one: Picky) -> str:
        """Take one."""
        return "taken"

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    @jl.tool(safe=True)
    def fail(number: int) -> str:
        """Fail."""
        raise Mute

    script = [call("take", one={"number": 1}), call("fail", number=1), "Done."]
    result = asks(*script).generate("q", tools=[take, fail])
    assert all(one.status != "done" for one in result.calls)
    assert len(result.calls) == 2
    assert result.text.startswith("Done")
