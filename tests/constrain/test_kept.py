"""What took long to make is kept."""

from __future__ import annotations

import pytest

from jupyter_localllm.constrain.kept import Kept


def test_made_once() -> None:
    """A thing is made at the first call for its key."""
    made: list[int] = []
    kept = Kept[int](size=2)
    for _ in range(3):
        assert kept.get("a", lambda: made.append(1) or 7) == 7  # type: ignore[func-returns-value]
    assert made == [1]


def test_the_one_unused_longest_leaves() -> None:
    """There are never more than `size`."""
    kept = Kept[int](size=2)
    for key in "abacad":
        kept.get(key, lambda: 0)
    assert len(kept) == 2
    assert kept.get("a", lambda: 1) == 0
    assert kept.get("b", lambda: 1) == 1


def test_failures_are_not_kept() -> None:
    """What raised is made again at the next call."""
    kept = Kept[int](size=2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 3) == 3
