"""The models of a router, and what is known of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Union

from jupyter_localllm.engine.base import Engine, Opening
from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.types import Status

__all__ = ["Member", "Route"]

_REST_SECONDS = 30.0  # how long one that failed is asked last
_NEWEST = 0.4  # share of the newest answer in the time that is taken for usual


@dataclass(frozen=True)
class Route:
    """One of the models, and what it is asked for.

    Parameters
    ----------
    engine : Engine or callable
        The engine, or what loads one (a generator of `Status` that returns it).
    name : str
        What people call it; the engine's own name if it is given.
    most_tokens : int or None
        Only for questions whose prompt and answer together have no more, by an estimate from above.
    tasks : tuple of str
        Only for these: ``"chat"``, ``"schema"``, ``"cited"``, ``"tools"``. Empty for all.
    most_ms : float or None
        Asked last while its first token usually takes longer than this, in milliseconds.
    remote : tuple of str
        Addresses outside of this machine to which it may lead prompts; an engine that is given tells its own.
    facts : callable
        More of what belongs to the provenance of its answers: ``answered_sha256`` and ``versions`` of `Provenance`.
    """

    engine: Union[Engine, Opening]
    name: str = ""
    most_tokens: int | None = None
    tasks: tuple[str, ...] = ()
    most_ms: float | None = None
    remote: tuple[str, ...] = ()
    facts: Callable[[], Mapping[str, Any]] = dict


@dataclass(eq=False)
class Member:
    """What is known of a route by now.

    Parameters
    ----------
    route : Route
    """

    route: Route
    engine: Engine | None = None
    failed: float = 0.0  # when it failed last, 0 if it is well
    why: str = ""
    usual_ms: float = 0.0

    @property
    def name(self) -> str:
        """What people call it."""
        if self.route.name:
            return self.route.name
        return self.route.engine.name if isinstance(self.route.engine, Engine) else "model"

    @property
    def remote(self) -> tuple[str, ...]:
        """Where prompts may go, also before it is loaded."""
        told = str(getattr(self.route.engine, "remote", "")) or (
            self.engine.info().remote if self.engine is not None and self.engine.loaded else ""
        )
        return (*self.route.remote, *filter(None, told.split(", ")))

    def opened(self) -> Generator[Status, None, Engine]:
        """The engine, loaded."""
        engine = self.route.engine
        if isinstance(engine, Engine):
            yield from engine.load()
            self.engine = engine
        else:
            self.engine = yield from engine()
        return self.engine

    def fail(self, error: LocalLLMError) -> None:
        """Note that it failed just now."""
        self.failed, self.why = time.monotonic(), error.message

    def succeed(self, ttft_ms: float) -> None:
        """Note that it answered, and how soon it began."""
        self.failed, self.why = 0.0, ""
        self.usual_ms = ttft_ms if not self.usual_ms else self.usual_ms + _NEWEST * (ttft_ms - self.usual_ms)

    @property
    def resting(self) -> bool:
        """Whether it failed a moment ago."""
        return bool(self.failed) and time.monotonic() - self.failed < _REST_SECONDS

    @property
    def last_resort(self) -> str:
        """Why it is asked last: it rests, or is slow; empty if it is asked in its turn."""
        if self.resting:
            return f"{self.name}: {self.why}"
        slow = self.route.most_ms is not None and self.usual_ms > self.route.most_ms
        return f"{self.name} takes more than {self.route.most_ms:g} ms to begin" if slow else ""

    def refusal(self, task: str, size: int) -> str:
        """Why its rules do not allow a question; empty if they do."""
        if self.route.tasks and task not in self.route.tasks:
            return f"{self.name} is for {', '.join(self.route.tasks)}"
        if self.route.most_tokens is not None and size > self.route.most_tokens:
            return f"{self.name} is for {self.route.most_tokens:,} tokens at most"
        return ""

    @property
    def state(self) -> str:
        """How it is, in words."""
        if self.resting:
            return f"not there: {self.why}"
        return "loaded" if self.engine is not None and self.engine.loaded else "not loaded"
