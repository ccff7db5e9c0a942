"""Consent: safe tools run, others are asked about, and where nobody is they are refused."""

from __future__ import annotations

import io
import sys
import threading
from typing import Any

import numpy as np
import pytest

import jupyter_localllm as jl
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import ToolNotConfirmed, UsageError
from jupyter_localllm.tools.consent import Consent
from jupyter_localllm.tools.tool import as_tool
from jupyter_localllm.types import ToolCall
from tests.tools import shop

CALL = ToolCall("price", '{"item": "tea"}')
PRICE = as_tool(shop.price)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_safe_tools_are_not_asked_about() -> None:
    """A mark is enough, and so is a general yes."""

    def never(call: ToolCall) -> bool:
        raise AssertionError("asked")

    assert Consent(never).given(as_tool(shop.weather), ToolCall("weather"))
    assert Consent(True).given(PRICE, CALL)


@pytest.mark.parametrize(
    ("said", "given"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("a\n", True)]
)
def test_a_person_is_asked(said: str, given: bool, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """The call stands in the question; only a yes is one."""
    monkeypatch.setattr(sys, "stdin", Terminal(said))
    assert Consent(False).given(PRICE, CALL) is given
    assert 'Run price(item="tea")?' in capsys.readouterr().out


def test_always_holds_for_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked once, and another tool is asked about again."""
    monkeypatch.setattr(sys, "stdin", Terminal("a\nn\n"))
    consent = Consent(False)
    other = as_tool(lambda_like)
    assert [consent.given(PRICE, CALL), consent.given(PRICE, CALL), consent.given(other, ToolCall("f"))] == [
        True,
        True,
        False,
    ]


def lambda_like() -> None:
    """Nothing."""


@pytest.mark.parametrize("stdin", [io.StringIO("y\n"), Terminal(""), None])
def test_where_nobody_is_it_is_refused(stdin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe, an input that has ended, none at all: an error that says what to do."""
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(ToolNotConfirmed, match=r'price\(item="tea"\)') as caught:
        Consent(False).given(PRICE, CALL)
    assert "--yes" in caught.value.hint
    assert "safe=True" in caught.value.hint


def test_another_thread_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard input belongs to the main thread."""
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    errors: list[Exception] = []

    def ask() -> None:
        try:
            Consent(False).given(PRICE, CALL)
        except ToolNotConfirmed as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_a_function_may_say_it() -> None:
    """Programs decide for themselves; a call is told to them whole."""
    asked: list[str] = []

    def confirm(call: ToolCall) -> bool:
        asked.append(call.words)
        return call.arguments["item"] == "tea"

    assert Consent(confirm).given(PRICE, CALL)
    assert not Consent(confirm).given(PRICE, ToolCall("price", '{"item": "gold"}'))
    assert asked == ['price("tea")', 'price("gold")']


async def refusing(call: ToolCall) -> bool:
    """What nobody awaits."""
    return False


@pytest.mark.parametrize("confirm", [refusing, lambda call: "maybe", lambda call: 1, lambda call: [False]])
def test_only_a_yes_is_a_yes(confirm: Any) -> None:
    """A coroutine, another word and another object are true for Python; here they are an error, and nothing runs."""
    with pytest.raises(UsageError, match="neither yes nor no; nothing was run"):
        Consent(confirm).given(PRICE, CALL)


@pytest.mark.parametrize(
    ("said", "given"),
    [("no", False), (" N ", False), ("", False), (None, False), (np.False_, False), ("Yes", True), (np.True_, True)],
)
def test_words_of_a_function_are_read(said: Any, given: bool) -> None:
    """As those of a person: ``lambda call: input(…)`` does what it says."""
    assert Consent(lambda call: said).given(PRICE, CALL) is given


def test_yes_is_a_bool() -> None:
    """``yes="no"`` does not run everything."""
    llm = jl.LocalLLM.from_engine(ScriptedEngine("x"))
    with pytest.raises(UsageError, match="yes is True or False"):
        llm.generate("q", tools=[shop.price], yes="no")


def test_who_is_asked_sees_names() -> None:
    """Of a single argument, too: it need not be the first parameter."""

    def pay(to: str = "landlord", amount: int = 0) -> None:
        """Pay."""

    with pytest.raises(ToolNotConfirmed, match=r"pay\(amount=5000\)"):
        Consent(False).given(as_tool(pay), ToolCall("pay", '{"amount": 5000}'))
