"""What differs between the libraries that run a model in this process: one small interface for each of them to fill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_localllm.engine.inprocess.settings import FolderSettings
from jupyter_localllm.types import ModelFolder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Library", "Network", "grid_for"]


class Network(Protocol):
    """A model in memory. Made, used and freed on the owner's thread only.

    Attributes
    ----------
    device : str
        Where it runs, for people.
    kind : str
        Of its numbers, for people: ``"float32"``, ``"4-bit"``.
    weights_bytes : int
        What its weights take in memory.
    grid : int
        Tokens of a prompt that are read in one call.
    """

    device: str
    kind: str
    weights_bytes: int
    grid: int

    def start(self) -> Any:
        """A cache of keys and values that holds nothing."""
        ...

    def read(self, tokens: Sequence[int], cache: Any) -> None:
        """Read tokens behind what the cache holds."""
        ...

    def logits(self, tokens: Sequence[int], cache: Any) -> NDArray[np.float32]:
        """Read tokens; what the last one says of the next, of shape (n_vocab,). The caller may change it."""
        ...

    def cut(self, cache: Any, held: int, keep: int) -> bool:
        """Let a cache of `held` tokens hold the first `keep` of them; False if this model cannot go back."""
        ...

    def embed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The vector of one text, of shape (n_embd,)."""
        ...

    def free(self) -> None:
        """Give everything back."""
        ...


Library = Callable[[ModelFolder, FolderSettings], Network]
"""Loads a folder: `open_transformers`, `open_mlx`."""


def grid_for(weights_bytes: int, *, accelerated: bool) -> int:
    """Tokens of a prompt that are read in one call: what somebody else's question waits for.

    It follows from the model alone, not from the machine's load, so that prompts are always cut alike.
    """
    if accelerated:
        return 512
    return 128 if weights_bytes < 1e9 else 64 if weights_bytes < 4e9 else 32
