"""What a step costs on this machine, learnt while it runs."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Pace"]

# A guess for sizes that were not seen yet, as a multiple of a single step: docs/performance.md, two cores, 135M.
_GUESS_PER_TOKEN = 0.42
_EXACT = 64
_WEIGHT = 0.2  # of the newest figure in the moving average


class Pace:
    """Milliseconds of a step by its number of tokens.

    Parameters
    ----------
    known : Mapping of int to float, optional
        What calibration measured.

    Examples
    --------
    >>> pace = Pace({1: 5.0, 16: 35.0})
    >>> pace.cost(1), pace.tokens_within(35.0)
    (5.0, 16)
    """

    def __init__(self, known: Mapping[int, float] | None = None) -> None:
        self._seen = {size: ms for size, ms in (known or {}).items() if ms > 0}

    def observe(self, tokens: int, seconds: float) -> None:
        """Learn from a step."""
        # Small steps differ in kind, large ones in length only: those are counted by the next power of two.
        size = tokens if tokens <= _EXACT else 1 << (tokens - 1).bit_length()
        ms = seconds * 1000 * size / tokens
        before = self._seen.get(size)
        self._seen[size] = ms if before is None else before + _WEIGHT * (ms - before)

    def cost(self, tokens: int) -> float:
        """Milliseconds that a step with so many tokens takes, 0 if nothing is known."""
        if tokens in self._seen:
            return self._seen[tokens]
        below = max((size for size in self._seen if size < tokens), default=None)
        above = min((size for size in self._seen if size > tokens), default=None)
        if below is not None and above is not None:
            share = (tokens - below) / (above - below)
            return self._seen[below] * (1 - share) + self._seen[above] * share
        if below is not None:
            return self._seen[below] * self._guess(tokens) / self._guess(below)
        if above is not None:
            return self._seen[above] * self._guess(tokens) / self._guess(above)
        return 0.0

    def tokens_within(self, ms: float, most: int = 1 << 16) -> int:
        """The most tokens that a step of at most `ms` milliseconds can take, at least 1; `most` if nothing is known."""
        if not self._seen:
            return most
        low, high = 1, most
        while low < high:
            middle = (low + high + 1) // 2
            if self.cost(middle) <= ms:
                low = middle
            else:
                high = middle - 1
        return low

    @staticmethod
    def _guess(tokens: int) -> float:
        return 1 + _GUESS_PER_TOKEN * (tokens - 1)
