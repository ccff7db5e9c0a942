"""An engine made of others: who of them answers is decided for each question."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.router.member import Member, Opening, Route
from jupyter_localllm.engine.router.rules import task_of
from jupyter_localllm.engine.served.estimate import estimated
from jupyter_localllm.errors import ContextOverflow, EngineClosed, EngineError, LocalLLMError, UsageError
from jupyter_localllm.types import Done, Event, Job, Message, ModelInfo, Note, Prompt, Status, Token, united

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Opening", "Rendering", "Route", "RouterEngine"]

Rendering = Callable[[Sequence[Message], ModelInfo], Prompt]


class RouterEngine:
    """An engine made of others.

    Who answers is a note on the answer. A model that cannot be reached, or whose window is too small, hands the
    question to the next; once it has begun to write, its failure is the answer's.

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
        self._closed = False

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
        return not self._closed and any(member.engine is not None and member.engine.loaded for member in self._members)

    def load(self) -> Generator[Status, None, None]:
        """Load all of them; those that fail are left out until they are tried again.

        Raises
        ------
        EngineError
            None of them can be loaded.
        """
        self._check_open()
        if self.loaded:
            return
        for member in self._members:
            try:
                yield from member.opened()
            except UsageError:  # named wrongly, or not allowed: no matter of luck
                raise
            except LocalLLMError as error:
                member.fail(error)
        if not self.loaded:
            raise self._nobody(self._members)

    def info(self) -> ModelInfo:
        """The largest window, and all addresses elsewhere that any of them may ask, loaded or not."""
        self._check_open()
        infos = {member.name: member.engine.info() for member in self._ready()}
        return ModelInfo(
            self._name,
            max(info.n_ctx for info in infos.values()),
            renders=True,
            details={"routes": tuple(infos)},
            remote=self.remote,
        )

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens by the first of them that is there."""
        self._check_open()
        return self._ready()[0].engine.count(texts)

    def count_prompt(self, pieces: Sequence[str]) -> int:
        """Tokens of all pieces."""
        return sum(self.count(pieces))

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Have the first one answer that the rules allow and that is there."""
        self._check_open()
        yield from self.load()
        allowed = self._allowed(job)
        left_out = [f"{member.name}: {member.why}" for member in allowed if member.resting]
        failed = bool(left_out)
        small: ContextOverflow | None = None
        for member in sorted(allowed, key=lambda one: one.last_resort):
            began = False
            try:
                for event in self._asked(member, job):
                    self._check_open()
                    began = began or isinstance(event, Token)
                    yield _noted(event, member, left_out, failed) if isinstance(event, Done) else event
                return
            except ContextOverflow as error:
                small = error
                left_out.append(f"{member.name} has too small a window")
            except (EngineClosed, UsageError):
                raise
            except LocalLLMError as error:
                member.fail(error)
                if began:
                    raise
                told, failed = f"{member.name}: {error.message}", True
                left_out += [] if told in left_out else [told]
        raise small or self._nobody(allowed)

    def holds(self, constraint: Constraint) -> bool:
        """Whether all of them do."""
        return all(member.engine is not None and member.engine.holds(constraint) for member in self._members)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors by the first one. Another one's would not be comparable, so nobody takes its place."""
        self._check_open()
        first = self._members[0]
        for _ in first.opened():
            pass
        assert first.engine is not None
        return first.engine.embed(texts)

    def unload(self) -> None:
        """Unload all of them."""
        for member in self._members:
            if member.engine is not None:
                member.engine.unload()

    def close(self) -> None:
        """Let go of all of them; they belong to those who gave them."""
        if not self._closed:
            self._closed = True

    def _asked(self, member: Member, job: Job) -> Generator[Event, None, None]:
        engine = yield from member.opened()
        info = engine.info()
        if not info.renders:
            if self._render is None:
                raise EngineError(
                    f"{member.name} does not render messages, and this router was given nothing that does"
                )
            job = replace(job, prompt=self._render(job.prompt.messages, info))
        begun, first = time.perf_counter(), 0.0
        for event in engine.generate(job):
            if isinstance(event, Token) and not first:
                first = time.perf_counter()
            if isinstance(event, Done):
                member.succeed(((first or time.perf_counter()) - begun) * 1000)
            yield event

    def _allowed(self, job: Job) -> list[Member]:
        """Those whose rules allow the job.

        Raises
        ------
        EngineError
            There is none: says what each rule is about.
        """
        task, size = task_of(job), sum(estimated(m.content) for m in job.prompt.messages) + job.max_tokens
        found, refused = [], []
        for member in self._members:
            route = member.route
            if route.tasks and task not in route.tasks:
                refused.append(f"{member.name} is for {', '.join(route.tasks)}")
            elif route.most_tokens is not None and size > route.most_tokens:
                refused.append(f"{member.name} is for {route.most_tokens:,} tokens at most")
            else:
                found.append(member)
        if not found:
            raise EngineError(
                f"no rule of {self._name} allows this question ({task}, about {size:,} tokens): {'; '.join(refused)}",
                "Give the last model no rules, so that somebody always answers.",
            )
        return found

    def _ready(self) -> list[_Ready]:
        ready = [_Ready(m.name, m.engine) for m in self._members if m.engine is not None and m.engine.loaded]
        if not ready:
            for _ in self.load():
                pass
            return self._ready()
        return ready

    def _nobody(self, members: Sequence[Member]) -> EngineError:
        told = "; ".join(f"{member.name}: {member.why or 'not asked'}" for member in members)
        return EngineError(f"none of {self._name} can answer: {told}", "Start one of them, or add another.")

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed(f"{self._name} was closed", "Make a new handle.")


@dataclass(frozen=True)
class _Ready:
    name: str
    engine: Engine


def _noted(event: Done, member: Member, left_out: Sequence[str], failed: bool) -> Done:
    """The answer, with who gave it. One that stood in for another that failed is not kept: it may be back."""
    why = f"; {'; '.join(left_out)}" if left_out else ""
    note = Note("rerouted" if failed else "routed", f"answered by {member.name}{why}")
    return Done(replace(event.result, notes=(*event.result.notes, note)))
