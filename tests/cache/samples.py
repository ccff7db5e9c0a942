"""Keys, entries and documents for the tests of the cache."""

from __future__ import annotations

from typing import Any

from jupyter_localllm.cache import AnswerKey, Entry, answer_key
from jupyter_localllm.types import Message, Part, Provenance, Result, Sampling, Timings, Token, Usage


def key(question: str = "What is the capital of France?", **changed: Any) -> AnswerKey:
    options: dict[str, Any] = {
        "messages": [Message.of("system", "You are a helpful assistant."), Message.of("user", question)],
        "sampling": Sampling(),
        "max_tokens": 128,
        "stop": (),
        "model_sha256": "ab" * 32,
        "template_version": "1",
        "model": "smollm2",
    }
    return answer_key(**{**options, **changed})


def templated(*parts: tuple[str, str], **changed: Any) -> AnswerKey:
    """A key whose question is made of (label, text) parts."""
    message = Message("user", tuple(Part(label, text) for label, text in parts))
    return key(messages=[Message.of("system", "You are a helpful assistant."), message], **changed)


def entry(of: AnswerKey, text: str = "Paris is the capital of France.", **changed: Any) -> Entry:
    tokens = tuple(Token(word + " ") for word in text.split())
    result = Result(
        text,
        usage=Usage(30, 10, len(tokens)),
        timings=Timings(12.5, 100.25, 0.0, 300.0, 80.0),
        model="smollm2",
        provenance=Provenance(model="smollm2", sampling={"temperature": 0.0, "seed": 1}, key=of.digest),
        **changed,
    )
    return Entry.of(tokens, result, of)
