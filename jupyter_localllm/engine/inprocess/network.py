"""What differs between the libraries that run a model in this process: one small interface for each of them to fill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_localllm.engine.inprocess.settings import FolderSettings
from jupyter_localllm.types import FolderPlan, ModelFolder, Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["WHOLE", "Library", "Network", "Planner", "grid_for"]

WHOLE = 1 << 30
"""The grid of a network that must read prompts at once: longer than any of them."""


class Network(Protocol):
    """A model in memory. Made, used and freed on the owner's thread only.

    Attributes
    ----------
    device : str
        Where it runs, for people.
    kind : str
        Of its numbers, for people: ``"float32"``, ``"4-bit"``.
    n_ctx : int
        Window in tokens.
    weights_bytes : int
        What its weights take in memory.
    memory_bytes : int
        What it takes of the main memory with a full window, by its plan; 0 where it lies in a GPU's own.
    grid : int
        Tokens of a prompt that are read in one call.
    """

    device: str
    kind: str
    n_ctx: int
    weights_bytes: int
    memory_bytes: int
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


class Planner(Protocol):
    """Decides on numbers and window: `jupyter_localllm.models.folders.plan_folder`, of the room beside this one."""

    def __call__(
        self, model: ModelFolder, precisions: Sequence[Precision], n_ctx: int = 0, available: int | None = None
    ) -> FolderPlan:
        """A plan, or an error that says why there is none."""
        ...


Library = Callable[[ModelFolder, FolderSettings, Planner], Network]
"""Loads a folder: `open_transformers`, `open_mlx`."""


def grid_for(weights_bytes: int, *, accelerated: bool) -> int:
    """Tokens of a prompt that are read in one call: what somebody else's question waits for.

    It follows from the model alone, not from the machine's load, so that prompts are always cut alike.
    """
    if accelerated:
        return 512
    return 128 if weights_bytes < 1e9 else 64 if weights_bytes < 4e9 else 32
