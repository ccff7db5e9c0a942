"""Models behind OpenAI's protocol are engines like all others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_localllm.engine.base import Engine
from tests.contracts import EngineContract
from tests.engine.openai.speaker import Scripted
from tests.engine.served.engines import openai_engine


class TestScripted(EngineContract):
    """The contract, over a scripted model."""

    @pytest.fixture
    def engine(self, scripted: Scripted) -> Iterator[Engine]:
        scripted.seconds = 0.002
        engine = openai_engine(f"m@{scripted.speaker.url}/v1")
        yield engine
        engine.close()
