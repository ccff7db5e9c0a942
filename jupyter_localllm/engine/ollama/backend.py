"""The backend ``ollama``: from ``"ollama:llama3.2:3b"`` or ``"ollama:NAME@URL"`` to an engine."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from jupyter_localllm.engine.backends import Home, Target, needed
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.ollama.wire import CLOUD, OllamaWire
from jupyter_localllm.engine.served.address import Address, address_of, at
from jupyter_localllm.engine.served.engine import ServedEngine
from jupyter_localllm.engine.served.keys import key_for
from jupyter_localllm.engine.served.once import asked_once
from jupyter_localllm.errors import LocalLLMError, UsageError

__all__ = ["BACKEND", "OllamaBackend"]

_PORT = 11434
_MAKERS = "https://ollama.com"
_DIGEST_SECONDS = 5.0
_KEPT_SECONDS = 3.0  # a map, or a notebook that is run again, asks for each of its answers
_AWAY_SECONDS = 60.0  # so long a server that was not there is not waited for again, where its digest is remembered


class OllamaBackend:
    """Models of an Ollama server."""

    package = "ollama"

    def __init__(self) -> None:
        self._until: dict[Target, float] = {}  # how long what is remembered of a model counts

    def check(self, target: Target) -> str:
        """The model and its address."""
        name, address = self._place(target)
        return f"{name} on Ollama at {address.permit(target.settings.allow_remote).url}"

    def remote(self, target: Target) -> tuple[str, ...]:
        """The address, if it is elsewhere and may be asked; or the cloud, if the model's name says that it is there."""
        name, address = self._place(target)
        cloud = (CLOUD,) if name.endswith("cloud") and target.settings.allow_remote else ()
        return address.asked_elsewhere(target.settings.allow_remote) or cloud

    def identity(self, target: Target, home: Home) -> str:
        """The digest of the model as the server tells it: weights, template and parameters.

        Only the server knows whether a tag was pulled anew, so one that is there is asked, every few seconds at most.
        Where it is not there the digest is taken as it was told last: replays need no server, and wait for it once.

        Raises
        ------
        LocalLLMError
            The server is not there or has no such model, and never told of it.
        """
        place = self._remembered(target)
        known = home.memo.get(place, "")
        if known and time.monotonic() < self._until.get(target, 0.0):
            return known
        seconds = _KEPT_SECONDS
        try:
            digest = self._asked_digest(target)
        except UsageError:
            raise
        except LocalLLMError:
            if not known:
                raise
            digest, seconds = known, _AWAY_SECONDS
        if digest != known:
            home.memo[place] = digest
        self._until[target] = time.monotonic() + seconds
        return digest

    def _asked_digest(self, target: Target) -> str:
        quick = replace(target, settings=replace(target.settings, server_timeout=_DIGEST_SECONDS))
        digest: str = asked_once(self._place(target)[1], lambda: self._wire(quick), lambda wire: wire.content())
        return digest

    def engine(self, target: Target, home: Home) -> Engine:
        """The engine; nobody is asked yet."""
        name, address = self._place(target)
        wire, place = self._wire(target), self._remembered(target)

        def learnt(digest: str) -> None:
            home.memo[place] = digest

        return ServedEngine(f"{target.scheme}:{name}", address, lambda: wire, learnt)

    def holds(self, constraint: Constraint) -> bool:
        """Never for sure: Ollama passes over what its grammar cannot say. So the model is told in words as well."""
        return False

    def _wire(self, target: Target) -> OllamaWire:
        name, address = self._place(target)
        address.permit(target.settings.allow_remote)
        client = needed("ollama", "ollama", "Ollama")
        own = _environment()
        homes = [_MAKERS, *([address_of(own, port=_PORT).url] if own else [])]
        key = key_for(address, target.settings.api_key_env, target.settings.endpoint, "OLLAMA_API_KEY", homes)
        return OllamaWire(client, name, address, key, target.settings)

    def _remembered(self, target: Target) -> str:
        name, address = self._place(target)
        return f"ollama:{address.url} {name}"

    def _place(self, target: Target) -> tuple[str, Address]:
        name, named = at(target.name)
        text = named or target.settings.endpoint or _environment() or f"127.0.0.1:{_PORT}"
        return name, address_of(text, port=_PORT)


def _environment() -> str:
    """Ollama's own variable; as a server it may be told to listen everywhere, which is here for those who ask."""
    host = os.environ.get("OLLAMA_HOST", "").strip()
    if host.startswith(":"):
        host = f"127.0.0.1{host}"
    return host.replace("0.0.0.0", "127.0.0.1", 1)


BACKEND = OllamaBackend()
