"""One question of a panel, from its turn in the queue to its last message."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_localllm.chat.failing import failure
from jupyter_localllm.chat.from_kernel import Answered, Asked, FromKernel
from jupyter_localllm.chat.from_panel import Ask
from jupyter_localllm.chat.models import ModelWatch
from jupyter_localllm.chat.prompts import Question, corrected, question_of, sources_of
from jupyter_localllm.chat.protocol import plain
from jupyter_localllm.chat.queue import Entry
from jupyter_localllm.conversation import Conversation, Turn
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import EngineError, ModelError
from jupyter_localllm.show.bundle import bundle
from jupyter_localllm.show.pace import Pace
from jupyter_localllm.show.surfaces import now_ms
from jupyter_localllm.show.view import View, failed, fold
from jupyter_localllm.types import AskEvent, Provenance, Result

if TYPE_CHECKING:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.show.html import BlockRenderer

__all__ = ["Around", "Asking"]


@dataclass(frozen=True)
class Around:
    """What a question needs of its session.

    Parameters
    ----------
    variables : callable
        The kernel's variables of the moment.
    tell : callable
        Sends a message to all panels.
    changed : callable
        Called when the queue or the model may look otherwise.
    watch : ModelWatch
    """

    variables: Callable[[], Mapping[str, Any]]
    tell: Callable[[FromKernel], None]
    changed: Callable[[], None]
    watch: ModelWatch


class Asking:
    """A question that waits for its turn.

    Parameters
    ----------
    ask : Ask
    entry : Entry
        Its place in the queue; its ``stop`` ends it, also while the prompt is read.
    handle : LocalLLM
    around : Around
    """

    def __init__(self, ask: Ask, entry: Entry, handle: LocalLLM, around: Around) -> None:
        assert entry.talk is not None
        self.ask, self.entry = ask, entry
        self.talk: Conversation = entry.talk
        self._handle, self._around = handle, around
        self._pace = Pace()
        self._blocks: BlockRenderer | None = None
        self._sequence = 0
        self._question: Question | None = None
        self._begin = threading.Lock()  # held by whoever begins it or drops it, for ever

    @property
    def asked(self) -> Asked:
        """What panels are told when the question is taken."""
        ask = self.ask
        return Asked(ask.request, self.talk.name, ask.text, ask.attachments, ask.task)

    def drop(self) -> None:
        """End a question that is not being answered yet."""
        if self._begin.acquire(blocking=False):
            self._finish(View(model=self._handle.model))

    def run(self) -> None:
        """Answer; nothing is raised, whatever goes wrong is told."""
        if not self._begin.acquire(blocking=False):
            return
        cancel_scope.set(self.entry.stop)
        view, error = View(model=self._handle.model), None
        events: Generator[AskEvent, None, None] | None = None
        try:
            if not self.entry.stop.is_set():
                self._blocks = _warm()
                events = self._events()
                for now in self._views(events, view):
                    view = now
                    self._show(view)
        except Exception as trouble:
            error = trouble
        finally:
            if events is not None:
                events.close()
        stopped = self.entry.stop.is_set()
        self._around.watch.ended(str(error) if isinstance(error, ModelError) and not stopped else "")
        if view.result is not None or stopped:
            self._finish(view)
            return
        error = error or EngineError("the answer ended without a result", "Ask again.")
        self._around.tell(failure(error, self.entry.request, self.talk.name))

    def _events(self) -> Generator[AskEvent, None, None]:
        question = self._question = question_of(self.ask, self._around.variables())
        given = {**question.options, **self.ask.options}
        if self._handle.max_tokens is not None and "max_tokens" not in self.ask.options:
            given.pop("max_tokens", None)  # what the person set stands before what the task would
        options = {**given, "chat": self.talk, "turn": self._turn(question)}
        if not question.sources:
            return self._handle.stream(question.parts, **options)
        return self._handle.stream_ask(question.text, question.sources, latest=self._latest, **options)

    def _latest(self) -> Mapping[str, Any]:
        return sources_of(self.ask, self._around.variables())

    def _turn(self, question: Question) -> Turn:
        attachments = tuple(plain(one) for one in self.ask.attachments)
        return Turn(question.text, "", request=self.ask.request, attachments=attachments, task=self.ask.task)

    def _views(self, events: Generator[AskEvent, None, None], view: View) -> Iterator[View]:
        for event in events:
            view = fold(view, event, now_ms())
            self._around.watch.see(event)
            if self.entry.follow(event):
                self._around.changed()
            yield view
            if view.result is None and self.entry.stop.is_set():
                return

    def _show(self, view: View) -> None:
        # The first words go out at once; a blank line before them is not worth a turn, and would make them wait.
        begun, characters = now_ms(), len(view.text.strip()) + len(view.reasoning.strip())
        if view.ended or not characters or not self._pace.due(begun, characters=characters):
            return
        self._send(view, final=False)
        ended = now_ms()
        self._pace.shown(ended, cost_ms=ended - begun, characters=characters)

    def _finish(self, view: View) -> None:
        if view.result is None:
            view = failed(view, KeyboardInterrupt())
            self._keep_partial(view)
        self._send(view, final=True)

    def _keep_partial(self, view: View) -> None:
        """A panel shows what an answer had when it was stopped, so it is a turn; without text there is none."""
        if not view.text.strip() or self._question is None:
            return
        prompt = "".join(part.text for part in self._question.parts)
        turn = self._turn(self._question)
        asked = prompt if prompt != turn.question and not self._question.sources else ""
        provenance = Provenance(remote=view.remote)
        made = Result(view.text, view.reasoning, "interrupted", model=view.model, provenance=provenance)
        self.talk.take(replace(turn, answer=view.text, asked=asked, made=made))
        self._handle.conversations.put(self.talk)

    def _send(self, view: View, *, final: bool) -> None:
        data, metadata = bundle(view, self._blocks)
        fix = corrected(view.text) if final and self.ask.task == "fix" else None
        answered = Answered(self.ask.request, self.talk.name, self._sequence, data, metadata, final, fix)
        self._sequence += 1
        self._around.tell(answered)


def _warm() -> BlockRenderer:
    from jupyter_localllm.show.html import BlockRenderer

    blocks = BlockRenderer()
    blocks.feed("The first text *costs* more than others.")
    return blocks
