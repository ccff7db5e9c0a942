"""The choice of tokens in numpy means what llama.cpp's does: told against its own chain."""

from __future__ import annotations

import ctypes
import dataclasses
from collections import Counter

import llama_cpp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.engine.inprocess.sampler import Sampler, candidates
from jupyter_localllm.types import Sampling

FREE = Sampling(1.0, top_k=0, top_p=1.0, min_p=0.0)


def chain_of(s: Sampling) -> list[object]:
    """llama.cpp's links in its own order, without the one that draws."""
    return [
        llama_cpp.llama_sampler_init_top_k(s.top_k),
        llama_cpp.llama_sampler_init_typical(s.typical_p, 1),
        llama_cpp.llama_sampler_init_top_p(s.top_p, 1),
        llama_cpp.llama_sampler_init_min_p(s.min_p, 1),
        llama_cpp.llama_sampler_init_temp(s.temperature),
    ]


def by_llama(logits: np.ndarray, links: list[object]) -> dict[int, float]:
    """What llama.cpp leaves of the logits: logits by token."""
    data = (llama_cpp.llama_token_data * len(logits))(
        *(llama_cpp.llama_token_data(i, float(logit), 0.0) for i, logit in enumerate(logits))
    )
    array = llama_cpp.llama_token_data_array(data, len(logits), -1, False)
    for link in links:
        llama_cpp.llama_sampler_apply(link, ctypes.byref(array))
        llama_cpp.llama_sampler_free(link)
    return {array.data[i].id: array.data[i].logit for i in range(array.size)}


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sampling=st.builds(
        Sampling,
        temperature=st.sampled_from((0.3, 1.0, 1.7)),
        top_k=st.sampled_from((0, 1, 5, 40)),
        top_p=st.sampled_from((0.3, 0.95, 1.0)),
        min_p=st.sampled_from((0.0, 0.05, 0.5)),
        typical_p=st.sampled_from((0.4, 0.9, 1.0)),
    ),
)
def test_the_same_tokens_are_left(seed: int, sampling: Sampling) -> None:
    """The same candidates with the same chances, up to those that stand just at an edge."""
    logits = (np.random.default_rng(seed).standard_normal(64) * 3).astype(np.float32)
    tokens, chances = candidates(logits, sampling)
    theirs = by_llama(logits, chain_of(sampling))
    ours = dict(zip(tokens.tolist(), chances.tolist(), strict=True))
    assert set(ours) == set(theirs)
    powers = {token: np.exp(logit - max(theirs.values())) for token, logit in theirs.items()}
    for token, chance in ours.items():
        assert chance == pytest.approx(powers[token] / sum(powers.values()), rel=1e-3)


def test_penalties_are_llamas() -> None:
    """Repetition, frequency and presence penalties over the last tokens, prompt included."""
    sampling = Sampling(0.0, repeat_penalty=1.3, frequency_penalty=0.2, presence_penalty=0.4, repeat_last_n=4)
    logits = (np.random.default_rng(1).standard_normal(8) * 3).astype(np.float32)
    seen = [7, 1, 1, 2, 3]  # the 7 is too long ago
    link = llama_cpp.llama_sampler_init_penalties(8, 4, 1.3, 0.2, 0.4)
    for token in seen:
        llama_cpp.llama_sampler_accept(link, token)
    theirs = by_llama(logits, [link])
    sampler = Sampler(sampling, seen[:2], n_ctx=100)
    sampler.accept(seen[2:])
    ours = sampler._penalised(logits)
    assert [theirs[i] for i in range(8)] == pytest.approx(ours.tolist(), rel=1e-5)
    assert ours[7] == logits[7]


def test_draws_follow_the_chances() -> None:
    """Tokens come as often as their chances say; a seed repeats, and none is drawn anew."""
    logits = np.log(np.array([0.5, 0.3, 0.2], dtype=np.float32))
    sampler = Sampler(FREE, [], 100)
    seen = Counter(sampler.choose(logits.copy()) for _ in range(4000))
    for token, chance in enumerate((0.5, 0.3, 0.2)):
        assert abs(seen[token] - 4000 * chance) < 5 * np.sqrt(4000 * chance * (1 - chance))
    runs = [[s.choose(logits.copy()) for _ in range(30)] for s in (Sampler(FREE, [], 9), Sampler(FREE, [], 9))]
    assert runs[0] == runs[1]
    free = dataclasses.replace(FREE, seed=-1)
    runs = [[s.choose(logits.copy()) for _ in range(60)] for s in (Sampler(free, [], 9), Sampler(free, [], 9))]
    assert runs[0] != runs[1]


class Only:
    """Allows some tokens."""

    def __init__(self, *allowed: int) -> None:
        self.allowed = allowed

    def allows(self, token: int) -> bool:
        return token in self.allowed

    def restrict(self, logits: np.ndarray) -> None:
        banned = [i for i in range(len(logits)) if i not in self.allowed]
        logits[banned] = -np.inf


@pytest.mark.parametrize("sampling", [Sampling(), FREE, Sampling(1.0, top_k=1), Sampling(0.0, repeat_penalty=1.5)])
def test_a_mask_is_never_passed(sampling: Sampling) -> None:
    """What is not allowed is not chosen, however likely it is; the only one that is left is."""
    logits = np.array([9.0, 8.0, -50.0, 7.0], dtype=np.float32)
    sampler = Sampler(sampling, [], 100)
    assert {sampler.choose(logits.copy(), Only(2)) for _ in range(20)} == {2}
    assert {sampler.choose(logits.copy(), Only(1, 2)) for _ in range(20)} <= {1, 2}
