"""The choice of tokens: llama.cpp's chain, told against numpy; constraints, log-probabilities and reasoning."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from jupyter_localllm.engine.llama.sampler import Samplers
from jupyter_localllm.types import Sampling
from tests.engine.llama.rig import Logits, Rig, no_end, rig, words
from tests.tiny_kinds import KINDS

N = 512
OPEN, CLOSE, EOS = 3, 4, 2
FREE = Sampling(1.0, top_k=0, top_p=1.0, min_p=0.0)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(KINDS["dense"](tmp_path_factory.mktemp("models") / "m.gguf"), n_ctx=1024) as made:
        yield made


@pytest.fixture
def samplers(used: Rig) -> Iterator[Samplers]:
    made = Samplers(used.native, N, 1024)
    yield made
    made.close()


def few(**values: float) -> Logits:
    """Logits of which only some count: ``few(t7=2.0)``."""
    logits = np.full(N, -30.0, dtype=np.float32)
    for name, value in values.items():
        logits[int(name[1:])] = value
    return logits


def draws(samplers: Samplers, sampling: Sampling, logits: Logits, matcher: Any = None) -> Counter[int]:
    """Independent choices from the same logits."""
    sampler = samplers.start(sampling, [])
    seen = Counter(sampler.choose(logits.copy(), matcher) for _ in range(4000))
    sampler.close()
    return seen


def near(seen: Counter[int], chances: dict[int, float]) -> None:
    """Five standard deviations of a binomial."""
    count = sum(seen.values())
    assert set(seen) <= {token for token, chance in chances.items() if chance > 0}
    for token, chance in chances.items():
        assert abs(seen[token] - count * chance) <= 5 * math.sqrt(count * chance * (1 - chance)) + 1


class Only:
    """Allows some tokens, always."""

    finished = False

    def __init__(self, *allowed: int) -> None:
        self.allowed, self.asked, self.got = list(allowed), 0, []  # type: ignore[var-annotated]

    def allows(self, token: int) -> bool:
        return token in self.allowed

    def advance(self, token: int) -> None:
        assert self.allows(token), f"{token} is not allowed"
        self.got.append(token)

    def restrict(self, logits: Logits) -> None:
        self.asked += 1
        kept = logits[self.allowed]
        logits[:] = -np.inf
        logits[self.allowed] = kept


# -- the chain -----------------------------------------------------------------------------------------------------


def test_greedy_is_the_argmax(samplers: Samplers) -> None:
    """No chain is made, and nothing is changed."""
    logits = few(t7=1.0, t9=2.0)
    before = logits.copy()
    assert samplers.start(Sampling(), []).choose(logits) == 9
    assert np.array_equal(logits, before)


def test_chances_are_those_of_the_softmax(samplers: Samplers) -> None:
    """Temperature alone: the logits' softmax."""
    logits = few(t7=0.0, t8=1.0, t9=2.0)
    for temperature in (0.5, 1.0, 2.0):
        weights = {7: 1.0, 8: math.exp(1 / temperature), 9: math.exp(2 / temperature)}
        sampling = Sampling(temperature, top_k=3, top_p=1.0, min_p=0.0)
        near(draws(samplers, sampling, logits), {t: w / sum(weights.values()) for t, w in weights.items()})


def test_what_is_cut_off_is_cut_before_the_temperature(samplers: Samplers) -> None:
    """llama.cpp's order: top-k, typical, top-p and min-p judge the model's own chances, then comes the temperature."""
    logits = few(t7=math.log(0.5), t8=math.log(0.3), t9=math.log(0.15), t10=math.log(0.05))
    hot = 50.0  # nearly equal chances for what is left
    assert set(draws(samplers, Sampling(hot, top_k=2, top_p=1.0, min_p=0.0), logits)) == {7, 8}
    assert set(draws(samplers, Sampling(hot, top_k=0, top_p=0.75, min_p=0.0), logits)) == {7, 8}
    assert set(draws(samplers, Sampling(hot, top_k=0, top_p=1.0, min_p=0.2), logits)) == {7, 8, 9}


def test_a_seed_fixes_the_choices(samplers: Samplers) -> None:
    """Equal seeds draw the same, others do not, and -1 draws anew each time."""
    logits = np.zeros(N, dtype=np.float32)

    def drawn(seed: int) -> list[int]:
        sampler = samplers.start(Sampling(1.0, top_k=0, top_p=1.0, min_p=0.0, seed=seed), [])
        tokens = [sampler.choose(logits.copy()) for _ in range(20)]
        sampler.close()
        return tokens

    assert drawn(5) == drawn(5) != drawn(6)
    assert drawn(-1) != drawn(-1)
    for extreme in (2**32 - 1, 2**32, 2**63):
        assert drawn(extreme) == drawn(extreme)


def test_answers_do_not_share_their_chance(samplers: Samplers) -> None:
    """A chain is built once and copied: what one answer draws and has seen does not move another's."""
    sampling = Sampling(1.0, top_k=0, top_p=1.0, min_p=0.0, seed=3, repeat_penalty=1.5, repeat_last_n=-1)
    logits = np.zeros(N, dtype=np.float32)
    alone = samplers.start(sampling, [])
    want = [alone.choose(logits.copy()) for _ in range(10)]
    one, other = samplers.start(sampling, []), samplers.start(sampling, list(range(200)))
    got = []
    for _ in range(10):
        got.append(one.choose(logits.copy()))
        other.choose(logits.copy())
    assert got == want
    other.close()
    assert [samplers.start(sampling, []).choose(logits.copy())] == want[:1]


def test_more_chains_than_are_kept(samplers: Samplers) -> None:
    """Chains beyond the limit are freed; those that were copied from them go on."""
    logits = np.zeros(N, dtype=np.float32)
    sampler = samplers.start(Sampling(1.0, seed=0), [])
    for seed in range(1, 40):
        samplers.start(Sampling(1.0, seed=seed), []).close()
    assert len(samplers._chains) == Samplers._MOST
    assert 0 <= sampler.choose(logits) < N
    sampler.close()
    sampler.close()


@pytest.mark.parametrize(
    ("penalty", "last_n", "prompt", "wanted"),  # the best is 9, and next to it 8
    [
        ({"repeat_penalty": 2.0}, 64, [9], 8),
        ({"repeat_penalty": 2.0}, 64, [1], 9),
        ({"presence_penalty": 1.0}, 64, [9], 8),
        ({"frequency_penalty": 0.4}, 64, [9], 9),
        ({"frequency_penalty": 0.4}, 64, [9, 9], 8),
        ({"repeat_penalty": 2.0}, 2, [9, 1, 1], 9),
        ({"repeat_penalty": 2.0}, 3, [9, 1, 1], 8),
        ({"repeat_penalty": 2.0}, -1, [9, *[1] * 900], 8),
        ({"repeat_penalty": 2.0}, 0, [9], 9),
    ],
)
@pytest.mark.parametrize("temperature", [0.0, 0.01])
def test_penalties_see_the_prompt(  # noqa: PLR0917
    samplers: Samplers, penalty: dict[str, float], last_n: int, prompt: list[int], wanted: int, temperature: float
) -> None:
    """What stands in the prompt counts, as far back as ``repeat_last_n`` says; -1 is all of it."""
    sampling = Sampling(temperature, repeat_last_n=last_n, **penalty)  # type: ignore[arg-type]
    sampler = samplers.start(sampling, prompt)
    assert sampler.choose(few(t8=1.5, t9=2.0)) == wanted
    sampler.close()


# -- constraints ---------------------------------------------------------------------------------------------------


def test_what_is_allowed_costs_nothing(samplers: Samplers) -> None:
    """As long as the free choice is allowed, no mask is computed."""
    matcher = Only(7, 9)
    assert samplers.start(Sampling(), []).choose(few(t8=0.5, t9=2.0), matcher) == 9
    assert matcher.asked == 0


def test_a_rejected_choice_is_made_among_the_allowed(samplers: Samplers) -> None:
    """Greedy: the best that is allowed. With temperature: their softmax, as if nothing else were there."""
    logits = few(t7=0.0, t8=1.0, t9=2.0, t10=0.5)
    assert samplers.start(Sampling(), []).choose(logits.copy(), Only(7, 8)) == 8
    weights = {7: 1.0, 8: math.e, 10: math.exp(0.5)}
    chances = {token: weight / sum(weights.values()) for token, weight in weights.items()}
    near(draws(samplers, FREE, logits, Only(7, 8, 10)), chances)


def test_one_unlikely_token_is_left(samplers: Samplers) -> None:
    """Cut-offs do not take away the only one that is allowed."""
    logits = few(t7=50.0, t8=40.0)
    for sampling in (Sampling(), Sampling(0.7), Sampling(1.0, min_p=0.5, top_k=1), Sampling(0.7, repeat_penalty=1.3)):
        sampler = samplers.start(sampling, [100])
        assert sampler.choose(logits.copy(), Only(100)) == 100
        sampler.close()


# -- log-probabilities ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(1.3, seed=4, repeat_penalty=1.2)])
@pytest.mark.parametrize("constrained", [False, True])
def test_logprobs_are_those_of_the_model(used: Rig, sampling: Sampling, constrained: bool) -> None:
    """The log-softmax of the logits as the model gave them, whatever was done to them afterwards."""
    matcher = Only(*range(5, 261, 2)) if constrained else None
    asked = used.answer(words(30), max_tokens=12, logprobs=5, sampling=sampling, matcher=matcher, script=no_end)
    assert len(asked.result.logprobs) == 12
    for logits, token, told in zip(asked.logits, asked.tokens, asked.result.logprobs, strict=True):
        exact = logits.astype(np.float64)
        exact -= exact.max() + math.log(np.exp(exact - exact.max()).sum())
        assert told.logprob == pytest.approx(exact[token], abs=1e-5)
        best = np.argsort(-exact, kind="stable")[:5]
        assert [value for _, value in told.top] == pytest.approx(list(exact[best]), abs=1e-5)
        assert len(told.top) == 5
    if constrained:
        assert all(token % 2 == 1 for token in asked.tokens)


@pytest.mark.parametrize("count", [0, 1, N, 10 * N])
def test_any_number_of_alternatives(used: Rig, count: int) -> None:
    """None, one, all, or more than there are; the answer comes in any case."""
    asked = used.ask(words(10), max_tokens=3, logprobs=count, script=no_end)
    used.run()
    assert [len(told.top) for told in asked.result.logprobs] == [min(count, N)] * 3


# -- reasoning -----------------------------------------------------------------------------------------------------


def thinking(*tokens: int) -> Any:
    """A script: the model wants to write these, and then one letter for ever."""

    def script(index: int, logits: Logits) -> None:
        no_end(index, logits)
        logits[tokens[index] if index < len(tokens) else 5 + ord("z")] = 60

    return script


@pytest.mark.parametrize("prefilled", [False, True])
@pytest.mark.parametrize("budget", [0, 1, 5])
def test_a_budget_closes_the_reasoning(used: Rig, prefilled: bool, budget: int) -> None:
    """After so many tokens of reasoning the closing mark is written, and the answer begins."""
    opening = () if prefilled else (OPEN,)
    asked = used.answer(
        words(20),
        max_tokens=20,
        reasoning_tokens=budget,
        reasoning="<think>" if prefilled else "",
        script=thinking(*opening),
    )
    assert asked.result.reasoning == "z" * budget
    assert asked.tokens[len(opening) + budget] == CLOSE
    assert asked.result.text == "z" * (20 - len(opening) - budget - 1)


def test_a_reasoning_within_its_budget_is_left_alone(used: Rig) -> None:
    """The model closes it itself."""
    asked = used.answer(words(20), max_tokens=12, reasoning_tokens=8, script=thinking(OPEN, 70, 71, CLOSE))
    assert asked.tokens[:4] == [OPEN, 70, 71, CLOSE]
    assert asked.result.reasoning == "AB"
    assert asked.tokens.count(CLOSE) == 1


@pytest.mark.parametrize("prefilled", [False, True])
def test_a_constraint_begins_after_the_reasoning(used: Rig, prefilled: bool) -> None:
    """The reasoning is free; the matcher sees the answer and nothing else."""
    matcher = Only(*range(5, 261, 2))
    opening = () if prefilled else (OPEN,)
    asked = used.answer(
        words(20),
        max_tokens=10,
        matcher=matcher,
        reasoning="<think>" if prefilled else "",
        script=thinking(*opening, 70, 72, CLOSE, 80, 82),
    )
    start = len(opening) + 3
    assert asked.tokens[:start] == [*opening, 70, 72, CLOSE]
    assert matcher.got == asked.tokens[start:]
    assert all(token % 2 for token in matcher.got)


def test_the_end_of_the_budget_and_a_constraint(used: Rig) -> None:
    """The forced mark is not part of the answer."""
    matcher = Only(*range(5, 261, 2))
    asked = used.answer(words(20), max_tokens=10, matcher=matcher, reasoning_tokens=2, script=thinking(OPEN))
    assert asked.tokens[3] == CLOSE
    assert matcher.got == asked.tokens[4:]


def test_a_mark_that_was_only_likely_frees_nobody(used: Rig) -> None:
    """With temperature another token than the likeliest, an opening mark, may be drawn: the constraint holds for it."""

    def script(index: int, logits: Logits) -> None:
        no_end(index, logits)
        if index == 0:
            logits[OPEN] = logits.max() + 0.01

    for seed in range(20):
        matcher = Only(*range(5, 261, 2))
        sampling = Sampling(3.0, top_k=0, top_p=1.0, min_p=0.0, seed=seed)
        asked = used.ask(words(20), max_tokens=4, matcher=matcher, sampling=sampling, script=script)
        used.run()
        assert asked.result
        assert asked.tokens[0] == OPEN or asked.tokens[0] in matcher.allowed


def test_an_end_that_is_not_allowed(used: Rig) -> None:
    """The end is not an allowed token: an answer under a constraint does not end before it may."""
    matcher = Only(*range(5, 261))

    def script(_index: int, logits: Logits) -> None:
        logits[EOS] = 90

    asked = used.answer(words(20), max_tokens=6, matcher=matcher, script=script)
    assert len(asked.tokens) == 6
    assert EOS not in asked.tokens
