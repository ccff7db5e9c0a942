"""What comes back from an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Union

from jupyter_localllm.types.called import ToolCall

__all__ = [
    "Done",
    "Event",
    "FinishReason",
    "Note",
    "Provenance",
    "Result",
    "Revised",
    "Status",
    "Timings",
    "Token",
    "TokenLogprob",
    "Usage",
    "of_several",
    "united",
]

FinishReason = Literal["stop", "length", "interrupted"]


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
    model took within this request, 0 if it was resident. All of these are measured here, by the clock on the wall, and
    so are the two speeds. What a server says of its own work stands in ``server_load_ms``, ``server_prompt_ms``,
    ``server_generation_ms`` and ``server_total_ms``; 0 where it says nothing.
    """

    ttft_ms: float = 0.0
    latency_ms: float = 0.0
    load_ms: float = 0.0
    prompt_tokens_per_second: float = 0.0
    tokens_per_second: float = 0.0
    server_load_ms: float = 0.0
    server_prompt_ms: float = 0.0
    server_generation_ms: float = 0.0
    server_total_ms: float = 0.0


@dataclass(frozen=True)
class Note:
    """Something the reader of an answer must be told.

    Parameters
    ----------
    code : str
        ``"length"`` (cut by max_tokens), ``"loop"`` (the answer repeats itself), ``"left_out"`` (turns did not fit),
        ``"no_template"`` (the model has no chat template), ``"stale"``, ``"interrupted"``, ``"cache"``,
        ``"unsent"`` (the server was not told something), ``"unheld"`` (nothing held the answer to its form),
        ``"routed"`` (who answered) …
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
    remote : str
        Addresses outside of this machine that were asked, as `united` writes them; empty if there is none.
    answered_by : str
        Which model of a router answered; empty for a model that stands for itself.
    answered_sha256 : str
        What `model_sha256` would be of that model alone.
    answered_why : str
        Why it was asked and not those before it; empty for the first.
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
    remote: str = ""
    answered_by: str = ""
    answered_sha256: str = ""
    answered_why: str = ""


@dataclass(frozen=True)
class TokenLogprob:
    """How likely a token was.

    Parameters
    ----------
    text : str
        The token's text; the replacement character stands for part of a character.
    logprob : float
        Natural logarithm of its probability, from the logits as the model gave them: before temperature, penalties and
        constraint.
    top : tuple of (str, float)
        The most likely tokens at this place, as many as were asked for, best first.
    """

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


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
    logprobs : tuple of TokenLogprob
        One for each token of the answer, if they were asked for.
    calls : tuple of ToolCall
        The calls of tools, in order, with what came of them.
    value : object
        The Python object, where the answer was given a schema; made anew from the text each time, never stored.
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
    logprobs: tuple[TokenLogprob, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    value: Any = field(default=None, compare=False, metadata={"stored": False})

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Status:
    """Work that is not text yet.

    Parameters
    ----------
    stage : str
        ``"checking"``, ``"loading"``, ``"waiting"``, ``"prompt"``, ``"cache"`` … After ``"retry"`` the answer begins
        anew: what came of it so far did not fit.
    text : str
        A short phrase for people.
    fraction : float or None
        Done part from 0 to 1, if known.
    remote : str
        Addresses outside of this machine that are asked for it, as `united` writes them.
    """

    stage: str
    text: str = ""
    fraction: float | None = None
    remote: str = ""


def united(*addresses: str) -> str:
    """Addresses as one text, with commas between them, each once; no address holds a blank.

    Examples
    --------
    >>> united("https://a.org", "", "https://b.org, https://a.org")
    'https://a.org, https://b.org'
    """
    return ", ".join(dict.fromkeys(one for text in addresses for one in text.split(", ") if one))


def of_several(known: Provenance, latest: Provenance) -> Provenance:
    """Where several answers come from: as the latest, with all addresses and all models that had a part in them.

    Examples
    --------
    >>> of_several(Provenance(answered_by="a"), Provenance(model_sha256="1", answered_by="b")).answered_by
    'a, b'
    """
    return replace(
        latest if latest.model_sha256 else known,
        remote=united(known.remote, latest.remote),
        answered_by=united(known.answered_by, latest.answered_by),
        answered_sha256="",
        answered_why="",
    )


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
class Revised:
    """The answer so far was corrected: this is all of it, and what comes next goes on from here.

    Parameters
    ----------
    text : str
        The whole text so far, with its marks as they were checked.
    """

    text: str


@dataclass(frozen=True)
class Done:
    """The last event of a stream that was not cancelled."""

    result: Result


Event = Union[Status, Token, Done]
