"""What a request needs of the engine that it runs in (`jupyter_localllm.engine.sequence`)."""

from __future__ import annotations

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


class Chooser(Protocol):
    """What chooses the tokens of one answer."""

    def choose(self, logits: NDArray[np.float32], matcher: Gate | None = None) -> int:
        """The next token."""
        ...

    def accept(self, tokens: Iterable[int]) -> None:
        """Hear of tokens that it did not choose."""
        ...

    def close(self) -> None:
        """Be done."""
        ...


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
