"""The one interface behind which a model answers.

Every engine passes ``tests/contracts.py``: the scripted double, llama.cpp in the kernel, and whatever comes later. A
wrapper that adds something (a cache, a child process) is an Engine itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.types import Event, Job, ModelInfo, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Engine", "Opening", "Routing"]

T = TypeVar("T")


@runtime_checkable
class Engine(Protocol):
    """A model that can be loaded, asked and put away.

    All methods may be called from any thread. None of them blocks without being interruptible: while waiting they poll,
    so that Ctrl-C and the stop button are obeyed within 50 ms.
    """

    @property
    def name(self) -> str:
        """What people call the model."""
        ...

    @property
    def loaded(self) -> bool:
        """Whether the model is resident now."""
        ...

    def load(self) -> Generator[Status, None, None]:
        """Make the model resident, telling how far it is; nothing to do if it is.

        Closing the generator gives up.

        Raises
        ------
        EngineError
            The model cannot be loaded.
        """
        ...

    def info(self) -> ModelInfo:
        """What the model is; only when it is loaded."""
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, its control-token look-alikes taken as plain text."""
        ...

    def count_prompt(self, pieces: Sequence[str]) -> int:
        """Tokens of a rendered prompt (see `jupyter_localllm.types.Prompt`)."""
        ...

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Answer: any number of `Status` and `Token`, then one `Done`.

        Closing the generator cancels: the sequence leaves the model at the next possible moment, and the engine is free
        for the next job.

        Raises
        ------
        ContextOverflow
            Prompt and ``max_tokens`` do not fit.
        EngineError
            Decoding failed.
        """
        ...

    def holds(self, constraint: Constraint) -> bool:
        """Whether answers are held to this `Job.constraint` while they are written.

        What is not held is told to the model in words; the answer is validated in any case.
        """
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts: an array of shape (len(texts), dimensions), each row of length 1.

        Raises
        ------
        ContextOverflow
            A text is longer than the model can read at once; nothing is cut off silently.
        EngineError
            The engine cannot embed.
        """
        ...

    def unload(self) -> None:
        """Give the memory back; the next request loads again. A running generation ends with `EngineClosed`."""
        ...

    def close(self) -> None:
        """Unload for good. Later calls raise `EngineClosed`."""
        ...


Opening = Callable[[], Generator[Status, None, Engine]]
"""Loads an engine and returns it, telling how far it is."""


@runtime_checkable
class Routing(Protocol):
    """What an engine can do besides that is made of others, none of which is loaded before it is chosen.

    Windows, templates and tools are those of who is chosen, so the choice is made first, and the prompt then.
    """

    @property
    def resident(self) -> Engine | None:
        """The one that answered last, else one that is loaded; None if there is none."""
        ...

    def routed(self, job: Job, ask: Callable[[Opening], Generator[Event, None, T]]) -> Generator[Event, None, T]:
        """Choose who is asked, have it asked, and say in the result who it was.

        Parameters
        ----------
        job : Job
            What is asked, as far as it is known before that: the messages are not rendered and may not fit.
        ask : callable
            Opens an engine and asks it; called for one after the other until one begins to write.

        Returns
        -------
        object
            What `ask` returned.
        """
        ...
