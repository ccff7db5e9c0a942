"""Servers of OpenAI's protocol for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from tests.engine.openai.speaker import Scripted
from tests.engine.served.server import Speaker, speaking


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's servers and keys."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_ORG_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    with speaking() as one:
        yield one


@pytest.fixture
def scripted(speaker: Speaker) -> Scripted:
    return Scripted(speaker)


@pytest.fixture
def handle(speaker: Speaker, tmp_path: Path) -> Iterator[Callable[..., LocalLLM]]:
    """Makes handles on the server."""
    made: list[LocalLLM] = []

    def make(name: str = "m", **settings: Any) -> LocalLLM:
        values = {"endpoint": f"{speaker.url}/v1", "cache_dir": str(tmp_path), **settings}
        made.append(LocalLLM(model=f"openai:{name}", **values))
        return made[-1]

    yield make
    for llm in made:
        llm.close()
