"""The backend ``router``: from a name with several models in it to an engine."""

from __future__ import annotations

from jupyter_localllm.engine.backends import Home, Target
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.router.engine import Opening, Route, RouterEngine
from jupyter_localllm.engine.router.rules import parsed
from jupyter_localllm.errors import LocalLLMError, UsageError

__all__ = ["BACKEND", "RouterBackend"]


class RouterBackend:
    """The backend ``router``: models by their names, in the order of preference."""

    package = ""

    def check(self, target: Target) -> str:
        """Its models."""
        return f"a router of {', '.join(name for name, _ in parsed(target.name))}"

    def identity(self, target: Target, home: Home) -> str:
        """The rules, and what the models are: an answer by any of them is an answer of the router."""
        return "|".join(f"{_identity(home, name)}{sorted(rules.items())}" for name, rules in parsed(target.name))

    def engine(self, target: Target, home: Home) -> Engine:
        """The engine, nothing of it loaded yet."""
        routes = [Route(_opening(home, name), name, **rules) for name, rules in parsed(target.name)]  # type: ignore[arg-type]
        return RouterEngine(routes, name=f"{target.scheme}:{target.name}", render=home.render)

    def holds(self, constraint: Constraint) -> bool:
        """Not for sure: it depends on who answers."""
        return False


def _identity(home: Home, name: str) -> str:
    """What a model is; its name alone, if it is not there to be asked: another one may answer in its place."""
    try:
        return home.identity(name)
    except UsageError:
        raise
    except LocalLLMError:
        return f"?{name}"


def _opening(home: Home, name: str) -> Opening:
    return lambda: home.engine(name)


BACKEND = RouterBackend()
