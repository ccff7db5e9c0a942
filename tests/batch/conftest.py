"""A handle on an engine that repeats what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.types import Job


class Echo:
    """An engine's script: the question itself, and what was asked so far."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, job: Job) -> str:
        self.asked.append(job.prompt.messages[-1].content)
        return "re: " + self.asked[-1]


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def make(echo: Echo, tmp_path: Path) -> Callable[..., LocalLLM]:
    """Makes a handle; all of them share one cache."""

    def made(script: Any = None, n_ctx: int = 4096, delay_ms: float = 0.0, **settings: Any) -> LocalLLM:
        engine = ScriptedEngine(script or echo, n_ctx=n_ctx, delay_ms=delay_ms)
        return LocalLLM.from_engine(engine, cache_dir=str(tmp_path / "answers"), **settings)

    return made


@pytest.fixture
def llm(make: Callable[..., LocalLLM]) -> LocalLLM:
    return make()
