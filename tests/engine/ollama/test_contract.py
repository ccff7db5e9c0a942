"""Models of Ollama are engines like all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_localllm.engine.base import Engine
from tests.contracts import EngineContract
from tests.engine.served.engines import ollama_engine


class TestChat(EngineContract):
    """The contract, over ``/api/chat``."""

    @pytest.fixture
    def engine(self, fake: Any) -> Iterator[Engine]:
        fake.seconds = 0.002
        engine = ollama_engine(f"tiny:1b@{fake.speaker.url}")
        yield engine
        engine.close()


class TestGenerate(EngineContract):
    """The contract, over ``/api/generate``: a model without a chat template."""

    @pytest.fixture
    def engine(self, fake: Any) -> Iterator[Engine]:
        fake.seconds = 0.002
        engine = ollama_engine(f"base@{fake.speaker.url}")
        yield engine
        engine.close()
