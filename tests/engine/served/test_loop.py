"""The thread in which requests run: whoever waits can stop, and nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.engine.served.loop import Emit, Loop
from jupyter_localllm.errors import EngineClosed
from jupyter_localllm.types import Event, Status, Token
from tests.contracts import wait_for


async def nothing() -> None:
    return None


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop("test")
    yield made
    made.close(nothing)


class Endless:
    """A coroutine that never ends by itself, and knows whether it was ended."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    async def run(self, emit: Emit) -> None:
        try:
            emit(Token("a"))
            await asyncio.sleep(1000)
        finally:
            self.ended.set()


def test_values_and_errors_come_back(loop: Loop) -> None:
    """What a coroutine gives is returned, what it raises is raised, its events come in order."""

    async def work(emit: Emit) -> int:
        for text in "abc":
            emit(Token(text))
        return 7

    async def fail() -> None:
        raise KeyError("x")

    events: list[Event] = list(loop.stream(work))
    assert events == [Token("a"), Token("b"), Token("c")]
    with pytest.raises(KeyError):
        loop.call(fail)


def test_leaving_cancels(loop: Loop) -> None:
    """Closing the generator ends the coroutine."""
    endless = Endless()
    stream = loop.stream(endless.run)
    assert next(stream) == Token("a")
    stream.close()
    assert endless.ended.wait(10)


def test_the_scope_lets_go(loop: Loop) -> None:
    """Who waits in a thread that cannot be interrupted is let go by the scope's event."""
    endless, released = Endless(), threading.Event()
    token = cancel_scope.set(released)
    try:
        stream = loop.stream(endless.run)
        next(stream)
        released.set()
        assert list(stream) == []
        with pytest.raises(EngineClosed, match="stopped"):
            loop.call(nothing_for_ever)
    finally:
        cancel_scope.reset(token)
    assert endless.ended.wait(10)


def test_who_is_let_go_before_it_begins(loop: Loop) -> None:
    """Nothing was begun, so nothing is left that was never awaited, which Python would warn of."""
    busy, released, begun = threading.Event(), threading.Event(), []

    async def block() -> None:
        busy.wait(10)

    def work() -> Any:
        begun.append(1)
        return nothing_for_ever()

    loop._submit(block())
    released.set()
    token = cancel_scope.set(released)
    try:
        with pytest.raises(EngineClosed, match="stopped"):
            loop.call(work)
    finally:
        cancel_scope.reset(token)
        busy.set()
    assert begun == []


async def nothing_for_ever() -> None:
    await asyncio.sleep(1000)


def test_a_reason_is_heard(loop: Loop) -> None:
    """Whoever waits for what is cancelled hears why."""
    endless = Endless()
    stream = loop.stream(endless.run)
    next(stream)
    loop.cancel(EngineClosed("because"))
    with pytest.raises(EngineClosed, match="because"):
        list(stream)
    assert endless.ended.wait(10)


def test_closing_ends_the_thread() -> None:
    """All is cancelled, the last coroutine runs, the thread is gone; a request after that is an error."""
    loop, endless, last = Loop("closing"), Endless(), []

    async def farewell() -> None:
        last.append(endless.ended.is_set())

    stream = loop.stream(endless.run)
    next(stream)
    loop.close(farewell)
    assert last == [True]
    wait_for(lambda: "closing" not in [thread.name for thread in threading.enumerate()])
    with pytest.raises(EngineClosed):
        list(stream)

    async def again(emit: Emit) -> None:
        emit(Status("x"))

    with pytest.raises(EngineClosed, match="closed"):
        list(loop.stream(again))
    assert "closing" not in [thread.name for thread in threading.enumerate()]
