"""What a report must hold to."""

from __future__ import annotations

from dataclasses import replace
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
    assert not judged(Gates(cached=True), (answer(record={"key": "ab"}),))[0].passed  # and nothing says where from


def test_stale_is_not_supported() -> None:
    """A claim whose source has changed since is checked, and does not hold."""
    told = (answer(supported=1, stale=1),)
    by_share, by_number = judged(Gates(supported=0.6, unsupported=0), told)
    assert (by_share.passed, by_share.found, by_share.offenders) == (False, 0.5, (0,))
    assert (by_number.passed, by_number.found, by_number.offenders) == (False, 1, (0,))
    assert figures(told).stale == 1


SHOWN = answer(record={"key": "ab"}, text="It is 7.", supported=1, unsupported=1, cached=False)


def test_an_answer_shown_again_makes_no_new_claims() -> None:
    """Whoever shows a variable twice moves no share by it: claims count once, the answer is listed twice."""
    other = answer(record={"key": "cd"}, text="It is 8.", unsupported=1, cached=False)
    told = (SHOWN, other, SHOWN, replace(SHOWN, cell=3, name="x", question=None))
    counted = figures(told)
    assert (counted.answers, counted.supported, counted.unsupported) == (4, 1, 2)
    by_share, by_number = judged(Gates(supported=0.5, unsupported=2), told)
    assert (by_share.passed, by_share.found, by_share.offenders) == (False, round(1 / 3, 6), (0, 1, 2, 3))
    assert (by_number.passed, by_number.found) == (True, 2)


@pytest.mark.parametrize(
    "other",
    [
        replace(SHOWN, record={"key": "cd"}),
        replace(SHOWN, text="It is 8."),
        replace(SHOWN, supported=0, stale=1),
        replace(SHOWN, record={}),
        replace(SHOWN, record={"key": ["ab"]}),
    ],
)
def test_what_is_not_the_same_answer_counts(other: KeptAnswer) -> None:
    """Another key, other words, or claims that stand otherwise now; what has no key is known from nothing."""
    assert figures((SHOWN, other)).doubtful == 1 + other.unsupported + other.stale


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
