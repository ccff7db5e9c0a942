"""Merging rankings, and ranking by meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jupyter_localllm.errors import EngineError
from jupyter_localllm.sources.select import KeptVectors, Vectors, fuse
from jupyter_localllm.sources.select.fuse import by_meaning


def test_scores_are_reciprocal_ranks() -> None:
    """The paper's formula: the sum of 1 / (60 + rank)."""
    assert dict(fuse([["a", "b"], ["b"]])) == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 1 / 61})


@given(st.lists(st.permutations(list(range(6))), min_size=1, max_size=4))
def test_agreement_is_kept(rankings: list[list[int]]) -> None:
    """What is first in all rankings is first; everything is named once, and the best score comes first."""
    merged = fuse(rankings)
    assert sorted(item for item, _ in merged) == list(range(6))
    scores = [score for _, score in merged]
    assert scores == sorted(scores, reverse=True)
    if len({ranking[0] for ranking in rankings}) == 1:
        assert merged[0][0] == rankings[0][0]


def test_ties_stand_as_first_met() -> None:
    """Equal scores do not depend on hashes."""
    assert [item for item, _ in fuse([["x", "y"], ["y", "x"]])] == ["x", "y"]
    assert fuse([]) == []


class Counting:
    """A model that knows fruits and metals, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked += texts
        return np.array([[("apple" in t) + ("pear" in t), ("iron" in t) + ("lead" in t)] for t in texts], dtype=float)


def test_meaning_ranks_by_cosine() -> None:
    """The nearest first, whatever the vector's length; no direction is no nearness; ties in the order given."""
    vectors = Vectors(Counting())
    assert by_meaning(vectors, "pear", ["nothing", "iron", "apple pear", "apple", "apple iron"]) == [2, 3, 4, 0, 1]
    assert by_meaning(vectors, "pear", []) == []


def test_a_text_is_embedded_once() -> None:
    """Vectors are kept by the text's hash, surrogates included."""
    model = Counting()
    vectors = Vectors(model)
    vectors.of(["apple", "iron", "apple", "\ud800"])
    vectors.of(["iron", "lead"])
    assert model.asked == ["apple", "iron", "\ud800", "lead"]


def test_vectors_are_bounded() -> None:
    """The least recently embedded go first; a batch larger than the bound is still answered."""
    model = Counting()
    vectors = Vectors(model, KeptVectors(most_bytes=16))
    assert vectors.of(["apple", "iron", "lead"]).shape == (3, 2)
    vectors.of(["lead"])
    vectors.of(["apple"])
    assert model.asked == ["apple", "iron", "lead", "apple"]


def test_not_a_number_is_no_direction() -> None:
    """A vector with NaN or infinity counts as none."""
    vectors = Vectors(lambda texts: [[float("nan"), 1.0] if "bad" in t else [1.0, 0.0] for t in texts])
    assert by_meaning(vectors, "q", ["bad", "good"]) == [1, 0]


@pytest.mark.parametrize("made", [[[1.0]], [1.0, 2.0], [[[1.0]], [[2.0]]]])
def test_a_model_that_gives_something_else_is_refused(made: object) -> None:
    """One vector for each text, or an error that tells the shape."""
    with pytest.raises(EngineError, match="for 2 texts"):
        Vectors(lambda texts: made).of(["a", "b"])
