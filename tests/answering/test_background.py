"""Work on sources can be watched, and left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

import pytest

from jupyter_localllm.answering.background import watched
from jupyter_localllm.types import Status


def test_it_gives_what_came_of_it() -> None:
    """The generator returns what the work returned."""

    def waiting() -> Generator[Status, None, None]:
        found.append((yield from watched(lambda tell: 42, "sources")))

    found: list[int] = []
    assert list(waiting()) == []
    assert found == [42]


def test_an_error_is_raised_where_it_is_waited_for() -> None:
    """What the work raises is raised to the one who waits."""

    def work(tell: Callable[[str], None]) -> int:
        raise ValueError("no such column")

    with pytest.raises(ValueError, match="no such column"):
        list(watched(work, "sources"))


def test_it_tells_how_far_it_is() -> None:
    """What the work tells comes as statuses of its stage."""
    go_on = threading.Event()

    def work(tell: Callable[[str], None]) -> int:
        tell("1,000 passages indexed")
        go_on.wait(20)
        return 1

    stream = watched(work, "sources")
    assert next(stream) == Status("sources", "1,000 passages indexed")
    go_on.set()
    assert list(stream) == []


def test_work_that_nobody_waits_for_ends() -> None:
    """Closing the generator, as an interrupt does, ends the work at the next thing it tells."""
    ended = threading.Event()

    def work(tell: Callable[[str], None]) -> int:
        try:
            while True:
                tell("on the way")
                threading.Event().wait(0.01)
        finally:
            ended.set()

    stream = watched(work, "sources")
    next(stream)
    stream.close()
    assert ended.wait(20)
