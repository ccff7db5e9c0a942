"""`jupyter_localllm.show.pace`."""

from __future__ import annotations

from itertools import pairwise

import pytest

from jupyter_localllm.show.pace import Pace


def times(*, cost_ms: float, characters: int, until_ms: int) -> list[float]:
    """The moments shown of a text of that size, asked about every millisecond."""
    pace, found, now = Pace(), [], 0.0
    while now < until_ms:
        if pace.due(now, characters=characters):
            found.append(now)
            now += cost_ms
            pace.shown(now, cost_ms=cost_ms, characters=characters)
        now += 1.0
    return found


@pytest.mark.parametrize(
    ("cost_ms", "characters", "most"),
    [(0.5, 100, 10), (0.5, 8_192, 10), (0.5, 81_920, 1), (4.0, 100, 6), (40.0, 100, 1)],
)
def test_updates_a_second(cost_ms: float, characters: int, most: int) -> None:
    """Ten a second at most, fewer for long texts and for slow pages."""
    assert len(times(cost_ms=cost_ms, characters=characters, until_ms=10_000)) <= most * 10 + 1


@pytest.mark.parametrize("cost_ms", [0.1, 1.0, 5.0, 50.0, 500.0])
@pytest.mark.parametrize("characters", [10, 10_000, 100_000])
def test_showing_takes_two_percent_of_the_time(cost_ms: float, characters: int) -> None:
    """Whatever an update costs, waiting takes 49 times as long."""
    shown = times(cost_ms=cost_ms, characters=characters, until_ms=60_000)
    gaps = [after - before for before, after in pairwise(shown)]
    assert all(cost_ms / gap <= 0.0201 for gap in gaps)


def test_first_text_does_not_wait() -> None:
    """A person who waits sees the first word at once, even right after a slow status; the second word waits."""
    pace = Pace()
    pace.shown(0.0, cost_ms=100.0, characters=0)
    assert not pace.due(10.0, characters=0)
    assert pace.due(10.0, characters=3)
    pace.shown(11.0, cost_ms=1.0, characters=3)
    assert not pace.due(12.0, characters=6)
    assert pace.due(111.0, characters=6)
