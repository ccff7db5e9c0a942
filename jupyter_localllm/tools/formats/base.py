"""What a format of calls is: how a family of models is told of tools, and how it calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, ModelInfo, Prompt, ToolCall

__all__ = ["Calling", "Format", "Reply"]

Calling = Literal["may", "must", "never"]
"""Whether an answer may be a call, must be one, or must be text."""


@dataclass(frozen=True)
class Reply:
    """What a model wrote, read.

    Parameters
    ----------
    text : str
        What it says to the person.
    calls : tuple of ToolCall
        What it asks for.
    broken : bool
        Whether something began as a call and is none; it stands in the text.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    broken: bool = False


class Format(Protocol):
    """A way of calling tools. A new one is one file, and one line in ``formats/__init__.py``."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def openings(self) -> tuple[str, ...]:
        """What a call begins with, any of these; what comes from there on is not shown as text."""
        ...

    @property
    def first(self) -> bool:
        """Whether that is a call only as the first thing in an answer; otherwise text may stand before it."""
        ...

    @property
    def shown(self) -> tuple[str, ...]:
        """The control tokens that calls are made of, as their texts; empty if calls are plain text."""
        ...

    @property
    def reasoning_ends(self) -> str:
        """A text that ends the model's reasoning, besides its own mark, and begins a call; mostly empty."""
        ...

    def knows(self, template: str) -> bool:
        """Whether a chat template, as source, speaks this format."""
        ...

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], info: ModelInfo, how: Calling) -> Prompt:
        """The messages, calls and outcomes among them, as the model reads them."""
        ...

    def grammar(self, tools: Sequence[Tool], how: Calling) -> str:
        """What may be written, in the Lark dialect of llguidance: text, or calls under the tools' schemas."""
        ...

    def read(self, text: str, tools: Sequence[Tool]) -> Reply:
        """The calls in what the model wrote; never raises."""
        ...
