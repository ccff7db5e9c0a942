"""A model folder in memory with all that drives it. Made, used and freed on the owner's thread only."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from jupyter_localllm.engine.constraint import Matcher, Vocabulary
from jupyter_localllm.engine.inprocess.network import WHOLE, Library, Planner
from jupyter_localllm.engine.inprocess.places import Held
from jupyter_localllm.engine.inprocess.settings import FolderSettings
from jupyter_localllm.engine.inprocess.tokens import open_tokens
from jupyter_localllm.engine.inprocess.turns import Turns
from jupyter_localllm.engine.sequence import Clock, Sequence, check_fit
from jupyter_localllm.engine.ticket import Ticket
from jupyter_localllm.errors import ContextOverflow, EngineError, LocalLLMError
from jupyter_localllm.types import Job, ModelFolder, ModelInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LoadedFolder"]

_ALIKE = 0.2  # of the span of the logits: 16 bits differ by hundredths, another beginning by about as much as the span


class LoadedFolder:
    """What one engine has in memory.

    Parameters
    ----------
    model : ModelFolder
    settings : FolderSettings
    library : Library
    plan : Planner

    Raises
    ------
    LocalLLMError
        The library is missing, or cannot load the folder.
    """

    def __init__(self, model: ModelFolder, settings: FolderSettings, library: Library, plan: Planner) -> None:
        self._model = model
        self.words = open_tokens(model)
        try:
            self.network = library(model, settings, plan)
        except (LocalLLMError, KeyboardInterrupt, SystemExit):
            raise
        except Exception as error:
            raise _refused(model, error) from error
        self._turns = Turns(self.network, self.network.n_ctx, settings.n_parallel)
        self.info = self._look(settings)  # plain values, which any thread may read

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """All tokens, for constraints."""
        # One token is read to see for how many there are logits: more than the tokenizer knows, with some models.
        size = len(self.network.logits([max(0, self.words.bos)], self.network.start()))
        return self.words.vocabulary(self._model.sha256, size)

    def begin(self, job: Job, ticket: Ticket, clock: Clock, matcher: Matcher | None) -> Turns:
        """Take a request; its ticket will be finished.

        Raises
        ------
        ContextOverflow
            Prompt and answer do not fit.
        EngineError
            The model cannot write.
        """
        if not self._model.writes:
            raise EngineError(
                f"{self._model.name} ({self._model.architecture}) is an embedding model: it cannot write text",
                "Choose a chat model: %llm models",
            )
        tokens = self.words.prompt(job.prompt.pieces)
        check_fit(tokens, job, self.info.n_ctx)
        self._turns.add(Sequence[Held](job, ticket, tokens, self.words, clock, self._model.name, matcher))
        return self._turns

    def try_out(self) -> None:
        """Run what a question will run: a prompt of several tokens, and tokens after it.

        Raises
        ------
        EngineError
            What is read in pieces is not what is read at once: every answer would be wrong, and nothing would say so.
        """
        tokens = self.words.tokens("The quick brown fox jumps over the lazy dog. " * 4, special=False)[:64] or [0] * 4
        if not self._model.writes:
            self.network.embed(tokens[: self._model.n_ctx_train])
            return
        whole = self.network.logits(tokens, self.network.start())
        cache, step = self.network.start(), len(tokens) - 1 if self.network.grid == WHOLE else len(tokens) // 2
        for start in range(0, len(tokens) - 1, step):
            self.network.read(tokens[start : min(start + step, len(tokens) - 1)], cache)
        pieces = self.network.logits(tokens[-1:], cache)
        if not abs(whole - pieces).max() <= _ALIKE * (whole.max() - whole.min()):
            raise EngineError(
                f"{self._model.architecture} forgets what it read before, as it is run here",
                "Another version of the library may do; a GGUF file of the model may run by llama.cpp.",
            )

    def embed(self, number: int, text: str) -> NDArray[np.float32]:
        """The vector of a text, of length 1."""
        import numpy as np

        tokens = self.words.tokens(text, special=False, frame=True) or [max(0, self.words.bos)]
        most = self._model.n_ctx_train
        if len(tokens) > most:
            raise ContextOverflow(
                f"text {number} has {len(tokens):,} tokens, and {self._model.name} reads at most {most:,} at once",
                "Split it into parts: nothing is cut off silently.",
            )
        vector = self.network.embed(tokens)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length):
            raise EngineError("the model gave vectors that are no numbers", "Its files may be damaged.")
        return np.asarray(vector / max(length, 1e-12), dtype=np.float32)

    def free(self) -> None:
        """Give everything back."""
        self._turns.stop()
        self.network.free()

    def _look(self, settings: FolderSettings) -> ModelInfo:
        model, network = self._model, self.network
        return ModelInfo(
            name=model.name,
            n_ctx=network.n_ctx,
            chat_template=model.chat_template,
            special=model.special,
            control=self.words.control,
            details={
                "path": model.path,
                "weights_bytes": network.weights_bytes,
                "n_ctx_train": model.n_ctx_train,
                "device": network.device,
                "kind": network.kind,
                "n_parallel": settings.n_parallel,
                "fim": self.words.fim(),
            },
        )


def _refused(model: ModelFolder, error: Exception) -> EngineError:
    """What a library says when it does not load a folder, without its advice on its own functions."""
    words = f"{type(error).__name__}: {error}".strip().split("\n\n")[0]
    if "trust_remote_code" in words:
        return EngineError(
            f"{model.name} ({model.architecture}) brings Python code of its own, which is never run",
            "Newer versions of many models need none: name one, or a GGUF file of this model.",
        )
    return EngineError(
        f"{model.name} ({model.architecture}) cannot be loaded: {words if len(words) <= 500 else f'{words[:500]} …'}",
        "A newer version of the library may know it; a GGUF file of the model runs without this library.",
    )
