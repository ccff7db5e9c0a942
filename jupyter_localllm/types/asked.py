"""What goes into an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_localllm.types.called import ToolCall

__all__ = [
    "CacheMode",
    "Job",
    "Message",
    "Part",
    "Prompt",
    "Role",
    "Sampling",
]

Role = Literal["system", "user", "assistant", "tool"]
CacheMode = Literal["use", "refresh", "off", "require"]


@dataclass(frozen=True)
class Part:
    """A piece of a message whose size a person may want to know.

    Parameters
    ----------
    label : str
        What the piece is to its author: ``"text"``, or the expression it came from, as ``"{{ df }}"``.
    text : str
        The piece itself, as it stands in the message.
    note : str
        What should be said about it, as ``"100 rows x 5 columns"``; empty if nothing.
    """

    label: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class Message:
    """One message of a chat, made of parts.

    Parameters
    ----------
    role : {"system", "user", "assistant", "tool"}
        Who speaks; ``"tool"``: what a call gave.
    parts : tuple of Part
        The content in order; the content is their concatenation.
    turn : int or None
        1-based number of the conversation turn this message replays; ``None`` for the system message and for the new
        question. Turns may be left out, oldest first, when the window is too small; nothing else may.
    calls : tuple of ToolCall
        Of the assistant's message, the calls that it asks for; of a tool's, the one call that it tells the outcome of.
        They stand in the parts as well, labelled ``"call"``, for models that know nothing of tools.

    Examples
    --------
    >>> Message.of("user", "Hello").content
    'Hello'
    """

    role: Role
    parts: tuple[Part, ...]
    turn: int | None = None
    calls: tuple[ToolCall, ...] = ()

    @classmethod
    def of(cls, role: Role, text: str, *, turn: int | None = None) -> Message:
        """Make a message of one part."""
        return cls(role, (Part("text", text),), turn)

    @property
    def content(self) -> str:
        """The text of the message."""
        return "".join(part.text for part in self.parts)

    @property
    def said(self) -> str:
        """The text of the message without its calls."""
        return "".join(part.text for part in self.parts if part.label != "call")


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; names and neutral values are llama.cpp's.

    A ``temperature`` of 0 is greedy: the most likely token, always. ``seed`` -1 draws a seed for each request.

    Examples
    --------
    >>> Sampling().greedy
    True
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int = 1

    @property
    def greedy(self) -> bool:
        """Whether the choice is the most likely token."""
        return self.temperature <= 0.0

    @property
    def penalised(self) -> bool:
        """Whether earlier tokens change the choice."""
        return self.repeat_last_n != 0 and (
            self.repeat_penalty != 1.0 or self.frequency_penalty != 0.0 or self.presence_penalty != 0.0
        )


@dataclass(frozen=True)
class Prompt:
    """What an engine gets to read.

    Parameters
    ----------
    messages : tuple of Message
        For engines that render themselves (servers).
    pieces : tuple of str
        The rendered chat template, cut wherever data holds the text of a control token. Each piece is tokenized on its
        own with special tokens on, so that a control token of the template is one and its look-alike in data is not.
        Empty for engines that render themselves.
    reasoning : str
        The opening mark of a reasoning channel which the template has already written at the end (``"<think>"``), or
        empty.
    pins : tuple of int
        Offsets in the joined pieces, in characters, ascending: what stands before one of them will come again in other
        prompts (the system message, the sources, the head of a map's template), so an engine does well to keep it.
    """

    messages: tuple[Message, ...]
    pieces: tuple[str, ...] = ()
    reasoning: str = ""
    pins: tuple[int, ...] = ()


@dataclass(frozen=True)
class Job:
    """One generation, complete and frozen, as an engine receives it.

    Parameters
    ----------
    prompt : Prompt
    sampling : Sampling
    max_tokens : int
        Most tokens to generate, reasoning included.
    stop : tuple of str
        The answer ends before the first of these.
    constraint : Constraint or None
        What the answer must look like (`jupyter_localllm.engine.constraint`); the room ``constrain`` makes them. It
        holds for the answer, not for the reasoning. ``None``: free text.
    reasoning_tokens : int or None
        Most tokens of the reasoning channel; after them it is closed and the answer begins. ``None``: no limit of its
        own.
    logprobs : int or None
        Tell the log-probability of each token, and of so many most likely ones at its place. ``None``: none.
    pieces_ms : float
        Pieces of text come no more often than this, in milliseconds: who reads them wakes up for each, on the same
        cores. The usual value is a screen's.
    shown : tuple of str
        Control tokens that are part of the answer's text: those that calls of tools are made of.
    opens : str
        What ends the reasoning besides its own mark, and is the beginning of the answer; empty for nothing.
    tools : tuple of Mapping
        Tools that may be called, in the form of OpenAI's API, for engines that take them (`ModelInfo.tools`).
    calling : {"may", "must", "never"}
        Whether one of these may be called, must be, or must not.
    """

    prompt: Prompt
    sampling: Sampling = Sampling()
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    constraint: Any = None
    reasoning_tokens: int | None = None
    logprobs: int | None = None
    pieces_ms: float = 16.0
    shown: tuple[str, ...] = ()
    opens: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    calling: Literal["may", "must", "never"] = "may"
