"""Engines of backends, made as the runtime makes them."""

from __future__ import annotations

from typing import Any

from jupyter_localllm.engine.backends import BackendSettings, Home, Target, backend_of
from jupyter_localllm.engine.base import Engine


def nobody(_: Any) -> Any:
    raise AssertionError("servers need nothing of the runtime")


HOME = Home(nobody, nobody, nobody, nobody)


def openai_engine(name: str, **settings: Any) -> Engine:
    return backend_of("openai").engine(Target("openai", name, BackendSettings(**settings)), HOME)


def ollama_engine(name: str, **settings: Any) -> Engine:
    return backend_of("ollama").engine(Target("ollama", name, BackendSettings(**settings)), HOME)
