"""What a backend must know of its server, and nothing else: a `Wire`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Union

from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.types import FinishReason, Job, Note, TokenLogprob, ToolCall, Usage

__all__ = ["Described", "Ended", "Heard", "Piece", "Wire"]


@dataclass(frozen=True)
class Described:
    """What a server says of its model.

    Parameters
    ----------
    n_ctx : int
        Window in tokens.
    tools : bool
        Whether it takes tools and gives calls.
    at_once : int
        How many requests it takes at once; 0 for as many as there are.
    details : Mapping
        For ``%llm status``.
    content : str
        What names the content of the model, as far as the server tells.
    remote : str
        Where the server sends prompts on to, outside of this machine; empty for nowhere that is known.
    """

    n_ctx: int
    tools: bool = False
    at_once: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    remote: str = ""
    content: str = ""


@dataclass(frozen=True)
class Piece:
    """Some of an answer.

    Parameters
    ----------
    text : str
    reasoning : str
        What the server knows to be reasoning; marks of reasoning in the text are found later.
    logprobs : tuple of TokenLogprob
    """

    text: str = ""
    reasoning: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class Ended:
    """The end of an answer, as the server tells it.

    Parameters
    ----------
    finish : {"stop", "length"}
    usage : Usage or None
        None where the server does not count.
    times : Mapping of str to float
        Of `Timings`, those that begin with ``server_``.
    calls : tuple of ToolCall
    notes : tuple of Note
    """

    finish: FinishReason = "stop"
    usage: Usage | None = None
    times: Mapping[str, float] = field(default_factory=dict)
    calls: tuple[ToolCall, ...] = ()
    notes: tuple[Note, ...] = ()


Heard = Union[Piece, Ended]


class Wire(Protocol):
    """A connection to one model of one server. All coroutines run on one event loop.

    What they raise goes through `trouble`, unless it is an error of ours.
    """

    async def describe(self) -> Described:
        """Find the model, or raise `ModelNotFound`."""
        ...

    async def content(self) -> str:
        """What names the content of the model now, as `Described.content` does, or raise `ModelNotFound`."""
        ...

    def chat(self, job: Job) -> AsyncGenerator[Heard, bool]:
        """Pieces of an answer, and last the one `Ended`. Closing it lets the connection go.

        Sent True for a piece, it lets the connection go as well, and gives the `Ended` as far as it is known by then.
        """
        ...

    async def count(self, texts: Sequence[str]) -> list[int] | None:
        """Tokens of each text; None if the server does not count."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[Sequence[float]]:
        """A vector for each text."""
        ...

    async def unload(self) -> None:
        """Ask the server to give the model's memory back, if it can be asked."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...

    def trouble(self, error: Exception) -> LocalLLMError:
        """What an exception of the client means to a person."""
        ...
