"""Tokens of an answer, guessed ahead and verified together: for an answer that has the model to itself.

A guess that is verified gives the tokens that plain decoding would have given: each is chosen from its own logits, by
the answer's own sampler, and the first one that differs from the guess ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from jupyter_localllm.engine.llama.lookup import DraftLength, PromptLookup
from jupyter_localllm.engine.llama.sequence import Sequence

__all__ = ["Drafter", "LookupDrafter", "Speculation"]


class Drafter(Protocol):
    """Somebody who guesses what one answer goes on with."""

    def draft(self, most: int) -> list[int]:
        """At most `most` tokens that may come next; none if there is nothing to go by."""
        ...

    def observe(self, drafted: int, accepted: int, step_ms: float) -> None:
        """How many of the last guess's tokens were right, and what the step took."""
        ...


class LookupDrafter:
    """Guesses that what stood before comes again."""

    def __init__(self, sequence: Sequence, cost: Callable[[int], float]) -> None:
        self._sequence = sequence
        self._lookup = PromptLookup([])
        self._length = DraftLength(cost)
        self._known = 0
        self._guess = -1  # the first token of a guess that was not worth trying

    def draft(self, most: int) -> list[int]:
        """What followed the same words the last time."""
        self._read_on()
        guess = self._lookup.draft(most) if most > 0 else []
        self._guess = guess[0] if guess else -1
        return guess[: self._length.choose(self._lookup.match_length, len(guess))] if guess else []

    def observe(self, drafted: int, accepted: int, step_ms: float) -> None:
        """Keep the account."""
        if drafted:
            self._length.observe(drafted, accepted, step_ms)
        else:
            self._length.plain(step_ms, None if self._guess < 0 else self._guess == self._sequence.last)

    def _read_on(self) -> None:
        history = self._sequence.history
        self._lookup.extend(history[self._known :])
        self._known = len(history)


class Speculation:
    """The drafters of a model's answers.

    Parameters
    ----------
    make : callable
        Gives a drafter for an answer.
    """

    def __init__(self, make: Callable[[Sequence], Drafter]) -> None:
        self._make = make
        self._of: dict[int, Drafter] = {}

    def draft(self, sequence: Sequence, most: int) -> list[int]:
        """Tokens to verify in the next step."""
        drafter = self._of.get(id(sequence))
        if drafter is None:
            drafter = self._of[id(sequence)] = self._make(sequence)
        return drafter.draft(most)

    def observe(self, sequence: Sequence, drafted: int, accepted: int, step_ms: float) -> None:
        """Tell the drafter what became of its guess."""
        drafter = self._of.get(id(sequence))
        if drafter is not None:
            drafter.observe(drafted, accepted, step_ms)

    def forget(self, sequence: Sequence) -> None:
        """The answer is done."""
        self._of.pop(id(sequence), None)
