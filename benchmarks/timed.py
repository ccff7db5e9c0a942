"""A handle whose engine answers after a given time, so that what surrounds a model can be measured without one."""

from __future__ import annotations

import os
from typing import Any

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.runtime import EngineModel

__all__ = ["ANSWER", "Timed"]

ANSWER = "one two three four five six seven eight"
DELAY = "LOCALLLM_BENCH_TOKEN_MS"  # workers inherit the environment

_engines: dict[str, ScriptedEngine] = {}


class Timed(LocalLLM):
    """Eight tokens for every question, each after so many milliseconds in which the processor is free."""

    def _model(self) -> Any:
        delay = os.environ.get(DELAY, "0")
        if delay not in _engines:
            _engines[delay] = ScriptedEngine(ANSWER, name=f"timed-{delay}", delay_ms=float(delay))
        return EngineModel(_engines[delay])
