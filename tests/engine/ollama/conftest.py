"""Ollama servers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.engine.ollama import backend
from tests.engine.served.asking import Make, handles
from tests.engine.served.server import Speaker

pytest.importorskip("ollama")


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's servers and keys."""
    monkeypatch.setattr(backend, "_KEPT_SECONDS", 0.0)
    for name in ("OLLAMA_HOST", "OLLAMA_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fake(speaker: Speaker) -> Any:
    from tests.engine.ollama.speaker import FakeOllama

    return FakeOllama(speaker)


@pytest.fixture
def handle(speaker: Speaker, tmp_path: Path) -> Iterator[Make]:
    """Makes handles on the server."""
    with handles("ollama", "tiny:1b", endpoint=speaker.url, cache_dir=str(tmp_path)) as make:
        yield make
