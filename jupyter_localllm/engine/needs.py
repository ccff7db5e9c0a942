"""What a request needs of the engine that it runs in (`jupyter_localllm.engine.sequence`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Chooser", "Gate", "Place", "Words"]


class Gate(Protocol):
    """What a choice must pass: the part of a matcher that a sampler needs."""

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        ...

    def restrict(self, logits: NDArray[np.float32]) -> None:
        """Put minus infinity in the place of all tokens that may not."""
        ...


class Chooser(ABC):
    """What chooses the tokens of one answer."""

    def choose(self, logits: NDArray[np.float32], matcher: Gate | None = None) -> int:
        """The next token.

        The choice is made freely first. Only if the matcher forbids it, the choice is made again among what it allows,
        which costs a walk over the vocabulary.

        Parameters
        ----------
        logits : ndarray of shape (n_vocab,)
            Changed in place if the matcher has to be asked for its mask.
        matcher : Gate, optional
        """
        token = self._pick(logits)
        if matcher is not None and not matcher.allows(token):
            matcher.restrict(logits)
            token = self._pick(logits)
        self.accept((token,))
        return token

    @abstractmethod
    def accept(self, tokens: Iterable[int]) -> None:
        """Hear which tokens came, also those that it did not choose."""

    def close(self) -> None:
        """Be done."""
        return

    @abstractmethod
    def _pick(self, logits: NDArray[np.float32]) -> int:
        """Choose freely; the logits are left as they are."""


class Words(Protocol):
    """What a request needs of a tokenizer."""

    def ends(self, token: int) -> bool:
        """Whether the model says by this token that it is done."""
        ...

    def piece(self, token: int) -> bytes:
        """The bytes that a token adds to the text; nothing for control tokens other than reasoning marks."""
        ...

    def showing(self, texts: tuple[str, ...]) -> Callable[[int], bytes]:
        """`piece`, but the control tokens of these texts add them."""
        ...

    def text(self, token: int) -> str:
        """The vocabulary's own text of a token."""
        ...

    def tokens(self, text: str, *, special: bool) -> list[int]:
        """Tokenize; `special` tells whether the text of a control token becomes one."""
        ...


class Place(Protocol):
    """Where what was read lies."""

    tokens: list[int]
