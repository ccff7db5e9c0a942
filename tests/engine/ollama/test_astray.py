"""An Ollama that is none: another path, a reply without end."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine.served import bounded
from jupyter_localllm.errors import LocalLLMError

Make = Callable[..., LocalLLM]


def told(llm: LocalLLM) -> LocalLLMError:
    with pytest.raises(LocalLLMError) as caught:
        llm.generate("Tell me something.", cache="off")
    return caught.value


def test_the_address_of_the_other_protocol(fake: Any, handle: Make) -> None:
    """Who writes the address as other servers have it, with /v1, reads that Ollama's has no path."""
    error = told(handle(endpoint=f"{fake.speaker.url}/v1"))
    assert "answered 404" in error.message
    assert "no /v1" in error.hint


def test_a_flood(fake: Any, handle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply without end is left, and told."""
    monkeypatch.setattr(bounded, "LONGEST_LINE", 200_000)
    for path in ("/api/chat", "/api/tags"):
        fake.speaker.routes[path] = lambda _: itertools.repeat(b"a" * 50_000, 400)
        assert "more than 200,000 bytes" in told(handle()).message


def test_replies_are_not_compressed(fake: Any, handle: Make) -> None:
    """What is small on its way may be without end in the memory: none is asked for, and one that comes is left."""
    assert handle().generate("Tell me something.", cache="off").text
    assert {asked.headers["accept-encoding"] for asked in fake.speaker.asked} == {"identity"}
    fake.speaker.headers = {"Content-Encoding": "gzip"}
    fake.speaker.routes["/api/tags"] = lambda _: [gzip.compress(b'{"models": []}' + b" " * 200_000)]
    assert "compressed (gzip)" in told(handle()).message
