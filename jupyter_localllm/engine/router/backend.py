"""The backend ``router``: from a name with several models in it to an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jupyter_localllm.engine.backends import Home, Target, backend_of, target_of
from jupyter_localllm.engine.base import Engine, Opening
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.router.engine import Route, RouterEngine
from jupyter_localllm.engine.router.rules import parsed
from jupyter_localllm.errors import EngineError, LocalLLMError, UsageError

__all__ = ["BACKEND", "RouterBackend"]


class RouterBackend:
    """The backend ``router``: models by their names, in the order of preference."""

    package = ""
    local = True  # its models are permitted one by one

    def check(self, target: Target) -> str:
        """Its models, each as its own backend says; files are looked for by those who know where they lie."""
        told = [name if of is None else backend_of(of).check(of) for name, of in _targets(target)]
        return f"a router of {'; '.join(told)}"

    def parts(self, target: Target) -> tuple[str, ...]:
        """The names of its models."""
        return tuple(name for name, _ in parsed(target.name))

    def remote(self, target: Target) -> tuple[str, ...]:
        """Those of all its models."""
        found = [_remote(of) for _, of in _targets(target)]
        return tuple(dict.fromkeys(address for addresses in found for address in addresses))

    def identity(self, target: Target, home: Home) -> str:
        """The rules, and what the models are: an answer by any of them is an answer of the router.

        Raises
        ------
        EngineError
            Nobody knows what any of them is: as on another machine, where answers are replayed under what is
            remembered of the router. If one is there, the others are known by their names alone.
        """
        known, missing = [], []
        for name, rules in parsed(target.name):
            try:
                known.append(f"{home.identity(name)}{sorted(rules.items())}")
            except UsageError:
                raise
            except LocalLLMError as error:
                known.append(f"?{name}{sorted(rules.items())}")
                missing.append(f"{name}: {error.message}")
        if len(missing) == len(known):
            told = "; ".join(missing)
            raise EngineError(f"none of {target.known_as} can answer: {told}", "Start one of them, or add another.")
        return "|".join(known)

    def engine(self, target: Target, home: Home) -> Engine:
        """The engine, nothing of it loaded yet."""
        routes = [
            Route(_opening(home, name), name, remote=_remote(of), facts=_facts(home, name), **rules)  # type: ignore[arg-type]
            for (name, rules), (_, of) in zip(parsed(target.name), _targets(target), strict=True)
        ]
        return RouterEngine(routes, name=f"{target.scheme}:{target.name}", render=home.render)

    def holds(self, constraint: Constraint) -> bool:
        """Not for sure: it depends on who answers."""
        return False


def _targets(target: Target) -> list[tuple[str, Target | None]]:
    """Its models by their names, with the settings of the router; None for one in a file."""
    return [(name, target_of(name, target.settings)) for name, _ in parsed(target.name)]


def _remote(target: Target | None) -> tuple[str, ...]:
    return () if target is None else backend_of(target).remote(target)


def _opening(home: Home, name: str) -> Opening:
    return lambda: home.engine(name)


def _facts(home: Home, name: str) -> Callable[[], Mapping[str, Any]]:
    return lambda: {"versions": home.versions(name), "answered_sha256": home.identity(name)}


BACKEND = RouterBackend()
