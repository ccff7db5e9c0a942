"""Who is asked, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_localllm.engine.router import Route
from jupyter_localllm.engine.router.choice import Choice
from jupyter_localllm.engine.router.member import Member
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import EngineError
from jupyter_localllm.types import Job, Message, Prompt


def members(*names: str, **rules: float) -> list[Member]:
    return [Member(Route(ScriptedEngine("Hi", name=name), **rules)) for name in names]  # type: ignore[arg-type]


def choice(models: list[Member]) -> Choice:
    return Choice("router", models, Job(Prompt((Message.of("user", "Hello?"),)), max_tokens=9))


def test_those_who_are_asked_last_keep_their_order() -> None:
    """It is the order of preference, whatever their names and reasons are; who is well comes before them."""
    zebra, apple, mole = models = members("zebra", "apple", "mole", most_ms=5.0)
    zebra.fail(EngineError("overheated"))
    apple.succeed(30.0)
    assert choice(models).in_turn == [mole, zebra, apple]
    mole.fail(EngineError("all gone"))
    assert choice(models).in_turn == [zebra, apple, mole]


def test_a_rest_that_ends_while_the_choice_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is asked last is told with the reason, and nobody else: one look decides both."""
    first, second = models = members("first", "second")
    looks: Iterator[str] = iter(["first: overheated", ""])
    monkeypatch.setattr(Member, "last_resort", property(lambda one: next(looks) if one is first else ""))
    chosen = choice(models)
    assert chosen.in_turn == [second, first]
    assert chosen.said_of(second)[0] == "first: overheated"
