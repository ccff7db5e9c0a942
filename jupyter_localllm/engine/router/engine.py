"""An engine made of others: who of them answers is decided for each question."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.engine.base import Engine, Opening
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.router.choice import Choice
from jupyter_localllm.engine.router.member import Member, Route
from jupyter_localllm.errors import ContextOverflow, EngineClosed, EngineError, LocalLLMError, UsageError
from jupyter_localllm.types import Done, Event, Job, Message, ModelInfo, Note, Prompt, Status, Token, united

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Rendering", "Route", "RouterEngine"]

Rendering = Callable[[Sequence[Message], ModelInfo], Prompt]
T = TypeVar("T")


class RouterEngine:
    """An engine made of others.

    None of them is loaded before it is chosen. Who answers is a note on the answer and stands in its provenance. A
    model that cannot be reached, or whose window is too small, hands the question to the next; once it has begun to
    write, its failure is the answer's.

    Parameters
    ----------
    routes : sequence of Route
        In the order of preference.
    name : str
    render : callable, optional
        Renders messages for engines that do not render by themselves; `LocalLLM` gives it.

    Examples
    --------
    >>> from jupyter_localllm.engine.scripted import ScriptedEngine
    >>> from jupyter_localllm.types import Message
    >>> router = RouterEngine([Route(ScriptedEngine("short", name="small"), most_tokens=20),
    ...                        Route(ScriptedEngine("long", name="large"))])
    >>> job = Job(Prompt((Message.of("user", "Hello?"),)), max_tokens=9)
    >>> [event.result.text for event in router.generate(job) if isinstance(event, Done)]
    ['short']
    """

    def __init__(self, routes: Sequence[Route], *, name: str = "router", render: Rendering | None = None) -> None:
        if not routes:
            raise UsageError("a router needs at least one model")
        self._members = [Member(route) for route in routes]
        self._name, self._render = name, render
        self._last: tuple[Member, str] | None = None  # who answered last, and why
        self._closed, self._unloads = False, 0

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    @property
    def remote(self) -> str:
        """All addresses elsewhere that any of them may ask, loaded or not; nobody is asked for it."""
        return united(*(address for member in self._members for address in member.remote))

    @property
    def loaded(self) -> bool:
        """Whether any of the models is resident."""
        return self.resident is not None

    @property
    def resident(self) -> Engine | None:
        """The one that answered last, else the first that is loaded; None if there is none."""
        members = self._members if self._last is None else [self._last[0], *self._members]
        engines = [] if self._closed else [member.engine for member in members]
        return next((engine for engine in engines if engine is not None and engine.loaded), None)

    def load(self) -> Generator[Status, None, None]:
        """Load the first of them that is there; the others are loaded when they are chosen.

        Raises
        ------
        EngineError
            None of them can be loaded.
        """
        self._check_open()
        if self.loaded:
            return
        for member in sorted(self._members, key=lambda one: bool(one.last_resort)):
            try:
                yield from member.opened()
                return
            except (EngineClosed, UsageError):  # named wrongly, not allowed, or given up: no matter of luck
                raise
            except LocalLLMError as error:
                member.fail(error)
        raise self._nobody(self._members)

    def info(self) -> ModelInfo:
        """The largest window of those that are loaded, and all addresses elsewhere that any of them may ask."""
        self._check_open()
        self._any()
        loaded = [one.engine for one in self._members if one.engine is not None and one.engine.loaded]
        return ModelInfo(
            self._name,
            max(engine.info().n_ctx for engine in loaded),
            renders=True,
            details={"routes": tuple(f"{member.name} ({self._state(member)})" for member in self._members)},
            remote=self.remote,
        )

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens by the one that answered last, else by the first that is there."""
        self._check_open()
        return self._any().count(texts)

    def count_prompt(self, pieces: Sequence[str]) -> int:
        """Tokens of all pieces."""
        return sum(self.count(pieces))

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Have the first one answer that the rules allow and that is there."""
        yield from self.routed(job, lambda opening: self._asked(opening, job))

    def routed(self, job: Job, ask: Callable[[Opening], Generator[Event, None, T]]) -> Generator[Event, None, T]:
        """Choose who is asked, have it asked, and say in the result who it was (see `Routing`)."""
        self._check_open()
        unloads, choice = self._unloads, Choice(self._name, self._members, job)
        small: tuple[int, ContextOverflow] | None = None
        for member in choice.in_turn:
            turn = _Turn(member)
            try:
                with contextlib.closing(ask(turn.opened)) as events:
                    while True:
                        self._check_asked(unloads)
                        try:
                            event = next(events)
                        except StopIteration as stop:
                            made: T = stop.value
                            return made
                        yield self._heard(event, turn, choice)
            except ContextOverflow as error:
                if small is None or turn.n_ctx > small[0]:
                    small = turn.n_ctx, error
                choice.passed(member, f"{member.name} has too small a window", failed=False)
            except (EngineClosed, UsageError):
                raise
            except LocalLLMError as error:
                member.fail(error)
                if turn.first:
                    raise
                choice.passed(member, f"{member.name}: {error.message}", failed=True)
        raise small[1] if small is not None else self._nobody(choice.in_turn)

    def holds(self, constraint: Constraint) -> bool:
        """Whether all of them do; not for sure where one is not known before it is loaded."""
        engines = [member.route.engine for member in self._members]
        return all(isinstance(engine, Engine) and engine.holds(constraint) for engine in engines)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors by the first one. Another one's would not be comparable, so nobody takes its place."""
        self._check_open()
        opening = self._members[0].opened()
        while True:
            try:
                next(opening)
            except StopIteration as stop:
                engine: Engine = stop.value
                return engine.embed(texts)

    def unload(self) -> None:
        """Unload all of them; a question that is on its way ends with `EngineClosed`."""
        self._unloads += 1
        for member in self._members:
            if member.engine is not None:
                member.engine.unload()

    def close(self) -> None:
        """Let go of all of them; they belong to those who gave them."""
        self._closed = True

    def _asked(self, opening: Opening, job: Job) -> Generator[Event, None, None]:
        engine = yield from opening()
        info = engine.info()
        if not info.renders:
            if self._render is None:
                raise EngineError(
                    f"{engine.name} does not render messages, and this router was given nothing that does"
                )
            job = replace(job, prompt=self._render(job.prompt.messages, info))
        yield from engine.generate(job)

    def _heard(self, event: Event, turn: _Turn, choice: Choice) -> Event:
        """An event of an answer; the last one tells who gave it."""
        if isinstance(event, Token) and not turn.first:
            turn.first = time.perf_counter()
        if not isinstance(event, Done):
            return event
        member = turn.member
        member.succeed(((turn.first or time.perf_counter()) - turn.ready) * 1000)
        why, stands_in = choice.said_of(member)
        self._last = member, why
        note = Note("rerouted" if stands_in else "routed", "; ".join(filter(None, (f"answered by {member.name}", why))))
        facts = {}
        with contextlib.suppress(LocalLLMError):  # the answer is there, whoever cannot be asked any more
            facts = dict(member.route.facts())
        provenance = event.result.provenance
        versions = {**provenance.versions, **facts.pop("versions", {})}
        provenance = replace(provenance, answered_by=member.name, answered_why=why, versions=versions, **facts)
        return Done(replace(event.result, notes=(*event.result.notes, note), provenance=provenance))

    def _any(self) -> Engine:
        """One that is loaded."""
        if self.resident is None:
            for _ in self.load():
                pass
        engine = self.resident
        if engine is None:  # unloaded this moment
            raise EngineClosed(f"{self._name} was unloaded", "Run it again.")
        return engine

    def _state(self, member: Member) -> str:
        if self._last is not None and self._last[0] is member and not member.resting:
            return f"answered last: {self._last[1]}" if self._last[1] else "answered last"
        return member.state

    def _nobody(self, members: Sequence[Member]) -> EngineError:
        told = "; ".join(f"{member.name}: {member.why or 'not asked'}" for member in members)
        return EngineError(f"none of {self._name} can answer: {told}", "Start one of them, or add another.")

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed(f"{self._name} was closed", "Make a new handle.")

    def _check_asked(self, unloads: int) -> None:
        self._check_open()
        if unloads != self._unloads:
            raise EngineClosed(f"{self._name} was unloaded while it answered", "Run it again.")


class _Turn:
    """What is known of one that is being asked."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.ready = time.perf_counter()
        self.first = 0.0  # when it began to write
        self._engine: Engine | None = None

    def opened(self) -> Generator[Status, None, Engine]:
        """Its engine, loaded."""
        self._engine = yield from self.member.opened()
        self.ready = time.perf_counter()
        return self._engine

    @property
    def n_ctx(self) -> int:
        """Its window; 0 if it was not opened."""
        return self._engine.info().n_ctx if self._engine is not None else 0
