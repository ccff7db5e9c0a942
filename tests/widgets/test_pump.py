"""The thread that changes widgets."""

from __future__ import annotations

import contextvars
import logging
import threading
from types import SimpleNamespace

import pytest

from jupyter_localllm.widgets.pump import Pump, without_parent

from .conftest import until


def held(pump: Pump) -> threading.Event:
    """Keep the pump busy until the event is set."""
    release, begun = threading.Event(), threading.Event()
    pump.put(lambda: (begun.set(), release.wait(30))[0])
    assert begun.wait(30)
    return release


def test_the_latest_of_a_key_is_done() -> None:
    """What would be shown for a moment only is not shown; all else is done in turn."""
    done: list[str] = []
    pump = Pump(contextvars.copy_context())
    release = held(pump)
    for number in range(50):
        pump.put(lambda number=number: done.append(f"state {number}"), key="state")
        pump.put(lambda number=number: done.append(f"job {number}")) if number < 2 else None
    release.set()
    until(lambda: pump._thread is None)
    assert done == ["job 0", "job 1", "state 49"]


def test_a_failing_job_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the next is done."""
    pump, done = Pump(contextvars.copy_context()), threading.Event()
    with caplog.at_level(logging.ERROR, logger="jupyter_localllm.widgets"):
        pump.put(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
        pump.put(done.set)
        assert done.wait(30)
        until(lambda: pump._thread is None)
    assert "ZeroDivisionError" in caplog.text


def test_it_knows_its_own_changes() -> None:
    """Inside a job it says so, elsewhere not."""
    pump, said = Pump(contextvars.copy_context()), []
    pump.put(lambda: said.append(pump.inside))
    until(lambda: said)
    assert (said, pump.inside) == ([True], False)


def test_comms_are_sent_without_a_parent() -> None:
    """In ipykernel 7 the context of the jobs has no parent request; that of the cell is as it was."""
    parent: contextvars.ContextVar[dict[str, str]] = contextvars.ContextVar("shell_parent")
    parent.set({"header": "of the cell"})
    context = without_parent(SimpleNamespace(kernel=SimpleNamespace(_shell_parent=parent)))
    assert Pump(context).do(parent.get) == {}
    assert parent.get() == {"header": "of the cell"}
    assert without_parent(None).run(parent.get) == {"header": "of the cell"}
