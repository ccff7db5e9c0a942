"""How an engine is told what an answer must look like: one interface, a token mask for each step.

The engine samples as usual and asks whether the token is allowed. Only if it is not, which is rare once a model has
seen what is wanted, the mask is put over the whole vocabulary: constrained decoding costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Constraint", "Matcher", "Vocabulary"]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The tokens of a model, as constraints need them. Plain values: no call into the model.

    Parameters
    ----------
    key : str
        Names the vocabulary; what is computed from it may be kept under this key.
    tokens : tuple of bytes
        What each token writes, by its number. A control token writes nothing: its bytes are its name.
    special : frozenset of int
        Control tokens. They never are part of a constrained answer.
    ends : frozenset of int
        The tokens by which the model says that it is done; all of them are in `special`.
    """

    key: str
    tokens: tuple[bytes, ...]
    special: frozenset[int]
    ends: frozenset[int]


class Matcher(Protocol):
    """Where one answer stands in its constraint. Used by one thread at a time.

    No method raises for anything that a model may write.
    """

    @property
    def finished(self) -> bool:
        """Whether the answer is complete and nothing but its end may follow."""
        ...

    def allows(self, token: int) -> bool:
        """Whether `token` may come next; for an end token: whether the answer may end here."""
        ...

    def advance(self, token: int) -> None:
        """Take a token that `allows` said yes to. An end token changes nothing."""
        ...

    def restrict(self, logits: NDArray[np.float32]) -> None:
        """Put minus infinity in the place of all tokens that may not come next.

        Parameters
        ----------
        logits : ndarray of shape (n_vocab,)
            Changed in place. At least one token is left: where nothing may follow, the end.
        """
        ...


@runtime_checkable
class Constraint(Protocol):
    """What an answer must look like: a frozen value that can be pickled and compared."""

    @property
    def key(self) -> str:
        """Everything that decides what is allowed, as canonical text; equal keys mean equal constraints."""
        ...

    def start(self, vocabulary: Vocabulary) -> Matcher:
        """A matcher at the beginning of an answer. May take a while; called on the thread that asks.

        Raises
        ------
        UsageError
            The constraint cannot be honoured in full; says why.
        DependencyMissing
            It needs a package that is not installed.
        """
        ...
