"""The backend ``openai``: from ``"openai:NAME"`` or ``"openai:NAME@URL"`` to an engine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from jupyter_localllm.engine.backends import Home, Target, needed
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.openai.wire import OpenAIWire
from jupyter_localllm.engine.served.address import Address, address_of, at
from jupyter_localllm.engine.served.engine import ServedEngine
from jupyter_localllm.engine.served.keys import key_for
from jupyter_localllm.engine.served.once import asked_once

__all__ = ["BACKEND", "DEFAULT_ENDPOINT", "OpenAIBackend"]

DEFAULT_ENDPOINT = "http://localhost:8080/v1"
"""Where llama-server listens, if nothing else is said."""

_ASKING_SECONDS = 5.0
_MAKERS = "https://api.openai.com/v1"


class OpenAIBackend:
    """Servers that speak OpenAI's protocol: llama-server, vLLM, LM Studio, TGI, `transformers serve` and others."""

    package = "openai"

    def check(self, target: Target) -> str:
        """The model and its address."""
        name, address = self._place(target)
        return f"{name} at {address.permit(target.settings.allow_remote).url}"

    def remote(self, target: Target) -> tuple[str, ...]:
        """The address, if it is elsewhere and may be asked."""
        return self._place(target)[1].asked_elsewhere(target.settings.allow_remote)

    def identity(self, target: Target, home: Home) -> str:
        """Address and name, and what the server says of its weights; remembered, so that replays ask nobody.

        The engine learns anew what the server says each time it finds it.

        Raises
        ------
        LocalLLMError
            The server is not there or has no such model, and never was.
        """
        name, address = self._place(target)
        remembered = _remembered(name, address)
        if not home.memo.get(remembered, ""):
            quick = replace(target, settings=replace(target.settings, server_timeout=_ASKING_SECONDS))
            home.memo[remembered] = asked_once(address, self._wire(quick), lambda wire: wire.content())
        return f"{address.url} {name} {home.memo[remembered]}"

    def engine(self, target: Target, home: Home) -> Engine:
        """The engine; nobody is asked yet."""
        name, address = self._place(target)
        remembered = _remembered(name, address)

        def learnt(content: str) -> None:
            home.memo[remembered] = content

        return ServedEngine(f"{target.scheme}:{name}", address, self._wire(target), learnt)

    def _wire(self, target: Target) -> Callable[[], OpenAIWire]:
        name, address = self._place(target)
        address.permit(target.settings.allow_remote)
        client = needed("openai", "openai", "A server of OpenAI's protocol")
        own = os.environ.get("OPENAI_BASE_URL", "") or _MAKERS
        key = key_for(address, target.settings.api_key_env, target.settings.endpoint, "OPENAI_API_KEY", [own])

        return lambda: OpenAIWire(client, name, address, key, target.settings)

    def holds(self, constraint: Constraint) -> bool:
        """Never for sure: servers differ, so the model is told in words as well, and the answer is validated."""
        return False

    def _place(self, target: Target) -> tuple[str, Address]:
        name, named = at(target.name)
        return name, address_of(
            named or target.settings.endpoint or os.environ.get("OPENAI_BASE_URL", "") or DEFAULT_ENDPOINT
        )


def _remembered(name: str, address: Address) -> str:
    return f"openai:{address.url} {name}"


BACKEND = OpenAIBackend()
