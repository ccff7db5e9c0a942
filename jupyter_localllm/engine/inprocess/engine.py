"""A model from a folder, run in this process by Transformers or MLX, as an `Engine`.

Everything that touches the library runs on the owner's thread. One forward pass at a time is made, and tokens are
chosen here: constraints, seeds and stop strings mean the same as with llama.cpp.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from collections.abc import Sequence as Several
from typing import TYPE_CHECKING

from jupyter_localllm.engine.inprocess.loaded import LoadedFolder
from jupyter_localllm.engine.inprocess.network import Library, Planner
from jupyter_localllm.engine.inprocess.settings import FolderSettings
from jupyter_localllm.engine.owned import OwnedEngine
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.engine.ticket import Ticket
from jupyter_localllm.types import ModelFolder, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FolderEngine"]


class FolderEngine(OwnedEngine[LoadedFolder]):
    """One model folder with one set of settings.

    Parameters
    ----------
    model : ModelFolder
        A folder that passed the checks of the room ``models``.
    settings : FolderSettings
    owner : Owner
        The thread that owns native models; all engines of a process share one.
    library : Library
        `jupyter_localllm.engine.inprocess.open_transformers` or `open_mlx`.
    plan : Planner
    check : callable, optional
        What must go well before the folder is loaded for the first time (`jupyter_localllm.engine.inprocess.check`).
    """

    def __init__(
        self,
        model: ModelFolder,
        settings: FolderSettings,
        owner: Owner,
        library: Library,
        plan: Planner,
        *,
        check: Callable[[], Generator[Status, None, None]] | None = None,
    ) -> None:
        super().__init__(model.name, owner)
        self.model = model
        self.settings = settings
        self._library, self._plan, self._check = library, plan, check

    @property
    def memory_bytes(self) -> int:
        """What it gives back of the main memory when it is unloaded."""
        loaded = self._loaded
        return loaded.network.memory_bytes if loaded is not None else 0

    def embed(self, texts: Several[str]) -> NDArray[np.float32]:
        """Vectors by the model's own pooling, the mean over all tokens if it has none; one text at a time."""
        import numpy as np

        rows = [self._call(functools.partial(self._embed, i, text)) for i, text in enumerate(texts)]
        if not rows:
            return np.empty((0, self.model.n_embd), np.float32)
        return np.stack(rows)

    def _before(self) -> Generator[Status, None, None]:
        return self._check() if self._check is not None else super()._before()

    # What follows runs on the owner's thread.

    def _opened(self, ticket: Ticket) -> LoadedFolder:
        """The libraries do not tell how far they are."""
        ticket.emit(Status("loading", f"loading {self.name}"))
        loaded = LoadedFolder(self.model, self.settings, self._library, self._plan)
        ticket.emit(Status("loading", f"loading {self.name}", 1.0))
        return loaded

    def _embed(self, number: int, text: str, ticket: Ticket) -> NDArray[np.float32]:
        return self._load(ticket).embed(number, text)
