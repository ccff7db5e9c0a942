"""Where keys and values lie: one cache for each answer, kept for the next prompt that begins alike.

Logits depend in their last digits on how a prompt was cut into pieces. So a prompt is always cut at the same places,
and goes on only from one of them that was read as a prompt: whatever was asked before, the same question is computed in
the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.engine.inprocess.network import Network
from jupyter_localllm.engine.words import common_length

__all__ = ["Held", "Places"]


@dataclass(eq=False)
class Held:
    """What one cache holds.

    Attributes
    ----------
    cache : object
        The network's own.
    tokens : list of int
        What was read into it.
    prompt : int
        How many of them were a prompt.
    reserved : int
        Tokens that its answer may come to hold.
    """

    cache: Any
    tokens: list[int] = field(default_factory=list)
    prompt: int = 0
    reserved: int = 0


class Places:
    """The caches of a network; together they hold at most a window of tokens.

    Parameters
    ----------
    network : Network
    n_ctx : int
        The window.
    """

    def __init__(self, network: Network, n_ctx: int) -> None:
        self._network, self._n_ctx = network, n_ctx
        self._busy: list[Held] = []
        self._idle: list[Held] = []  # the one that was used last comes last

    def place(self, tokens: Sequence[int], most: int) -> Held | None:
        """A cache for a prompt, perhaps with its beginning in it; None if others must end first.

        Parameters
        ----------
        tokens : sequence of int
            The prompt.
        most : int
            Tokens of prompt and answer.
        """
        taken = sum(held.reserved for held in self._busy)
        if taken + most > self._n_ctx:
            return None
        held = self._best(tokens) or Held(self._network.start())
        held.prompt, held.reserved = len(tokens), most
        while self._idle and taken + most + sum(len(other.tokens) for other in self._idle) > self._n_ctx:
            self._idle.pop(0)
        self._busy.append(held)
        return held

    def release(self, held: Held, *, keep: bool) -> None:
        """An answer has left; `keep` tells whether its cache can be trusted."""
        self._busy.remove(held)
        if keep and held.prompt >= self._network.grid:  # less is nothing to go on from
            self._idle.append(held)

    def clear(self) -> None:
        """Forget everything."""
        self._busy.clear()
        self._idle.clear()

    def _best(self, tokens: Sequence[int]) -> Held | None:
        """The idle cache that holds most of a prompt, cut where both part."""
        grid = self._network.grid
        best, reach = None, 0
        for held in self._idle:
            same = common_length(held.tokens[: held.prompt], tokens[:-1])  # the last one gives the logits
            if same // grid * grid > reach:
                best, reach = held, same // grid * grid
        if best is None or not self._network.cut(best.cache, len(best.tokens), reach):
            return None
        self._idle.remove(best)
        del best.tokens[reach:]
        return best
