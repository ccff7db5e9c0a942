"""A guess that is verified gives the tokens of plain decoding, whatever it guesses.

The drafters here guess far more than is worth it, right and wrong: what is tested is that nobody can tell.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_localllm.engine.llama.lookup import PromptLookup
from jupyter_localllm.engine.llama.sequence import Sequence
from jupyter_localllm.engine.llama.speculation import LookupDrafter
from jupyter_localllm.types import ModelFile, Sampling
from tests.engine.llama.rig import Asked, Logits, agree, no_end, rig, words
from tests.tiny_kinds import KINDS

CUT = ("dense", "swa")
"""Models whose sequences can be cut; the others get no guesses."""


@pytest.fixture(scope="module", params=CUT)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return KINDS[request.param](tmp_path_factory.mktemp("models") / f"{request.param}.gguf")


class Oracle:
    """Knows the answer, and is wrong at some places."""

    def __init__(self, sequence: Sequence, answer: list[int], *, wrong: float, seed: int = 0) -> None:
        self.sequence, self.answer, self.wrong = sequence, answer, wrong
        self.rng = random.Random(seed)
        self.drafted = 0

    def draft(self, most: int) -> list[int]:
        rest = self.answer[self.sequence.used :][: min(most, self.rng.randrange(1, 20))] if most > 0 else []
        self.drafted += len(rest)
        return [7 if self.rng.random() < self.wrong else token for token in rest]

    def observe(self, drafted: int, accepted: int, step_ms: float) -> None:
        assert accepted <= drafted


class Eager(LookupDrafter):
    """Prompt lookup that always guesses all it can."""

    def __init__(self, sequence: Sequence) -> None:
        super().__init__(sequence, lambda tokens: 1 + tokens / 1000)
        self._lookup = PromptLookup([], n_min=1, n_max=3)
        self.tried = 0

    def draft(self, most: int) -> list[int]:
        self._read_on()
        guess = self._lookup.draft(min(most, 8)) if most > 0 else []
        self.tried += len(guess)
        return guess

    def observe(self, drafted: int, accepted: int, step_ms: float) -> None:
        pass


def both(path: Path, prompt: list[int], *, wrong: float = 0.2, **options: Any) -> tuple[Asked, Asked]:
    """The same request without and with guesses."""
    made: list[Oracle] = []
    matchers = options.pop("matchers", lambda: None)
    with rig(path) as one:
        plain = one.answer(prompt, matcher=matchers(), **options)

    def make(sequence: Sequence) -> Oracle:
        made.append(Oracle(sequence, [*plain.tokens, 9, 9, 9, 9, 9, 9], wrong=wrong))
        return made[-1]

    with rig(path, speculation=make) as other:
        guessed = other.answer(prompt, matcher=matchers(), **options)
    if len(plain.tokens) > 2:  # the first comes of the prompt, and there is no room to guess the last
        assert made[0].drafted
    return plain, guessed


def same(plain: Asked, guessed: Asked) -> None:
    """The same tokens and the same result, unless two tokens were as likely as each other."""
    agree(plain, guessed)
    if plain.tokens == guessed.tokens:
        one, other = plain.result, guessed.result
        assert (one.text, one.finish_reason, one.usage) == (other.text, other.finish_reason, other.usage)
    else:
        pytest.skip("two tokens were as likely as each other")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("wrong", [0.0, 0.3, 1.0])
def test_greedy(path: Path, seed: int, wrong: float) -> None:
    """Right, half right and wrong guesses give the same tokens."""
    with rig(path) as one:
        plain = one.answer(words(40, seed), max_tokens=80, script=no_end)
    with rig(path, speculation=lambda s: Oracle(s, plain.tokens, wrong=wrong)) as other:
        guessed = other.answer(words(40, seed), max_tokens=80, script=no_end)
        continued = other.answer([*words(40, seed), *guessed.tokens, 8], max_tokens=5)
    same(plain, guessed)
    assert continued.sequence.cached == 40 + 79
    with rig(path) as one:
        agree(continued, one.answer([*words(40, seed), *guessed.tokens, 8], max_tokens=5))


@pytest.mark.parametrize("seed", range(6))
def test_with_temperature(path: Path, seed: int) -> None:
    """The same seed gives the same choices: each token is drawn from its own logits by the same chain, in order."""
    sampling = Sampling(1.0, top_k=0, top_p=1.0, min_p=0.0, seed=seed, repeat_penalty=1.1)
    plain, guessed = both(path, words(40, seed), sampling=sampling, max_tokens=60, script=no_end)
    # A draw can fall on the edge between two tokens, so that a difference of 1e-4 in a logit decides; then and only
    # then the texts part, and up to there the logits agree.
    agreed = next((i for i, (a, b) in enumerate(zip(plain.tokens, guessed.tokens, strict=False)) if a != b), 60)
    assert agreed >= 30


@pytest.mark.parametrize("limit", range(1, 24))
def test_max_tokens_inside_a_guess(path: Path, limit: int) -> None:
    """The limit is kept exactly, and the window is not overrun."""
    plain, guessed = both(path, words(30), wrong=0.0, max_tokens=limit, script=no_end)
    assert guessed.result.usage.completion_tokens == limit
    assert guessed.result.finish_reason == "length"
    same(plain, guessed)


def ends_after(count: int) -> Callable[[int, Logits], None]:
    def script(index: int, logits: Logits) -> None:
        no_end(index, logits)
        if index == count:
            logits[2] = 100

    return script


@pytest.mark.parametrize("count", range(0, 24, 3))
def test_the_end_inside_a_guess(path: Path, count: int) -> None:
    """What was guessed behind the model's end is not told, and not kept."""
    plain, guessed = both(path, words(30), wrong=0.0, max_tokens=60, script=ends_after(count))
    assert guessed.result.finish_reason == "stop"
    assert guessed.result.usage.completion_tokens == count
    same(plain, guessed)


@pytest.mark.parametrize("at", range(2, 20, 3))
def test_a_stop_string_inside_a_guess(path: Path, at: int) -> None:
    """The text ends before it, as without guesses."""

    def script(index: int, logits: Logits) -> None:
        logits[:] = -50
        logits[5 + b"0123456789abcdefghijklmnop"[index]] = 50

    stop = "0123456789abcdefghijklmnop"[at : at + 2]
    plain, guessed = both(path, words(30), wrong=0.0, max_tokens=24, stop=(stop,), script=script)
    assert guessed.result.text == "0123456789abcdefghijklmnop"[:at]
    same(plain, guessed)


class Even:
    """Only tokens of even number, twenty of them."""

    def __init__(self) -> None:
        self.got: list[int] = []

    @property
    def finished(self) -> bool:
        return len(self.got) >= 20

    def allows(self, token: int) -> bool:
        return 5 <= token < 261 and token % 2 == 0

    def advance(self, token: int) -> None:
        assert self.allows(token)
        self.got.append(token)

    def restrict(self, logits: Logits) -> None:
        allowed = [token for token in range(len(logits)) if self.allows(token)]
        kept = logits[allowed]
        logits[:] = -np.inf
        logits[allowed] = kept


@pytest.mark.parametrize("wrong", [0.0, 0.3])
def test_under_a_constraint(path: Path, wrong: float) -> None:
    """The matcher sees the tokens that were taken, once each, and the answer obeys it."""
    plain, guessed = both(path, words(30), wrong=wrong, max_tokens=60, matchers=Even)
    assert len(guessed.tokens) == 20
    assert all(token % 2 == 0 for token in guessed.tokens)
    assert guessed.sequence.matcher.got == guessed.tokens  # type: ignore[union-attr]
    same(plain, guessed)


def test_prompt_lookup_on_a_repetitive_text(path: Path) -> None:
    """Guesses from the text so far, far more of them than are right, change nothing."""
    drafters: list[Eager] = []

    def eager(sequence: Sequence) -> Eager:
        drafters.append(Eager(sequence))
        return drafters[-1]

    for seed in range(5):
        prompt = words(12, seed) * 4
        with rig(path) as one:
            plain = one.answer(prompt, max_tokens=60, script=no_end)
        with rig(path, speculation=eager) as other:
            agree(plain, other.answer(prompt, max_tokens=60, script=no_end))
    assert sum(drafter.tried for drafter in drafters) > 20


def test_company_comes_and_goes(path: Path) -> None:
    """An answer that is alone, then is not, and then is again, is the same."""
    with rig(path) as one:
        plain = one.answer(words(40), max_tokens=60, script=no_end)
    with rig(path, speculation=lambda s: Oracle(s, plain.tokens, wrong=0.3)) as other:
        asked = other.ask(words(40), max_tokens=60, script=no_end)
        while len(asked.tokens) < 10:
            other.step()
        guest = other.ask(words(30, 1), max_tokens=5, script=no_end)
        other.run()
        assert not other.scheduler._speculation._of  # type: ignore[union-attr]
    agree(plain, asked)
    assert guest.result


def test_an_error_forgets_the_drafter(path: Path) -> None:
    """Nothing is held for a request that ended by an error."""
    with rig(path, speculation=lambda s: Oracle(s, [9] * 50, wrong=0.0)) as made:
        made.ask(words(20), max_tokens=40, script=no_end)
        for _ in range(4):
            made.step()

        def broken() -> None:
            raise RuntimeError("boom")

        made.resident.decode = broken  # type: ignore[method-assign]
        made.run()
        assert not made.scheduler._speculation._of  # type: ignore[union-attr]


@pytest.mark.model
def test_copies_of_the_real_model(model_file: ModelFile) -> None:
    """The real model copies a list; with guesses it copies the same, in fewer steps."""
    names = ", ".join(f"{name} {i * 7}" for i, name in enumerate(("Anna", "Bert", "Carla", "Dora", "Emil", "Fritz")))
    prompt = f"<|im_start|>user\nRepeat this exactly: {names}<|im_end|>\n<|im_start|>assistant\n"
    steps = {}
    asked = {}
    for name, speculation in (("plain", None), ("lookup", Eager)):
        with rig(Path(model_file.path), n_ctx=1024, speculation=speculation) as made:
            asked[name] = made.answer(prompt, max_tokens=48)
            steps[name] = made.steps
    # Weights of four bits: llama.cpp multiplies several rows at once by other kernels than one row, and logits move by
    # up to 0.9 (measured). So the choice is the same where the best leads by more than 1.
    agree(asked["plain"], asked["lookup"], kl=0.02, margin=1.0)
    assert steps["lookup"] < steps["plain"]
