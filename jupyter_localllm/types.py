"""Frozen values that travel between the rooms.

This module imports nothing of the package, so every room may import it. Units stand in the names:
``_ms`` is milliseconds, ``_bytes`` bytes, ``_tokens`` tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union

__all__ = [
    "CacheMode",
    "Done",
    "Event",
    "FinishReason",
    "Job",
    "Message",
    "ModelFile",
    "ModelInfo",
    "Note",
    "Part",
    "Prompt",
    "Provenance",
    "Result",
    "Role",
    "Sampling",
    "Status",
    "Timings",
    "Token",
    "Usage",
]

Role = Literal["system", "user", "assistant"]
CacheMode = Literal["use", "refresh", "off", "require"]
FinishReason = Literal["stop", "length", "interrupted"]


# ---------------------------------------------------------------------------------------------------------------------
# What goes in


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
    role : {"system", "user", "assistant"}
        Who speaks.
    parts : tuple of Part
        The content in order; the content is their concatenation.
    turn : int or None
        1-based number of the conversation turn this message replays; ``None`` for the system message and for the new
        question. Turns may be left out, oldest first, when the window is too small; nothing else may.

    Examples
    --------
    >>> Message.of("user", "Hello").content
    'Hello'
    """

    role: Role
    parts: tuple[Part, ...]
    turn: int | None = None

    @classmethod
    def of(cls, role: Role, text: str, *, turn: int | None = None) -> Message:
        """Make a message of one part."""
        return cls(role, (Part("text", text),), turn)

    @property
    def content(self) -> str:
        """The text of the message."""
        return "".join(part.text for part in self.parts)


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
    """

    messages: tuple[Message, ...]
    pieces: tuple[str, ...] = ()
    reasoning: str = ""


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
    constraint : object or None
        A token-mask constraint; the room ``constrain`` makes them. ``None``: free text.
    """

    prompt: Prompt
    sampling: Sampling = Sampling()
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    constraint: Any = None


# ---------------------------------------------------------------------------------------------------------------------
# What a model is


@dataclass(frozen=True)
class ModelFile:
    """A model file that was found, read and judged, without any of it having been loaded.

    Parameters
    ----------
    name : str
        What people call it: the catalog's name or the file's stem.
    path : str
        Absolute path of the GGUF.
    sha256 : str
        Of the whole file, in hex.
    size_bytes : int
    architecture : str
        llama.cpp's name of it (``general.architecture``).
    n_ctx_train : int
        Training context in tokens.
    weights_bytes : int
        Size of all tensors.
    kv_bytes_per_token : int
        Size of keys and values of one token at 16 bits, over all layers (an upper bound for sliding-window, recurrent
        and hybrid models).
    n_vocab, n_embd, n_ff, n_layer, n_head : int
        For the estimate of the compute buffer.
    """

    name: str
    path: str
    sha256: str
    size_bytes: int
    architecture: str
    n_ctx_train: int
    weights_bytes: int
    kv_bytes_per_token: int
    n_vocab: int
    n_embd: int
    n_ff: int
    n_layer: int
    n_head: int


@dataclass(frozen=True)
class ModelInfo:
    """What an engine tells about the model it holds.

    Parameters
    ----------
    name : str
    n_ctx : int
        Window in tokens.
    chat_template : str
        Jinja source of the chat template; empty if the model has none, or if the engine renders by itself.
    renders : bool
        Whether the engine renders messages by itself (servers), so that no pieces are needed.
    special : Mapping of str to str
        Texts for the template's variables: ``bos_token``, ``eos_token`` …
    control : tuple of str
        Texts that the tokenizer would turn into control tokens; data that holds one of them must be cut there.
    details : Mapping
        For ``%llm status``: threads, batch sizes, bytes, build.
    """

    name: str
    n_ctx: int
    chat_template: str = ""
    renders: bool = False
    special: Mapping[str, str] = field(default_factory=dict)
    control: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------------------------------------------------------------
# What comes back


@dataclass(frozen=True)
class Usage:
    """Tokens of one request."""

    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class Timings:
    """Times of one request, in milliseconds and tokens a second.

    ``ttft_ms`` is from the request to the first token, ``latency_ms`` to the last; ``load_ms`` is what loading the
    model took within this request, 0 if it was resident.
    """

    ttft_ms: float = 0.0
    latency_ms: float = 0.0
    load_ms: float = 0.0
    prompt_tokens_per_second: float = 0.0
    tokens_per_second: float = 0.0


@dataclass(frozen=True)
class Note:
    """Something the reader of an answer must be told.

    Parameters
    ----------
    code : str
        ``"length"`` (cut by max_tokens), ``"loop"`` (the answer repeats itself), ``"left_out"`` (turns did not fit),
        ``"no_template"`` (the model has no chat template), ``"stale"``, ``"interrupted"``, ``"cache"`` …
    text : str
        A sentence for people.
    """

    code: str
    text: str


@dataclass(frozen=True)
class Provenance:
    """Where an answer comes from: enough to ask the same again.

    Parameters
    ----------
    model : str
    model_sha256 : str
    sampling : Mapping
        All fields of `Sampling`.
    max_tokens : int
    stop : tuple of str
    prompt_sha256 : str
        Of the canonical messages.
    sources : Mapping of str to str
        Interpolated values and sources by name, with the sha256 of their content.
    key : str
        The answer's key in the cache.
    versions : Mapping of str to str
        Versions of what made it. Told, but not part of the key.
    """

    model: str = ""
    model_sha256: str = ""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    max_tokens: int = 0
    stop: tuple[str, ...] = ()
    prompt_sha256: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A finished generation.

    ``str(result)`` is its text, so that an answer can stand wherever its text could.

    Parameters
    ----------
    text : str
        The answer.
    reasoning : str
        What the model wrote in its reasoning channel; not part of the answer.
    finish_reason : {"stop", "length", "interrupted"}
    usage : Usage
    timings : Timings
    model : str
        The model's name.
    cached : bool
        Whether the answer was replayed from the cache.
    notes : tuple of Note
    provenance : Provenance
    """

    text: str
    reasoning: str = ""
    finish_reason: FinishReason = "stop"
    usage: Usage = Usage()
    timings: Timings = Timings()
    model: str = ""
    cached: bool = False
    notes: tuple[Note, ...] = ()
    provenance: Provenance = Provenance()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Status:
    """Work that is not text yet.

    Parameters
    ----------
    stage : str
        ``"checking"``, ``"loading"``, ``"waiting"``, ``"prompt"``, ``"cache"`` …
    text : str
        A short phrase for people.
    fraction : float or None
        Done part from 0 to 1, if known.
    """

    stage: str
    text: str = ""
    fraction: float | None = None


@dataclass(frozen=True)
class Token:
    """A piece of text: never half a character, perhaps several tokens.

    Parameters
    ----------
    text : str
    channel : {"answer", "reasoning"}
    """

    text: str
    channel: Literal["answer", "reasoning"] = "answer"


@dataclass(frozen=True)
class Done:
    """The last event of a stream that was not cancelled."""

    result: Result


Event = Union[Status, Token, Done]
