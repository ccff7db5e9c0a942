"""One thread owns what is native; who waits for it is never stuck, and who leaves leaves nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest

from jupyter_localllm.engine.owner import Owner, Ticket
from jupyter_localllm.errors import EngineClosed, EngineError
from jupyter_localllm.types import Event, Status
from tests.contracts import wait_for


def until_cancelled(ticket: Ticket) -> None:
    ticket.emit(Status("busy"))
    while not ticket.cancelled:
        time.sleep(0.001)


def test_an_interrupt_while_sending_leaves_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between making a task and waiting for it cancels the task and takes it off the list."""
    owner = Owner()
    done: list[int] = []
    real = owner._submit

    def interrupted(ticket: Ticket) -> None:
        real(ticket)
        raise KeyboardInterrupt

    hold = threading.Event()
    blocker = owner.stream(lambda ticket: hold.wait(10))
    thread = threading.Thread(target=lambda: list(blocker))
    thread.start()
    wait_for(lambda: owner.waiting == 1)
    monkeypatch.setattr(owner, "_submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(owner.stream(lambda ticket: done.append(1)))
    monkeypatch.undo()
    assert owner.waiting == 1
    hold.set()
    thread.join(10)
    assert owner.call(lambda ticket: 7) == 7
    assert done == []
    owner.close()


def test_leaving_before_it_began_takes_it_off_the_list() -> None:
    """Who stops waiting is not counted among those ahead."""
    owner = Owner()
    first = owner.stream(until_cancelled)
    next(first)
    waiting = owner.stream(until_cancelled)
    assert isinstance(next(waiting), Status)
    assert owner.waiting == 2
    waiting.close()
    assert owner.waiting == 1
    first.close()
    wait_for(lambda: owner.waiting == 0)
    owner.close()


def test_the_owner_does_not_wait_for_itself() -> None:
    """A task that asks its own thread is told so, instead of standing still for ever."""
    owner = Owner()
    with pytest.raises(EngineError, match="wait for itself"):
        owner.call(lambda ticket: owner.call(lambda inner: 1))
    owner.close()


def test_a_closed_owner_takes_nothing() -> None:
    """After close, tasks are refused, and what is posted is dropped."""
    owner = Owner()
    owner.call(lambda ticket: 1)
    owner.close()
    owner.post(lambda ticket: 1)
    assert owner.waiting == 0
    with pytest.raises(EngineClosed):
        owner.call(lambda ticket: 1)


def test_events_come_in_order() -> None:
    """What a task emits arrives as it was emitted, then its value."""
    owner = Owner()

    def task(ticket: Ticket) -> str:
        for i in range(50):
            ticket.emit(Status("step", str(i)))
        return "value"

    values: list[str | None] = []

    def relay() -> Generator[Event, None, None]:
        values.append((yield from owner.stream(task)))

    seen = list(relay())
    assert values == ["value"]
    assert [event.text for event in seen if isinstance(event, Status)] == [str(i) for i in range(50)]
    owner.close()
