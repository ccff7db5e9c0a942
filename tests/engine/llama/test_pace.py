"""What a step costs, learnt while it runs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.engine.llama.pace import Pace

costs = st.floats(0.01, 1000)


def test_nothing_is_known_at_first() -> None:
    """Then a step may be as large as it may."""
    assert Pace().tokens_within(50.0, 512) == 512
    assert Pace().cost(7) == 0.0
    assert Pace({1: 0.0}).tokens_within(50.0, 9) == 9


def test_between_and_beyond_what_was_seen() -> None:
    """Between two sizes the cost lies on a line; beyond them it grows with the size, and is never zero."""
    pace = Pace({4: 10.0, 8: 30.0})
    assert pace.cost(6) == 20.0
    assert pace.cost(16) > 30.0
    assert 0 < pace.cost(1) < 10.0


def test_a_step_that_is_too_dear_still_takes_one() -> None:
    """Somebody must go on."""
    assert Pace({1: 500.0}).tokens_within(50.0, 512) == 1


@given(st.dictionaries(st.integers(1, 512), costs, min_size=1), st.integers(1, 600), costs)
def test_the_most_tokens_within_a_time(known: dict[int, float], most: int, ms: float) -> None:
    """It is at least one, at most `most`, and what it promises holds."""
    pace = Pace(known)
    tokens = pace.tokens_within(ms, most)
    assert 1 <= tokens <= most
    assert tokens == 1 or pace.cost(tokens) <= ms


@given(st.lists(st.tuples(st.integers(1, 512), st.floats(1e-4, 1)), min_size=1, max_size=60))
def test_what_was_seen_is_believed(steps: list[tuple[int, float]]) -> None:
    """Costs stay positive and finite whatever is observed."""
    pace = Pace()
    for tokens, seconds in steps:
        pace.observe(tokens, seconds)
    assert all(0 < pace.cost(tokens) < 1e9 for tokens in (1, 2, 63, 64, 65, 512))


def test_it_follows_the_machine() -> None:
    """A machine that has become slower is known after some steps, and one slow step alone changes little."""
    pace = Pace({1: 10.0})
    pace.observe(1, 0.1)
    assert pace.cost(1) < 30.0
    for _ in range(20):
        pace.observe(1, 0.1)
    assert pace.cost(1) > 95.0


def test_long_steps_are_learnt_under_the_next_power() -> None:
    """Small sizes are learnt one by one; of long ones 96 tokens in 96 ms say what 128 cost."""
    pace = Pace()
    pace.observe(3, 0.015)
    pace.observe(96, 0.096)
    assert pace.cost(3) == 15.0
    assert pace.cost(128) == 128.0
