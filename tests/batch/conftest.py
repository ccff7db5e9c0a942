"""A handle on an engine that repeats what it is asked."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import jupyter_localllm.batch
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


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many rows every map of the test asks at a time."""
    real = jupyter_localllm.batch.map_rows

    def set_width(rows: int) -> None:
        def with_width(*arguments: Any, **options: Any) -> Any:
            return real(*arguments, **{**options, "width": rows})

        monkeypatch.setattr(jupyter_localllm.batch, "map_rows", with_width)

    return set_width


@pytest.fixture(params=[1, 4])
def width(request: pytest.FixtureRequest, wide: Callable[[int], None]) -> int:
    """One row at a time, and several."""
    wide(request.param)
    return int(request.param)


@pytest.fixture
def in_turn(wide: Callable[[int], None]) -> None:
    """One row at a time, for what is told by the order in which rows are asked."""
    wide(1)


@pytest.fixture(autouse=True)
def interrupts_are_heard() -> Iterator[None]:
    """A shell's background job inherits that SIGINT is ignored, and then nothing interrupts the main thread."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
