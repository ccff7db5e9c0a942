"""What every constraint promises, whatever kind it is.

A test module makes a class of it: ``class TestMine(ConstraintContract): samples = (...)``.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_localllm.constrain import as_constraint
from jupyter_localllm.engine.constraint import Constraint, Matcher, Vocabulary
from jupyter_localllm.errors import UsageError
from tests.constrain.vocabularies import EXTRA, TINY, of_pieces

LONGEST = 400


def campaign(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))


class Sample(NamedTuple):
    """A constraint, made anew at each call, and what is right of an answer under it."""

    make: Callable[[], Constraint]
    right: Callable[[str], object]


def allowed_by_mask(matcher: Matcher, vocabulary: Vocabulary) -> set[int]:
    logits = np.linspace(-3, 3, len(vocabulary.tokens) + EXTRA, dtype=np.float32)
    before = logits.copy()
    matcher.restrict(logits)
    left = np.flatnonzero(logits > -np.inf)
    assert np.array_equal(logits[left], before[left]), "an allowed token keeps its logit"
    return set(left.tolist())


def allowed_one_by_one(matcher: Matcher, vocabulary: Vocabulary) -> set[int]:
    return {token for token in range(-1, len(vocabulary.tokens) + EXTRA) if matcher.allows(token)}


def written(tokens: list[int], vocabulary: Vocabulary) -> bytes:
    return b"".join(vocabulary.tokens[token] for token in tokens if token not in vocabulary.ends)


def walk(
    matcher: Matcher, vocabulary: Vocabulary, rng: np.random.Generator, *, eager: float = 0.0, check: bool = False
) -> tuple[list[int], bool]:
    """Decode as the engine does, with random logits: the tokens, and whether the answer ended by itself.

    `eager` is added to the logits of what ends things: the end tokens, quotes and brackets.
    """
    closing = [
        t for t, text in enumerate(vocabulary.tokens) if t in vocabulary.ends or text in (b'"', b"}", b"]", b'"}')
    ]
    tokens: list[int] = []
    while len(tokens) < LONGEST:
        logits = rng.gumbel(size=len(vocabulary.tokens) + EXTRA).astype(np.float32)
        logits[closing] += eager
        if check:
            # the mask first: only computing it shows that no token of a poor vocabulary may come next
            by_mask = allowed_by_mask(matcher, vocabulary)
            one_by_one = allowed_one_by_one(matcher, vocabulary)
            assert by_mask == one_by_one
            assert not matcher.finished or one_by_one == vocabulary.ends
        token = int(logits.argmax())
        if not matcher.allows(token):
            matcher.restrict(logits)
            token = int(logits.argmax())
            assert logits[token] > -np.inf, "at least one token is left"
        if token in vocabulary.ends:
            return tokens, True
        assert not matcher.finished
        assert token not in vocabulary.special
        matcher.advance(token)
        tokens.append(token)
    return tokens, False


class ConstraintContract:
    """Subclass it with `samples`."""

    samples: ClassVar[tuple[Sample, ...]]

    def test_is_a_constraint(self) -> None:
        """It has the protocol's members, and `schema=` takes it as it is."""
        for make, _ in self.samples:
            constraint = make()
            assert isinstance(constraint, Constraint)
            assert as_constraint(constraint) is constraint

    def test_is_a_frozen_value(self) -> None:
        """Made twice it is equal, with equal key and hash; it cannot be changed; another one has another key."""
        for make, _ in self.samples:
            one, two = make(), make()
            assert one == two
            assert hash(one) == hash(two)
            assert one.key == two.key
            with pytest.raises(FrozenInstanceError):
                setattr(one, fields(one)[0].name, "x")  # type: ignore[arg-type]
        assert len({make().key for make, _ in self.samples}) == len(self.samples)

    def test_pickles(self) -> None:
        """A pickle gives it back, also after it was used."""
        for make, _ in self.samples:
            constraint = make()
            constraint.start(TINY)
            again: Any = pickle.loads(pickle.dumps(constraint))
            assert again == constraint
            assert again.key == constraint.key
            again.start(TINY)

    @campaign(15)
    @given(seed=st.integers(0, 2**32 - 1), eager=st.sampled_from([0.0, 4.0]))
    def test_answers_are_right(self, seed: int, eager: float) -> None:
        """Whatever a model prefers: an answer that ends by itself is right, and it was not made to end."""
        for make, right in self.samples:
            matcher = make().start(TINY)
            tokens, ended = walk(matcher, TINY, np.random.default_rng(seed), eager=eager)
            assert getattr(matcher, "trouble", "") == ""
            if ended:
                text = written(tokens, TINY).decode()
                assert right(text), text

    def test_most_answers_end(self) -> None:
        """The campaign above is no empty promise: with closing preferred, answers end within the limit."""
        for make, _ in self.samples:
            ended = [walk(make().start(TINY), TINY, np.random.default_rng(i), eager=5.0)[1] for i in range(10)]
            assert sum(ended) >= 5

    @campaign(3)
    @given(seed=st.integers(0, 2**32 - 1))
    def test_mask_and_question_agree(self, seed: int) -> None:
        """At every step `allows` says yes to just those tokens that `restrict` leaves; when finished, to the ends."""
        for make, _ in self.samples:
            walk(make().start(TINY), TINY, np.random.default_rng(seed), eager=5.0, check=True)

    @campaign(30)
    @given(tokens=st.lists(st.integers(-5, len(TINY.tokens) + EXTRA + 5), max_size=40))
    def test_nothing_that_a_model_writes_raises(self, tokens: list[int]) -> None:
        """Tokens that were not allowed, and numbers that are no tokens, change nothing and raise nothing."""
        for make, _ in self.samples:
            matcher = make().start(TINY)
            for token in tokens:
                before = allowed_by_mask(matcher, TINY)
                yes = matcher.allows(token)
                matcher.advance(token)
                if not yes or token in TINY.ends:
                    assert allowed_by_mask(matcher, TINY) == before

    def test_control_tokens_are_no_part(self) -> None:
        """A control token is never allowed, though its name may be: it can be written in characters."""
        for make, _ in self.samples:
            matcher = make().start(TINY)
            assert not matcher.allows(1)
            assert 1 not in allowed_by_mask(matcher, TINY)

    def test_matchers_are_independent(self) -> None:
        """Two answers under one constraint do not know of each other."""
        for make, _ in self.samples:
            one, two = make().start(TINY), make().start(TINY)
            before = allowed_by_mask(two, TINY)
            walk(one, TINY, np.random.default_rng(1), eager=5.0)
            assert allowed_by_mask(two, TINY) == before

    def test_a_model_without_an_end_is_refused(self) -> None:
        """Where no token ends an answer, none can be held to anything."""
        endless = Vocabulary("endless", (b"a", b"1"), frozenset(), frozenset())
        for make, _ in self.samples:
            with pytest.raises(UsageError, match="no token that ends"):
                make().start(endless)

    def test_a_poor_vocabulary_never_hangs(self) -> None:
        """With tokens for hardly anything, starting is refused, or an answer ends in bounded time without an error."""
        poor = of_pieces([b"1", b"{", b'"', b"\xc3"], "poor")
        for make, right in self.samples:
            try:
                matcher = make().start(poor)
            except UsageError:
                continue
            tokens, ended = walk(matcher, poor, np.random.default_rng(0), eager=1.0, check=True)
            if ended and not getattr(matcher, "trouble", ""):
                assert right(written(tokens, poor).decode())
