"""Guessing what comes next from what stood there before, and how far to guess.

Answers over data copy: names, rows, quotations. `PromptLookup` finds where the last tokens stood earlier and guesses
that the same follows again; the engine verifies a whole guess in one step. The idea is "prompt lookup decoding" (Apoorv
Saxena, 2023, https://github.com/apoorvumang/prompt-lookup-decoding); llama.cpp has it in ``examples/lookup``. On a CPU
a step with more tokens costs more, so a guess that is wrong is paid for: `DraftLength` keeps the account.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence

__all__ = ["DraftLength", "PromptLookup"]

_TOKEN_BITS = 24  # more than any vocabulary has
_LONGEST_MATCH = 64  # a longer one is no better evidence

# What may be lost before anything was spent or won, in plain steps: more where a long match makes a loss unlikely.
# Less would never buy the first guess on a machine where four tokens cost as much as three steps.
_ALLOWANCE_STEPS = 1.5
_ALLOWANCE_PER_MATCH = 0.15
_ALLOWANCE_MOST = 4.0
_SHARE = 0.01  # of the time spent so far
_WORTH = 1.02  # a guess must promise so much more than plain steps give: costs are measured, and not exactly
_PLAIN_STEPS = 15  # plain steps whose median is the price of a token

# By the length of the match: how likely is the next token the guessed one, before anything is known of this answer?
# A copy of n tokens has been right n times, so long matches are believed at once and short ones must show it first.
_MATCHES = (4, 6, 9, 13, 17, 25)
_PRIOR = (0.2, 0.4, 0.6, 0.8, 0.9, 0.93, 0.96)
_PRIOR_WEIGHT = 4.0
_MEMORY = 30.0  # tokens: what was seen earlier counts less and less

_STEPS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64)  # sizes of a step that are considered


class PromptLookup:
    """An index over a prompt and its answer so far.

    One dictionary for each length of n-gram; its keys are integers with the tokens' bits side by side, so two n-grams
    are never taken for each other.

    Parameters
    ----------
    tokens : sequence of int
        The prompt.
    n_min, n_max : int, optional
        Shortest and longest n-gram that is looked up.

    Attributes
    ----------
    match_length : int
        So many tokens at the end, 64 at most, stood before the last draft's place, too; 0 if there was no draft.

    Examples
    --------
    >>> lookup = PromptLookup([1, 2, 3, 4, 5, 6, 1, 2, 3])
    >>> lookup.draft(2), lookup.match_length
    ([4, 5], 3)
    """

    def __init__(self, tokens: Sequence[int], *, n_min: int = 3, n_max: int = 6) -> None:
        if not 1 <= n_min <= n_max:
            raise ValueError(f"n-grams cannot have {n_min} to {n_max} tokens")
        self.match_length = 0
        self._sizes = [(n, (1 << _TOKEN_BITS * n) - 1) for n in range(n_max, n_min - 1, -1)]
        self._followers: list[dict[int, int]] = [{} for _ in self._sizes]
        self._tokens: list[int] = []
        self._last = 0  # the last n_max tokens as one integer
        self.extend(tokens)

    def extend(self, tokens: Sequence[int]) -> None:
        """Add what was accepted."""
        known, last = self._tokens, self._last
        (most, widest), tables = self._sizes[0], list(zip(self._sizes, self._followers, strict=True))
        for token in tokens:
            place = len(known)
            # The n-gram at the very end is not in the tables yet: now that something follows it, it is.
            if place >= most:
                for (_, mask), followers in tables:
                    followers[last & mask] = place
            else:
                for (n, mask), followers in tables:
                    if place >= n:
                        followers[last & mask] = place
            known.append(token)
            last = (last << _TOKEN_BITS | token) & widest
        self._last = last

    def draft(self, most: int) -> list[int]:
        """What followed the latest earlier place of the longest n-gram at the end; at most so many tokens.

        Where that runs into the end, it goes on with itself: the period of a loop is guessed as often as it fits.
        """
        self.match_length = 0
        place = self._place() if most > 0 else None
        if place is None:
            return []
        known = self._tokens
        self.match_length = self._match(place)
        found = known[place : place + most]
        if len(found) < most:  # it is one whole period
            found = (found * -(-most // len(found)))[:most]
        return found

    def _place(self) -> int | None:
        """Where the tokens stand that followed."""
        count = len(self._tokens)
        for (n, mask), followers in zip(self._sizes, self._followers, strict=True):
            if count > n:
                place = followers.get(self._last & mask)
                if place is not None:
                    return place
        return None

    def _match(self, place: int) -> int:
        known, end = self._tokens, len(self._tokens)
        most = min(place, _LONGEST_MATCH)
        length = 0
        while length < most and known[place - 1 - length] == known[end - 1 - length]:
            length += 1
        return length


class DraftLength:
    """How many tokens to guess now.

    Chooses the length that promises most tokens a millisecond, given how often guesses after matches of this length
    were right in this answer. An account compares what verified guesses took with what plain steps would have taken for
    the same tokens, and a guess is tried only if the account can bear that all of it is wrong: so an answer never takes
    longer than by 1 % of its time and 4 plain steps, whatever its text; without matches of 16 tokens and more, by less.

    Parameters
    ----------
    cost : callable
        Expected milliseconds of a step with n tokens, for n >= 1; may change while the engine measures.
    """

    def __init__(self, cost: Callable[[int], float]) -> None:
        self._cost = cost
        self._plain: deque[float] = deque(maxlen=_PLAIN_STEPS)
        self._plain_ms = 0.0  # median of them
        self._spent_ms = 0.0
        self._won_ms = 0.0
        self._kind = 0  # of the last match
        self._right = [prior * _PRIOR_WEIGHT for prior in _PRIOR]
        self._tried = [_PRIOR_WEIGHT] * len(_PRIOR)

    @property
    def won_ms(self) -> float:
        """Milliseconds won so far against plain steps; below 0 if lost."""
        return self._won_ms

    def choose(self, match_length: int, available: int) -> int:
        """How many tokens to guess; 0 for a plain step.

        Parameters
        ----------
        match_length : int
            `PromptLookup.match_length` of the draft.
        available : int
            Tokens of the draft.
        """
        self._kind = kind = bisect_right(_MATCHES, match_length)
        if available < 1:
            return 0
        plain = self._price()
        allowance = min(_ALLOWANCE_STEPS + _ALLOWANCE_PER_MATCH * match_length, _ALLOWANCE_MOST)
        may_lose = self._won_ms + _SHARE * self._spent_ms + allowance * plain
        chance = self._right[kind] / self._tried[kind]
        best, best_rate = 0, _WORTH / plain
        for size in _sizes(available + 1):
            cost = self._cost(size)
            if cost - plain > may_lose:  # one token comes in any case
                break
            rate = _expected(chance, size) / cost
            if rate > best_rate:
                best, best_rate = size - 1, rate
        return best

    def observe(self, drafted: int, accepted: int, step_ms: float) -> None:
        """Count a step that verified a guess: `accepted` of `drafted` tokens were right, one more was gained."""
        self._spent_ms += step_ms
        self._won_ms += (accepted + 1) * self._price() - step_ms
        self._learn(accepted, min(accepted + 1, drafted))

    def plain(self, step_ms: float, foreseen: bool | None = None) -> None:
        """Count an ordinary step.

        Parameters
        ----------
        step_ms : float
        foreseen : bool, optional
            Whether the draft that was not tried began with the token that came: evidence that costs nothing.
        """
        self._spent_ms += step_ms
        self._plain.append(step_ms)
        self._plain_ms = sorted(self._plain)[(len(self._plain) - 1) // 2]  # one slow step says nothing about the others
        if foreseen is not None:
            self._learn(int(foreseen), 1)

    def _price(self) -> float:
        """Milliseconds of a token without guessing; rather too little, for the last plain step may be long ago."""
        expected = self._cost(1)
        return min(self._plain_ms, expected) if self._plain else expected

    def _learn(self, right: int, tried: int) -> None:
        kind = self._kind
        kept = max(0.0, 1 - tried / _MEMORY)
        self._right[kind] = self._right[kind] * kept + right
        self._tried[kind] = self._tried[kind] * kept + tried


def _sizes(most: int) -> list[int]:
    sizes = list(_STEPS[: bisect_right(_STEPS, most)])
    return sizes if sizes and sizes[-1] == most else [*sizes, most]


def _expected(chance: float, size: int) -> float:
    """Tokens to be expected of a step with `size` tokens, all but the first of them guessed."""
    return float(size) if chance >= 1 else (1 - chance**size) / (1 - chance)
