"""When a growing answer may be shown again.

Measured in JupyterLab: ten updates a second of an output up to 8 KB leave the page smooth, and what an update costs the
page grows with its size; what it costs the kernel is measured here, each time.
"""

from __future__ import annotations

__all__ = ["Pace"]

_SHORTEST_MS = 100.0
_SMOOTH_CHARACTERS = 8_192
# One part showing, 49 parts waiting: 2 % of the time.
_WAIT_PER_COST = 49.0


class Pace:
    """Decides which moments are shown.

    Examples
    --------
    >>> pace = Pace()
    >>> pace.due(0.0, characters=0)
    True
    >>> pace.shown(1.0, cost_ms=1.0, characters=0)
    >>> pace.due(50.0, characters=5), pace.due(60.0, characters=10)
    (True, True)
    >>> pace.shown(61.0, cost_ms=1.0, characters=10)
    >>> pace.due(150.0, characters=20), pace.due(161.0, characters=20)
    (False, True)
    """

    def __init__(self) -> None:
        self._next_ms = float("-inf")
        self._text_shown = False

    def due(self, now_ms: float, *, characters: int) -> bool:
        """Whether to show now; the first text is always due, whatever was shown before it.

        Parameters
        ----------
        now_ms : float
            The time, in milliseconds of any clock.
        characters : int
            Length of the text so far.
        """
        return now_ms >= self._next_ms or (characters > 0 and not self._text_shown)

    def shown(self, now_ms: float, *, cost_ms: float, characters: int) -> None:
        """Take note of what was shown.

        Parameters
        ----------
        now_ms : float
            When it was done.
        cost_ms : float
            How long rendering and sending took.
        characters : int
            Length of the text that was shown.
        """
        by_size = _SHORTEST_MS * max(1.0, characters / _SMOOTH_CHARACTERS)
        self._next_ms = now_ms + max(by_size, _WAIT_PER_COST * cost_ms)
        self._text_shown = self._text_shown or characters > 0
