"""What is asked, and of whom: the values that the road takes."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.tools.formats.base import Calling
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import CacheMode, Message, Sampling, Status

if TYPE_CHECKING:
    from jupyter_localllm.constrain.typed import Typed

__all__ = ["Model", "Request"]


@dataclass(frozen=True)
class Request:
    """A question, complete, before anything of the model is known.

    Parameters
    ----------
    messages : tuple of Message
        System message, earlier turns, the question.
    sampling : Sampling
    max_tokens : int or None
        ``None``: to the end of the answer, 1,024 tokens at most.
    stop : tuple of str
    cache : {"use", "refresh", "off", "require"}
    window : int or None
        ``n_ctx`` if the person set it; it decides which turns fit, so it is part of the key.
    adapter_sha256 : str
        Of the LoRA adapter, or ``""``.
    constraint : Constraint or None
        What the answer must look like.
    form : Typed or None
        What the answer is read as; `constraint` is then its own. The answer is whole and validated, or an error.
    reasoning_budget : int or None
        Most tokens of the reasoning channel.
    logprobs : int or None
        Tell log-probabilities, with so many alternatives.
    kv_cache_type : str
        Of what numbers the KV cache is, if not of the usual ones: coarser ones give other answers.
    pieces_ms : float
        Pieces of text come no more often; no part of the key.
    tools : tuple of Tool
        What the model may call. The calls stand in the result; nothing is run here. Not beside a constraint.
    calling : {"may", "must", "never"}
        Whether it may call one, must, or must answer now.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    cache: CacheMode = "use"
    window: int | None = None
    adapter_sha256: str = ""
    constraint: Constraint | None = None
    form: Typed | None = None
    reasoning_budget: int | None = None
    logprobs: int | None = None
    kv_cache_type: str = ""
    pieces_ms: float = 16.0
    tools: tuple[Tool, ...] = ()
    calling: Calling = "may"


class Model(Protocol):
    """A model as the pipeline knows it: its identity at no cost, its engine on demand."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def known_as(self) -> str:
        """As the person named it; under this the cache remembers its sha256."""
        ...

    def sha256(self) -> str:
        """Identity of the weights; needs the file or a memory of it, never the loaded model."""
        ...

    def identify(self) -> Generator[Status, None, None]:
        """Find the identity out; tells what it does when that takes a while."""
        ...

    def engine(self) -> Generator[Status, None, Engine]:
        """Check, load, and return the engine, telling how far it is; one that is made of others loads nobody yet."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Versions of what runs the model."""
        ...

    def holds(self, constraint: Constraint) -> bool:
        """Whether its answers are held to this; if not, the model is told in words."""
        ...
