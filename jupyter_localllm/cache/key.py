"""The answer key: what an answer depends on, before anything needs the model.

The digest is the sha256 of canonical JSON. It covers the messages before rendering, the content hashes of sources, the
sampling with its seed, the stop strings, the token budget, the constraint, the version of our prompt template, the
window if a person set it, and the sha256 of model and adapter. It does not cover versions of the engine: they are told
as provenance, and an update of llama.cpp must not throw every report's answers away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from jupyter_localllm.cache.canonical import canonical, content_sha256, dump
from jupyter_localllm.cache.plain import from_plain, to_plain
from jupyter_localllm.errors import CacheError
from jupyter_localllm.sources.secrets import looks_secret
from jupyter_localllm.types import Message, Part, Role, Sampling

__all__ = [
    "AnswerKey",
    "KeyDocument",
    "MessageDigest",
    "PartDigest",
    "answer_key",
    "canonical",
    "content_sha256",
]

_VERSION = 1
_EXCERPT = 240  # characters kept of a text, to say later what changed


@dataclass(frozen=True)
class PartDigest:
    """A part of a message: its label, the sha256 of its text, and how it begins."""

    label: str
    sha256: str
    excerpt: str


@dataclass(frozen=True)
class MessageDigest:
    """A message: who speaks, the sha256 of its content, how it begins, and its parts."""

    role: Role
    sha256: str
    excerpt: str
    parts: tuple[PartDigest, ...]


@dataclass(frozen=True)
class KeyDocument:
    """All that a key is made of, small enough to keep, full enough to say later what changed.

    Excerpts, parts and the model's name are there for people; `digest` does not depend on them.

    Parameters
    ----------
    version : int
        Of this format.
    messages : tuple of MessageDigest
    sources : Mapping of str to str
        Content hashes by name.
    sampling : Mapping
        All fields of `Sampling`.
    max_tokens : int
    stop : tuple of str
        Sorted, each once.
    constraint_sha256, constraint_excerpt : str
        Empty for free text.
    template_version : str
    window : int or None
        ``n_ctx`` in tokens if a person set it.
    model : str
        The model's name, empty if it was not told.
    model_sha256, adapter_sha256 : str
    """

    version: int
    messages: tuple[MessageDigest, ...]
    sources: Mapping[str, str]
    sampling: Mapping[str, Any]
    max_tokens: int
    stop: tuple[str, ...]
    constraint_sha256: str
    constraint_excerpt: str
    template_version: str
    window: int | None
    model: str
    model_sha256: str
    adapter_sha256: str

    @classmethod
    def read(cls, document: object) -> KeyDocument:
        """Read a stored document; `CacheError` if it is not one."""
        found = from_plain(cls, document, "document")
        if found.version != _VERSION:
            raise CacheError(f"The key document has version {found.version}; this version reads {_VERSION}.")
        return found

    @property
    def digest(self) -> str:
        """The sha256 in hex of what the answer depends on."""
        identity = to_plain(self)
        identity["messages"] = [[message.role, message.sha256] for message in self.messages]
        del identity["constraint_excerpt"], identity["model"]
        return content_sha256(canonical(identity))


@dataclass(frozen=True)
class AnswerKey:
    """The key of an answer.

    Parameters
    ----------
    digest : str
        64 hexadecimal digits; two keys are equal if their digests are.
    document : Mapping
        A `KeyDocument` as JSON values: what is needed to explain a miss later.
    """

    digest: str
    document: Mapping[str, Any] = field(compare=False, repr=False)


def answer_key(
    *,
    messages: Sequence[Message],
    sampling: Sampling,
    max_tokens: int,
    stop: str | Sequence[str] | None,
    model_sha256: str,
    constraint: Any = None,
    sources: Mapping[str, str] | None = None,
    window: int | None = None,
    adapter_sha256: str = "",
    template_version: str,
    model: str = "",
) -> AnswerKey:
    """Make the key of an answer that may not exist yet.

    Parameters
    ----------
    messages : sequence of Message
        Before rendering, with the interpolated values in them.
    sampling : Sampling
    max_tokens : int
        The fixed budget of the answer, in tokens.
    stop : str, sequence of str or None
        Stop strings; their order does not matter.
    model_sha256 : str
        Of the model's file. For an engine without a file: whatever names its model for good.
    constraint : object or None
        JSON values that describe the constraint: a schema, a regular expression, a list of choices.
    sources : Mapping of str to str, optional
        Content hashes of variables and sources by name.
    window : int or None
        ``n_ctx`` in tokens, only if a person set it: the default depends on the memory of the day.
    adapter_sha256 : str
    template_version : str
        Version of our own prompt template.
    model : str
        The model's name, for explanations; not part of the key.

    Returns
    -------
    AnswerKey

    Raises
    ------
    CacheError
        Something cannot be keyed: NaN as a temperature, or no ``model_sha256``.

    Examples
    --------
    >>> from jupyter_localllm.types import Message, Sampling
    >>> common = dict(max_tokens=128, stop=(), model_sha256="ab" * 32, template_version="1")
    >>> hello = [Message.of("user", "Hello")]
    >>> one = answer_key(messages=hello, sampling=Sampling(), **common)
    >>> two = answer_key(messages=hello, sampling=Sampling(temperature=0.7), **common)
    >>> one == two
    False
    """
    if not model_sha256:
        # Two models would share their answers.
        raise CacheError("An answer cannot be keyed without the sha256 of its model.")
    constraint_text = _constraint_text(constraint)
    document = KeyDocument(
        version=_VERSION,
        messages=tuple(_message_digest(message) for message in messages),
        sources=dict(sources or {}),
        sampling=_sampling(sampling),
        max_tokens=int(max_tokens),
        stop=tuple(sorted({stop} if isinstance(stop, str) else set(stop or ()))),
        constraint_sha256=content_sha256(constraint_text) if constraint_text else "",
        constraint_excerpt=_excerpt(constraint_text),
        template_version=template_version,
        window=None if window is None else int(window),
        model=model,
        model_sha256=model_sha256,
        adapter_sha256=adapter_sha256,
    )
    return AnswerKey(document.digest, to_plain(document))


def _sampling(sampling: Sampling) -> dict[str, float | int]:
    # Fields that cannot matter (seed, top_k … when the temperature is 0) stay in the key as they are. What cannot
    # matter is the engine's knowledge, and not every engine takes 0 as the plain maximum: some servers sample all the
    # same. A key that says too much costs one more run of the model; one that says too little gives a wrong answer,
    # and its provenance would name a seed that nobody asked for. Only the types are made the same, because 0 and 0.0,
    # or 0.0 and -0.0, mean the same to every engine.
    plain = Sampling()
    return {f.name: type(getattr(plain, f.name))(getattr(sampling, f.name)) + 0 for f in fields(sampling)}


def _constraint_text(constraint: Any) -> str:
    # Not canonical on purpose: the order of a schema's properties is the order in which they are written, so it can
    # change the answer.
    return "" if constraint is None else dump(constraint, sort_keys=False).decode("utf-8", "surrogatepass")


def _message_digest(message: Message) -> MessageDigest:
    shown = [_shown(part, message) for part in message.parts]
    parts = tuple(
        PartDigest(_excerpt(part.label), content_sha256(part.text), _excerpt(text))
        for part, text in zip(message.parts, shown, strict=True)
    )
    return MessageDigest(message.role, content_sha256(message.content), _excerpt("".join(shown)), parts)


def _shown(part: Part, message: Message) -> str:
    """What is kept of a part to be read later: of a value whose name speaks of a secret, the name."""
    if message.turn is not None and message.role == "user":
        return f"(question {message.turn})"  # its values have no names any more
    return part.label if part.label != "text" and looks_secret(part.label) else part.text


def _excerpt(text: str) -> str:
    # "replace" because an excerpt is shown, and a lone surrogate cannot be.
    short = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
    return short.encode("utf-8", "replace").decode("utf-8")
