"""The backend ``openai``: from ``"openai:NAME"`` or ``"openai:NAME@URL"`` to an engine."""

from __future__ import annotations

import os

from jupyter_localllm.engine.backends import Home, Target, needed
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.openai.wire import OpenAIWire
from jupyter_localllm.engine.served.address import Address, address_of, at
from jupyter_localllm.engine.served.engine import ServedEngine
from jupyter_localllm.engine.served.keys import key_for

__all__ = ["BACKEND", "DEFAULT_ENDPOINT", "OpenAIBackend"]

DEFAULT_ENDPOINT = "http://localhost:8080/v1"
"""Where llama-server listens, if nothing else is said."""

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
        """Address and name: a server does not tell which weights it has."""
        name, address = self._place(target)
        return f"{address.url} {name}"

    def engine(self, target: Target, home: Home) -> Engine:
        """The engine; nobody is asked yet."""
        name, address = self._place(target)
        address.permit(target.settings.allow_remote)
        client = needed("openai", "openai", "A server of OpenAI's protocol")
        own = os.environ.get("OPENAI_BASE_URL", "") or _MAKERS
        key = key_for(address, target.settings.api_key_env, target.settings.endpoint, "OPENAI_API_KEY", [own])

        def wire() -> OpenAIWire:
            return OpenAIWire(client, name, address, key, target.settings)

        return ServedEngine(f"{target.scheme}:{name}", address, wire)

    def holds(self, constraint: Constraint) -> bool:
        """Never for sure: servers differ, so the model is told in words as well, and the answer is validated."""
        return False

    def _place(self, target: Target) -> tuple[str, Address]:
        name, named = at(target.name)
        return name, address_of(
            named or target.settings.endpoint or os.environ.get("OPENAI_BASE_URL", "") or DEFAULT_ENDPOINT
        )


BACKEND = OpenAIBackend()
