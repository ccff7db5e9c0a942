"""What a report must hold to."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_localllm.report.collect import KeptAnswer
from jupyter_localllm.report.gates import Gates, figures, judged
from jupyter_localllm.report.one import worst


def answer(**facts: Any) -> KeptAnswer:
    return KeptAnswer(**{"cell": 0, "cell_id": "", "name": None, "question": None, "text": "", "record": {}, **facts})


ANSWERS = (
    answer(supported=3, cached=True),
    answer(supported=15, unsupported=1, unchecked=2, cached=False),
    answer(unsupported=1, cached=True),
    answer(abstained=True),
)


@pytest.mark.parametrize(("least", "passed"), [(0.9, True), (0.95, False), (18 / 20, True)])
def test_supported_is_a_share_of_what_was_checked(least: float, passed: bool) -> None:
    """Unchecked claims do not count; the figures are told, and the answers that have unsupported claims."""
    (verdict,) = judged(Gates(supported=least), ANSWERS)
    assert (verdict.passed, verdict.found) == (passed, 0.9)
    assert verdict.told == "18 of 20 checked claims are supported (90.00%)"
    assert verdict.offenders == (() if passed else (1, 2))


def test_nothing_checked_is_not_supported() -> None:
    """A report without a checked claim does not pass: it may have lost its citations."""
    (verdict,) = judged(Gates(supported=0.0), (answer(unchecked=4), answer()))
    assert (verdict.passed, verdict.found) == (False, None)


@pytest.mark.parametrize(("most", "passed"), [(0, False), (1, False), (2, True)])
def test_unsupported_is_a_number(most: int, passed: bool) -> None:
    """Over all answers."""
    (verdict,) = judged(Gates(unsupported=most), ANSWERS)
    assert (verdict.passed, verdict.found) == (passed, 2)


def test_cached() -> None:
    """What was made anew or failed is named; an answer for which no model was asked is neither."""
    (verdict,) = judged(Gates(cached=True), (*ANSWERS, answer(error="CacheMiss: not in the cache")))
    assert not verdict.passed
    assert verdict.offenders == (1, 4)
    assert judged(Gates(cached=True), (ANSWERS[0], ANSWERS[3]))[0].passed
    assert judged(Gates(), ANSWERS) == ()


def test_figures() -> None:
    """What is counted."""
    counted = figures(ANSWERS)
    assert (counted.answers, counted.cached, counted.abstained, counted.errors) == (4, 2, 1, 0)
    assert (counted.supported, counted.unsupported, counted.unchecked, counted.share) == (18, 2, 2, 0.9)


@pytest.mark.parametrize(
    ("statuses", "expected"), [([], 0), ([0, 0], 0), ([0, 3, 0], 3), ([3, 1, 3], 1), ([1, 130, 3], 130)]
)
def test_the_worst_of_several_runs(statuses: list[int], expected: int) -> None:
    """A failed cell is worse than a failed gate, an interrupt worse than both."""
    assert worst(statuses) == expected
