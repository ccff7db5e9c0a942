"""`jupyter_localllm.show.saved`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import jsonschema
import numpy as np
import pydantic
import pytest

from jupyter_localllm.show.bundle import ANSWER_MIME
from jupyter_localllm.show.formatters import as_bundle
from jupyter_localllm.show.saved import saved
from jupyter_localllm.types import Answer, Locator, Result, Timings

from .samples import ABSTAINED, ANSWER, BERLIN, MEAN, RESULT
from .test_bundle import SCHEMA
from .test_cards import hostile


@dataclass
class Point:
    x: int
    tags: tuple[str, ...] = ("a",)


class Model(pydantic.BaseModel):
    x: int = 1


class Breaks:
    __module__ = "numpy"

    @property
    def ndim(self) -> int:
        raise RuntimeError


LOOP: list[Any] = []
LOOP.append(LOOP)
WIDE: list[Any] = []
WIDE += [WIDE] * 10


@pytest.mark.parametrize("answer", [ANSWER, ABSTAINED, hostile("half \ud800 of it"), Answer("")])
def test_answers_follow_the_schema(answer: Answer) -> None:
    """What is saved is what the published schema says, and can be sent."""
    data, metadata = as_bundle(answer)
    jsonschema.validate(data[ANSWER_MIME], SCHEMA)
    json.dumps([data, metadata], ensure_ascii=False, allow_nan=False).encode()


def test_citations_and_passages() -> None:
    """Programs find in the notebook file what `answer.citations` gives, without what does not apply."""
    made = as_bundle(ANSWER)[0][ANSWER_MIME]
    assert made["text"] == ANSWER.text
    assert made["reading"] == "mean of population where country is Germany"
    assert made["abstained"] is False
    assert made["value"] == 1987118
    first = made["citations"][0]
    assert made["text"][first["start"] : first["end"]] == "Berlin had **3,677,472** people in 2021 [1]"
    assert first["locator"] == {"rows": [0], "columns": ["population"], "label": BERLIN.locator.label}
    assert [one["status"] for one in made["citations"]] == ["supported"] * 3 + ["stale", "unsupported"]
    assert made["passages"][1]["shown"][1] == ["1", "Berlin", "3677472"]


def test_two_runs_save_the_same() -> None:
    """Times and the state of the cache stand in the volatile metadata alone."""
    other = replace(ANSWER, result=replace(ANSWER.result, timings=Timings(ttft_ms=1.0), cached=True))
    assert as_bundle(ANSWER)[0] == as_bundle(other)[0]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (3, 3),
        (0.5, 0.5),
        (True, True),
        ("x", "x"),
        (np.float64(2.5), 2.5),
        (np.int64(7), 7),
        (Point(1), {"x": 1, "tags": ["a"]}),
        (Model(), {"x": 1}),
        ({"b": [1, None]}, {"b": [1, None]}),
        ({"b", "a"}, ["a", "b"]),
    ],
)
def test_values_that_json_can_tell(value: Any, told: Any) -> None:
    """Scalars, lists, dicts, dataclasses and models, as plain JSON."""
    assert saved(Answer("", value=value))["value"] == told


@pytest.mark.parametrize(
    "value",
    [
        None,
        float("nan"),
        object(),
        Decimal(1),
        np.arange(3),
        {1: 2},
        LOOP,
        WIDE,
        "x" * 300_000,
        list(range(20_000)),
        10**5_000,
        Breaks(),
        Point,
        {1, object()},
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values_are_left_out(value: Any) -> None:
    """What JSON cannot tell is not guessed at, and what is too large, too deep or breaks is not saved."""
    made = saved(Answer("", value=value))
    assert "value" not in made
    json.dumps(made, allow_nan=False)


def test_very_many_rows_are_counted() -> None:
    """A computation over a million rows does not put a million numbers into the notebook; it says how many."""
    many = replace(MEAN, locator=Locator(rows=tuple(range(1_000_000))))
    (passage,) = saved(Answer("", passages=(many,)))["passages"]
    assert passage["locator"]["row_count"] == 1_000_000
    assert len(json.dumps(passage)) < 20_000
    jsonschema.validate(as_bundle(Answer("", passages=(many,)))[0][ANSWER_MIME], SCHEMA)


def test_plain_results_save_what_they_always_saved() -> None:
    """An answer that was not asked from sources has none of the new keys."""
    assert set(as_bundle(RESULT)[0][ANSWER_MIME]) == set(as_bundle(Result(""))[0][ANSWER_MIME])
    assert "passages" not in as_bundle(RESULT)[0][ANSWER_MIME]
