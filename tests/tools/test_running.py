"""Calls: checked, run, and both their outcomes and their errors within bounds."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from jupyter_localllm.errors import SourceError
from jupyter_localllm.tools.running import LONGEST_ERROR, LONGEST_OUTCOME, checked, run
from jupyter_localllm.tools.tool import as_tool
from jupyter_localllm.types import ToolCall
from tests.tools import shop


def ran(function: Any, json: str = "{}") -> ToolCall:
    made = as_tool(function)
    call = ToolCall(made.name, json)
    ready = checked(call, {made.name: made})
    return ready if isinstance(ready, ToolCall) else run(call, *ready)


def outcome_of(value: Any) -> ToolCall:
    def give() -> Any:
        return value

    return ran(give)


def test_a_call_runs() -> None:
    """The function gets its arguments, and what it gives is told."""
    call = ran(shop.price, '{"item": "tea", "count": 2}')
    assert (call.status, call.outcome, call.shown) == ("done", "24.0", 'price(item="tea", count=2) = 24.0')


@pytest.mark.parametrize(
    ("value", "text"),
    [("plain", "plain"), (3, "3"), (None, "None"), (True, "True"), ({"a": [1, "é"]}, '{"a": [1, "é"]}'), (1.5, "1.5")],
)
def test_outcomes_are_text(value: Any, text: str) -> None:
    """Values are written as `{{ }}` writes them."""
    assert outcome_of(value).outcome == text


def test_a_frame_is_a_table() -> None:
    """A frame comes as in a prompt."""
    assert "| 2" in outcome_of(pd.DataFrame({"n": [1, 2]})).outcome


def test_long_outcomes_say_how_long_they_were() -> None:
    """Nothing is cut in silence."""
    call = outcome_of("x" * 10_000)
    assert call.outcome.startswith("x" * LONGEST_OUTCOME + "…")
    assert "10,000" in call.outcome


@pytest.mark.parametrize(
    "error", [ValueError("no\nsuch item"), KeyError("tea"), AssertionError(), SourceError("it", "do")]
)
def test_exceptions_are_outcomes(error: Exception) -> None:
    """Their kind and their words go back, on one line, without a stack and without hints for people."""

    def fail() -> None:
        raise error

    call = ran(fail)
    assert call.status == "failed"
    assert call.outcome.startswith(type(error).__name__)
    assert "\n" not in call.outcome


def test_long_exceptions_are_bounded() -> None:
    """A page of an error is none."""

    def fail() -> None:
        raise ValueError("x" * 10_000)

    assert len(ran(fail).outcome) < LONGEST_ERROR + 60


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_outcome(stop: type[BaseException]) -> None:
    """It stops the tool and the answer."""

    def wait() -> None:
        raise stop

    with pytest.raises(stop):
        ran(wait)


def test_a_value_without_text_is_told() -> None:
    """The model reads that there is none."""
    call = outcome_of(print)
    assert (call.status, "SourceError" in call.outcome) == ("failed", True)


@pytest.mark.parametrize(
    ("json", "says"),
    [('{"item": 3}', "item"), ("{}", "item"), ('{"item": "tea", "colour": "red"}', "colour"), ("no json", "JSON")],
)
def test_arguments_that_do_not_fit_go_back(json: str, says: str) -> None:
    """A backend without a constraint may write anything: the function is not called with it."""
    call = ran(shop.price, json)
    assert call.status == "failed"
    assert says in call.outcome


def test_a_tool_that_is_not_there_goes_back() -> None:
    """With the nearest name."""
    made = as_tool(shop.price)
    call = checked(ToolCall("prize"), {"price": made})
    assert isinstance(call, ToolCall)
    assert "Did you mean price?" in call.outcome


def test_calls_are_told_as_python_writes_them() -> None:
    """One argument stands alone; long ones are cut, and say so."""
    assert ToolCall("f", '{"a": true, "b": null}').words == "f(a=True, b=None)"
    assert "1,002 characters" in ToolCall("f", f'{{"a": "{"x" * 1000}"}}').words
    one, other = (ToolCall("f", f'{{"a": "{"x" * 1000}{end}"}}').words for end in "ab")
    assert one != other, "calls that begin alike are cited apart"
    assert ToolCall("f", "broken").words == "f()"
