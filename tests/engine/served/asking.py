"""What tests of all servers ask, and look at."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.errors import LocalLLMError
from tests.engine.served.server import Speaker

AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
Make = Callable[..., LocalLLM]


def told(llm: LocalLLM, question: str = "Tell me something.", **options: Any) -> LocalLLMError:
    """The error of a question."""
    with pytest.raises(LocalLLMError) as caught:
        llm.generate(question, cache="off", **options)
    return caught.value


def asked(speaker: Speaker, path: str) -> dict[str, Any]:
    """The body of the last request to a path."""
    body: dict[str, Any] = speaker.bodies(path)[-1]
    return body


@contextlib.contextmanager
def handles(scheme: str, usual: str, **values: Any) -> Iterator[Make]:
    """Makes handles on models of a backend, and closes them at the end."""
    with contextlib.ExitStack() as stack:

        def make(name: str = usual, **settings: Any) -> LocalLLM:
            llm = LocalLLM(model=f"{scheme}:{name}", **{**values, **settings})
            stack.callback(llm.close)
            return llm

        yield make
