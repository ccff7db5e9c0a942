"""Ollama servers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine.ollama import backend
from tests.engine.served.server import Speaker, speaking

pytest.importorskip("ollama")


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's servers and keys."""
    monkeypatch.setattr(backend, "_KEPT_SECONDS", 0.0)
    for name in ("OLLAMA_HOST", "OLLAMA_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    with speaking() as one:
        yield one


@pytest.fixture
def fake(speaker: Speaker) -> Any:
    from tests.engine.ollama.speaker import FakeOllama

    return FakeOllama(speaker)


@pytest.fixture
def handle(speaker: Speaker, tmp_path: Path) -> Iterator[Callable[..., LocalLLM]]:
    """Makes handles on the server."""
    made: list[LocalLLM] = []

    def make(name: str = "tiny:1b", **settings: Any) -> LocalLLM:
        values = {"endpoint": speaker.url, "cache_dir": str(tmp_path), **settings}
        made.append(LocalLLM(model=f"ollama:{name}", **values))
        return made[-1]

    yield make
    for llm in made:
        llm.close()
