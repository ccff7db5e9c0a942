"""Engines of backends, made as the runtime makes them."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_localllm.engine.backends import BackendSettings, Home, Target, backend_of
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.served.address import Address


def nobody(_: Any) -> Any:
    raise AssertionError("servers need nothing of the runtime")


HOME = Home(nobody, nobody, nobody, nobody)


def openai_engine(name: str, **settings: Any) -> Engine:
    target = Target("openai", name, BackendSettings(**settings))
    return backend_of(target).engine(target, HOME)


def ollama_engine(name: str, **settings: Any) -> Engine:
    target = Target("ollama", name, BackendSettings(**settings))
    return backend_of(target).engine(target, HOME)


def as_if_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have addresses of this machine taken for another one's: no test asks another machine."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Address, "remote", property(lambda self: True))
