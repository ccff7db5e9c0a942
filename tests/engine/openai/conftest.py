"""Servers of OpenAI's protocol for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.openai.speaker import Scripted
from tests.engine.served.asking import Make, handles
from tests.engine.served.server import Speaker


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's servers and keys."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_ORG_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def scripted(speaker: Speaker) -> Scripted:
    return Scripted(speaker)


@pytest.fixture
def handle(speaker: Speaker, tmp_path: Path) -> Iterator[Make]:
    """Makes handles on the server."""
    with handles("openai", "m", endpoint=f"{speaker.url}/v1", cache_dir=str(tmp_path)) as make:
        yield make
