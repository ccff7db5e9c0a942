"""Guessing from what stood there before: right guesses, and no answer that pays for wrong ones."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.engine.llama.lookup import DraftLength, PromptLookup

PLAIN_MS = 8.0
COSTS = ((1, 1.0), (2, 1.8), (4, 2.5), (8, 3.9), (16, 6.6), (32, 12.5), (64, 25.0))  # measured, in plain steps


def cost(n: int) -> float:
    """Milliseconds of a step on the reference machine: two cores, SmolLM2."""
    for (low, cheap), (high, dear) in itertools.pairwise(COSTS):
        if low <= n <= high:
            return PLAIN_MS * (cheap + (dear - cheap) * (n - low) / (high - low))
    raise ValueError(n)


def noise(count: int, seed: int, vocabulary: int = 40_000) -> list[int]:
    numbers = random.Random(seed)
    return [numbers.randrange(vocabulary) for _ in range(count)]


def answer_in(prompt: Sequence[int], answer: Sequence[int], price: Callable[[int], float] = cost) -> float:
    """Milliseconds of an answer, decoded as the engine would."""
    lookup, length = PromptLookup(prompt), DraftLength(price)
    spent, done = 0.0, 0
    while done < len(answer):
        draft = lookup.draft(31)
        size = min(length.choose(lookup.match_length, len(draft)), len(answer) - done - 1)
        right = 0
        while right < size and draft[right] == answer[done + right]:
            right += 1
        step_ms = price(size + 1)
        if size > 0:
            length.observe(size, right, step_ms)
        else:
            length.plain(step_ms, draft[0] == answer[done] if draft else None)
        lookup.extend(answer[done : done + right + 1])
        spent, done = spent + step_ms, done + right + 1
    return spent


def speed(prompt: Sequence[int], answer: Sequence[int]) -> float:
    return len(answer) * cost(1) / answer_in(prompt, answer)


def naive(tokens: list[int], most: int, n_min: int, n_max: int) -> tuple[list[int], int]:
    """What `PromptLookup` promises, by looking everywhere."""
    for n in range(n_max, n_min - 1, -1):
        places = [end for end in range(n, len(tokens)) if tokens[end - n : end] == tokens[len(tokens) - n :]]
        if places:
            place, text = places[-1], list(tokens)
            while len(text) < len(tokens) + most:
                text.append(text[place + len(text) - len(tokens)])
            matched = 0
            while matched < min(place, 64) and tokens[place - 1 - matched] == tokens[-1 - matched]:
                matched += 1
            return text[len(tokens) :], matched
    return [], 0


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(st.lists(st.integers(0, 3), max_size=12), min_size=1, max_size=5),
    most=st.integers(1, 12),
    n_min=st.integers(1, 3),
    more=st.integers(0, 4),
)
def test_a_draft_is_what_a_search_everywhere_finds(parts: list[list[int]], most: int, n_min: int, more: int) -> None:
    """However the tokens came in, the draft follows the latest place of the longest n-gram."""
    lookup = PromptLookup(parts[0], n_min=n_min, n_max=n_min + more)
    tokens = list(parts[0])
    for part in [*parts[1:], []]:
        expected = naive(tokens, most, n_min, n_min + more)
        assert (lookup.draft(most), lookup.match_length) == expected
        lookup.extend(part)
        tokens += part


@pytest.mark.parametrize(
    ("tokens", "draft", "matched"),
    [
        ([], [], 0),
        ([1, 2, 3], [], 0),
        ([1, 2, 3, 4, 1, 2], [], 0),  # two tokens are no evidence
        ([1, 2, 3, 4, 5, 1, 2, 3], [4, 5, 1, 2], 3),
        ([1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3], [5, 1, 2, 3], 3),  # the latest place
        ([9, 1, 2, 3, 4, 1, 2, 3, 5, 9, 1, 2, 3], [4, 1, 2, 3], 4),  # but rather the longer match
        ([7] * 5, [7, 7, 7, 7], 4),  # a loop goes on with itself
        ([2**23, 0, 1, 5, 2**23, 0, 1], [5, 2**23, 0, 1], 3),
    ],
)
def test_drafts(tokens: list[int], draft: list[int], matched: int) -> None:
    """The cases that the index is about."""
    lookup = PromptLookup(tokens)
    assert lookup.draft(4) == draft
    assert lookup.match_length == matched
    assert lookup.draft(0) == []
    assert lookup.match_length == 0


def test_sizes_that_mean_nothing_are_refused() -> None:
    """An n-gram of no tokens would match everywhere."""
    with pytest.raises(ValueError, match="0 to 3"):
        PromptLookup([], n_min=0, n_max=3)


@pytest.mark.parametrize("length", [100, 150, 400])
def test_a_copy_is_faster(length: int) -> None:
    """Copies of 100 tokens and more pay, although the beginning has to show that it is one."""
    prompt = noise(500, 1)
    assert speed(prompt, prompt[50 : 50 + length]) >= 1.5


def test_copies_within_other_text_are_faster() -> None:
    """Quotations between sentences of the model's own pay as well."""
    prompt = noise(500, 2)
    answer = noise(20, 3) + prompt[100:200] + noise(20, 4) + prompt[300:400]
    assert speed(prompt, answer) >= 1.3


def test_a_loop_is_faster() -> None:
    """A small model that goes round in circles does it quickly."""
    assert speed(noise(100, 5), [1, 2, 3, 4, 5, 6, 7] * 40) >= 1.5


@pytest.mark.parametrize("vocabulary", [2, 3, 5, 10, 100, 40_000])
def test_an_answer_without_repetition_is_not_slower(vocabulary: int) -> None:
    """Chance matches, be they as many as they like, cost less than 2 %."""
    for seed in range(5):
        assert speed(noise(400, seed, vocabulary), noise(200, seed + 100, vocabulary)) >= 0.98


@pytest.mark.parametrize("match", [3, 4, 5, 7, 9, 12, 13, 17, 25, 40])
def test_matches_that_always_end_there_cost_little(match: int) -> None:
    """Text that goes as before, and then differs as soon as a guess would be made, costs less than 2 %."""
    for seed in range(3):
        assert speed(noise(500, seed), list(traps(noise(500, seed), match, 300, seed))) >= 0.98


@pytest.mark.parametrize("price", [lambda n: 4.0 + 4.0 * n, lambda n: 8.0 * n, lambda n: 8.0 * n**2])
def test_dear_guesses_are_not_tried(price: Callable[[int], float]) -> None:
    """Where verifying n tokens costs about as much as decoding them, a copy takes no longer than it did."""
    prompt = noise(300, 6)
    assert answer_in(prompt, prompt[:200], price) <= 200 * price(1) * 1.01


def test_the_enemy_who_sees_the_guess() -> None:
    """Whoever waits for a guess and then says something else wins 1 % and four steps, never more."""
    lookup, length = PromptLookup(noise(300, 7)), DraftLength(cost)
    prompt, spent, gained, source = noise(300, 7), 0.0, 0, 0
    while gained < 2_000:
        draft = lookup.draft(31)
        size = length.choose(lookup.match_length, len(draft))
        step_ms = cost(size + 1)
        spent, gained = spent + step_ms, gained + 1
        if size:
            length.observe(size, 0, step_ms)
            token, source = 50_000 + gained, (source + 40) % 200
        else:
            token, source = prompt[source % 300], source + 1
            length.plain(step_ms, draft[:1] == [token])
        lookup.extend([token])
        assert spent <= gained * PLAIN_MS + 0.01 * spent + 4.0 * PLAIN_MS + 1e-6


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    vocabulary=st.integers(1, 12),
    raises=st.lists(st.floats(0.0, 20.0), min_size=63, max_size=63),
    copied=st.integers(0, 60),
)
def test_no_text_and_no_machine_pays_more_than_allowed(
    seed: int, vocabulary: int, raises: list[float], copied: int
) -> None:
    """Whatever the text and whatever a step costs, the loss stays within 1 % and four plain steps."""
    prices = [5.0]
    for more in raises:
        prices.append(prices[-1] + more)
    prompt = noise(80, seed, vocabulary)
    answer = noise(60, seed + 1, vocabulary) + prompt[:copied] + noise(60, seed + 2, vocabulary)
    spent = answer_in(prompt, answer, lambda n: prices[n - 1])
    assert spent <= len(answer) * 5.0 + 0.01 * spent + 4.0 * 5.0 + 1e-6


def test_a_machine_that_has_become_faster_is_believed() -> None:
    """Plain steps from before do not make guesses look good that are none any more."""
    factor = 4.0
    length = DraftLength(lambda n: factor * cost(n))
    for _ in range(20):
        length.plain(factor * cost(1))
    factor = 1.0
    for _ in range(50):
        length.observe(1, 0, 2 * cost(2))
        before = length.won_ms
    assert before < 0
    assert length.choose(5, 31) == 0


def test_free_evidence_counts() -> None:
    """A match that is short but has been right again and again is tried; one that was wrong is not."""
    right, wrong = DraftLength(cost), DraftLength(cost)
    for _ in range(60):
        assert wrong.choose(3, 31) == 0
        right.choose(3, 31)
        right.plain(PLAIN_MS, True)
        wrong.plain(PLAIN_MS, False)
    assert right.choose(3, 31) > 0
    assert right.choose(3, 0) == 0
    assert wrong.choose(3, 31) == 0


def traps(prompt: list[int], match: int, count: int, seed: int) -> Iterator[int]:
    """Pieces of the prompt of this length, each with an end of its own."""
    numbers = random.Random(seed)
    for begun in range(0, count, match + 1):
        start = numbers.randrange(len(prompt) - match)
        yield from prompt[start : start + match]
        yield 50_000 + begun
