"""The questions that are open: each is told to all panels, and ends exactly once."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.chat.asking import Around, Asking
from jupyter_localllm.chat.failing import failure
from jupyter_localllm.chat.from_kernel import Answered, Failed, FromKernel
from jupyter_localllm.chat.from_panel import Ask
from jupyter_localllm.chat.lanes import Lanes
from jupyter_localllm.chat.members import Member, Members
from jupyter_localllm.chat.queue import Entry, Queue
from jupyter_localllm.chat.requests import lane_of
from jupyter_localllm.chat.talks import Talks
from jupyter_localllm.errors import EngineError

__all__ = ["Questions"]

_log = logging.getLogger("jupyter_localllm.chat")


@dataclass
class _Open:
    asking: Asking
    last: Answered | None = None


class Questions:
    """The questions of a session, from `ask` to the one message that ends each.

    Parameters
    ----------
    members : Members
    queue : Queue
    lanes : Lanes
    talks : Talks
    around : Around
    """

    def __init__(self, members: Members, queue: Queue, lanes: Lanes, talks: Talks, around: Around) -> None:
        self._members, self._queue, self._lanes, self._talks = members, queue, lanes, talks
        self._around = replace(around, tell=self.tell)  # every answer comes by here
        self._open: dict[str, _Open] = {}

    def ask(self, said: Ask, handle: LocalLLM) -> None:
        """Put a question into the queue, and tell all of it."""
        talk = self._talks.get(said.conversation)
        asking = Asking(said, Entry(said.request, "ask", talk), handle, self._around)
        self._open[said.request] = _Open(asking)
        self._queue.add(asking.entry)
        self._members.tell_all(asking.asked)
        try:
            self._lanes.submit(lane_of(talk), lambda: self._answer(asking))
        except RuntimeError as error:
            self._fail(asking, error)

    def drop(self, request: str) -> None:
        """End a question that is not being answered yet."""
        opened = self._open.get(request)
        if opened is None:
            return
        try:
            opened.asking.drop()
        except BaseException as error:  # a mistake of ours: nobody will answer it any more
            _log.exception("a question could not be stopped")
            self._fail(opened.asking, error)

    def tell(self, message: FromKernel) -> None:
        """Tell all of an answer; nothing after the message that ended it.

        What a panel that joins is told (`tell_open`) and what all are told is changed under one lock, so nobody is told
        the same twice, and nobody misses a part.
        """
        with self._members.lock:
            if isinstance(message, (Answered, Failed)):
                opened = self._open.get(message.request)
                if opened is None:
                    return
                if isinstance(message, Failed) or message.final:
                    del self._open[message.request]
                    self._queue.remove(opened.asking.entry)
                else:
                    opened.last = message
            self._members.tell_all(message)

    def tell_open(self, member: Member) -> None:
        """Tell who joins of the open questions, and of their answers as far as they are; the lock is held."""
        for opened in list(self._open.values()):
            self._members.tell(member, opened.asking.asked)
            if opened.last is not None:
                self._members.tell(member, opened.last)

    def _answer(self, asking: Asking) -> None:
        error: BaseException = EngineError("the answer ended without a result", "Ask again.")
        try:
            self._talks.kept.fill(asking.talk)
            asking.run()
        except BaseException as trouble:  # an object that came with the question may raise anything, as SystemExit
            _log.exception("a question could not be answered")
            self._around.watch.ended()
            error = trouble
        finally:
            self._fail(asking, error)  # not told of a question that has ended, as nearly all have
        self._talks.answered(asking.talk)
        self._around.changed()

    def _fail(self, asking: Asking, error: BaseException) -> None:
        self.tell(failure(error, asking.entry.request, asking.talk.name))
