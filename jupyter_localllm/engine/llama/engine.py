"""llama.cpp in the kernel, as an `Engine`: every native call goes to the owner's thread."""

from __future__ import annotations

import functools
from collections.abc import Sequence as Several
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_localllm.engine.llama.embedder import batches
from jupyter_localllm.engine.llama.loaded import Loaded, Surroundings
from jupyter_localllm.engine.llama.native import open_library
from jupyter_localllm.engine.llama.resident import Aborted
from jupyter_localllm.engine.llama.settings import LlamaSettings
from jupyter_localllm.engine.owned import OwnedEngine
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.engine.ticket import Ticket
from jupyter_localllm.errors import ContextOverflow, EngineClosed
from jupyter_localllm.types import ModelFile, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LlamaEngine"]

_EMBED_TOKENS = 512  # in one native call: what others wait for between two of their steps


class LlamaEngine(OwnedEngine[Loaded]):
    """One model file with one set of context settings.

    Closing the generator of an answer stops the native call within milliseconds.

    Parameters
    ----------
    model : ModelFile
        A file that passed the checks of the room ``models``.
    settings : LlamaSettings
    owner : Owner
        The thread that owns native models; all engines of a process share one.
    around : Surroundings, optional
    """

    def __init__(
        self,
        model: ModelFile,
        settings: LlamaSettings,
        owner: Owner,
        around: Surroundings | None = None,
    ) -> None:
        super().__init__(model.name, owner)
        self.model = model
        self.settings = settings
        self._around = around or Surroundings()

    def embed(self, texts: Several[str]) -> NDArray[np.float32]:
        """Vectors by the model's own pooling, the mean over all tokens if it has none.

        Texts are read in batches, and the answers of others go on between them.
        """
        import numpy as np

        tokens = self._call(lambda ticket: self._load(ticket).tokens_of(texts))
        most = self.info().details["n_ctx_train"]
        for i, one in enumerate(tokens):
            if len(one) > most:
                raise ContextOverflow(
                    f"text {i} has {len(one):,} tokens, and {self.name} reads at most {most:,} at once",
                    "Split it into parts: nothing is cut off silently.",
                )
        rows = []
        for run in batches([len(one) for one in tokens], _EMBED_TOKENS):
            part = [tokens[i] for i in run]
            rows.append(self._call(functools.partial(self._embed, part)))
        if not rows:
            return np.empty((0, self._call(lambda ticket: self._load(ticket).embedder.dimensions)), np.float32)
        return np.concatenate(rows)

    def lost(self) -> None:
        """Forget what the owner's thread had, without freeing it: the thread hangs in the middle of it."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None and loaded.scheduler is not None:
            loaded.scheduler.yield_interval()

    # What follows runs on the owner's thread.

    def _opened(self, ticket: Ticket) -> Loaded:
        told = -1.0

        def progress(fraction: float) -> bool:
            nonlocal told
            if fraction - told >= 0.05 or fraction >= 1.0:
                told = fraction
                ticket.emit(Status("loading", f"loading {self.name}", fraction))
            return not ticket.cancelled

        ticket.emit(Status("loading", f"loading {self.name}", 0.0))
        try:
            return Loaded(open_library(), self.model, self.settings, self._around, progress)
        except Aborted:
            raise EngineClosed(f"loading {Path(self.model.path).name} was stopped") from None

    def _embed(self, tokens: list[list[int]], ticket: Ticket) -> NDArray[np.float32]:
        return self._load(ticket).embed(tokens, ticket)
