"""How far, how fast, how long."""

from __future__ import annotations

import pytest

from jupyter_localllm.batch.progress import Meter, Progress, Reporter
from jupyter_localllm.batch.run import Outcome
from jupyter_localllm.errors import ContextOverflow
from jupyter_localllm.types import Note, Result, Status, Token, Usage


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_counts() -> None:
    """Each outcome is counted where it belongs; what came out of the cache cost no tokens."""
    meter = Meter(5, "m")
    notes = (Note("length", "cut"),)
    meter.add(Outcome(0, Result("a", usage=Usage(9, 0, 4), model="real", notes=notes)))
    meter.add(Outcome(1, Result("a", usage=Usage(9, 0, 4), cached=True)))
    meter.add(Outcome(2, Result("a", notes=notes), repeated=True))
    meter.add(Outcome(3, error=ContextOverflow("long")))
    found = meter.progress()
    assert (found.done, found.failed, found.cached, found.repeated, found.asked, found.tokens) == (4, 1, 1, 1, 1, 4)
    assert found.model == "real"
    assert found.notes == {"length": 2}
    assert not found.finished


def test_the_stage_is_what_the_model_does_now() -> None:
    """A status is shown until there is text or an outcome."""
    meter = Meter(2)
    for after in (Token("a"), Outcome(0, Result("a"))):
        meter.add(Status("loading", "loading m"))
        assert meter.progress().stage == "loading m"
        meter.add(after)
        assert meter.progress().stage == ""


def test_the_speed_is_that_of_the_last_seconds() -> None:
    """What was fast a minute ago does not make the rest seem faster."""
    clock = Clock()
    meter = Meter(2_000, clock=clock)
    for position in range(1_000):
        clock.now += 0.01 if position < 900 else 1.0
        meter.add(Outcome(position, Result("a")))
    found = meter.progress()
    assert found.rows_per_second == pytest.approx(1.0, rel=0.01)
    assert found.seconds_left == pytest.approx(1_000, rel=0.01)


def test_rows_out_of_the_cache_promise_nothing() -> None:
    """At a rerun a thousand rows come at once; the time left is that of the rows the model must answer."""
    clock = Clock()
    meter = Meter(2_000, clock=clock)
    for position in range(1_000):
        clock.now += 0.002
        meter.add(Outcome(position, Result("a", cached=True)))
    clock.now += 2.0
    meter.add(Outcome(1_000, Result("a")))
    assert meter.progress().rows_per_second == pytest.approx(0.5)


def test_no_speed_before_it_can_be_known() -> None:
    """Nothing is said in the first moments, or without a total."""
    clock = Clock()
    meter = Meter(None, clock=clock)
    meter.add(Outcome(0, Result("a")))
    assert meter.progress().rows_per_second == 0
    clock.now = 2.0
    assert meter.progress().rows_per_second == 0.5
    assert meter.progress().seconds_left is None


def test_told_at_most_so_often() -> None:
    """However many steps come: four times a second, at the beginning and at the end."""
    clock, told = Clock(), []
    with Reporter(Meter(100, clock=clock), told.append, clock=clock) as reporter:
        for position in range(100):
            clock.now += 0.01
            reporter.step(Outcome(position, Result("a")))
    assert len(told) in (5, 6)
    assert told[0] == Progress(total=100)
    assert told[-1].finished
    assert told[-1].done == 100


def test_what_stops_a_map_is_told_with_how_far_it_came() -> None:
    """The last word counts the last row, and an error in telling does not hide the first error."""
    clock, told = Clock(), []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if len(told) > 1:
            raise ValueError("the display is gone")

    def interrupted() -> None:
        with Reporter(Meter(2, clock=clock), tell, clock=clock) as reporter:
            reporter.step(Outcome(0, Result("a")))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (told[-1].done, told[-1].finished) == (1, False)
