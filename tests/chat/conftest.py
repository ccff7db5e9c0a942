"""Sessions over the scripted engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.chat.session import Session
from jupyter_localllm.engine.scripted import ScriptedEngine


@pytest.fixture
def variables() -> dict[str, Any]:
    """The kernel's variables."""
    return {}


@pytest.fixture
def make(variables: dict[str, Any]) -> Iterator[Callable[..., Session]]:
    """Makes the session of this kernel, with an engine that says what it is told to."""
    made: list[Session] = []

    def start(script: Any = "It is Paris.", **settings: Any) -> Session:
        engine = ScriptedEngine(script, **settings)
        handle = LocalLLM.from_engine(engine)
        runtime.current().own = handle
        session = Session(lambda: handle, lambda: variables)
        runtime.current().chat = session
        made.append(session)
        return session

    yield start
    for session in made:
        session.close()
