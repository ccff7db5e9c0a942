"""One session for each kernel: what its panels share.

Handlers (`Session.receive`) check, put into a queue and return; the answers come from threads. The main thread has no
part in it, so all of it works while a cell runs.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from jupyter_localllm import runtime
from jupyter_localllm._version import __version__
from jupyter_localllm.api import LocalLLM, get_llm
from jupyter_localllm.api.handle import current_shell
from jupyter_localllm.chat import from_panel as panel
from jupyter_localllm.chat.admission import Admission, incompatible
from jupyter_localllm.chat.asking import Around
from jupyter_localllm.chat.failing import failure
from jupyter_localllm.chat.from_kernel import Failed, FromKernel, ModelState, Refused, Reply, State, Welcome
from jupyter_localllm.chat.kept import Kept
from jupyter_localllm.chat.lanes import Lanes
from jupyter_localllm.chat.members import Client, Member, Members
from jupyter_localllm.chat.models import ModelWatch
from jupyter_localllm.chat.notices import Notices
from jupyter_localllm.chat.protocol import VERSION, parse
from jupyter_localllm.chat.questions import Questions
from jupyter_localllm.chat.queue import Entry, Queue
from jupyter_localllm.chat.reading import Refusal
from jupyter_localllm.chat.requests import Requests, lane_of
from jupyter_localllm.chat.talks import Talks
from jupyter_localllm.conversation import Conversation
from jupyter_localllm.engine.owner import cancel_scope

__all__ = ["Session", "session"]

_log = logging.getLogger("jupyter_localllm.chat")

_making = threading.Lock()  # two comms may be opened at the same time


def session() -> Session:
    """This kernel's session, made when it is asked for first."""
    here = runtime.current()
    with _making:
        if here.chat is None:
            here.chat = Session()
    made: Session = here.chat
    return made


class Session:
    """What the panels of a kernel share: model, conversations, queue.

    Parameters
    ----------
    handle : callable
        The kernel's own handle.
    variables : callable or None
        The kernel's variables; None: those of the IPython shell.
    """

    def __init__(
        self,
        handle: Callable[[], LocalLLM] = get_llm,
        variables: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        self._handle, self._variables = handle, variables or _of_the_shell
        self._members = Members()
        self._lanes, self._watch = Lanes(), ModelWatch()
        self._notices = Notices(self._tell_state)
        self._queue = Queue(self._notices.changed)
        self._admission = Admission(self._handle, self._queue)
        self._talks = Talks(
            lambda: self._handle().conversations,
            Kept(self._cache_dir),
            asked=lambda talk: bool(self._queue.of(talk=talk)),
            lock=self._members.lock,
        )
        self._requests = Requests(
            self._handle, self._variables, self._talks, self._queue, self._watch, self._notices.changed
        )
        around = Around(self._variables, self._members.tell_all, self._notices.changed, self._watch)
        self._questions = Questions(self._members, self._queue, self._lanes, self._talks, around)
        self._observed: LocalLLM | None = None
        self._closed = False

    def join(self, client: Client, *, subshells: bool = False) -> None:
        """Take a client in; it is told nothing before it says hello.

        Parameters
        ----------
        client : Client
        subshells : bool
            Whether its messages are handled while a cell runs.
        """
        self._members.add(client, subshells=subshells)

    def leave(self, client: Client) -> None:
        """Let a client go. What it asked for goes on, for the others; completions end."""
        member = self._members.remove(client)
        for entry in self._queue.of(kind="complete", owner=member) if member is not None else ():
            entry.stop.set()

    def changed(self, _change: Any = None) -> None:
        """Something may look otherwise than before: panels are told soon."""
        self._notices.changed()

    def close(self) -> None:
        """Stop everything and let all clients go."""
        self._closed = True
        observed, self._observed = self._observed, None
        if observed is not None:
            observed.unobserve(self.changed)
        for entry in self._queue.of():
            entry.stop.set()
        self._members.close()

    # -----------------------------------------------------------------------------------------------------------------
    # Messages

    def receive(self, client: Client, message: Any) -> None:
        """Take a message: check it, put it into the queue, return. Never raises."""
        said = parse(message)
        with self._members.lock:
            member = self._members.heard(client)
            if member is None or self._closed:
                return
            try:
                if isinstance(said, Refused):
                    raise Refusal(said.code, said.text, said.hint)
                self._admission.admit(member, said)
                self._handler(said)(member, said)
            except Refusal as refusal:
                request = said.request if not isinstance(said, panel.Hello) else None
                _log.warning("refused a message (%s): %s", refusal.code, refusal.text)
                self._members.tell(member, Refused(request, refusal.code, refusal.text, refusal.hint))
            except Exception as error:  # a mistake of ours: who asked must not wait for ever
                _log.exception("a message could not be handled")
                if not isinstance(said, (panel.Hello, panel.Stop)):
                    self._members.tell(member, failure(error, said.request or "unknown"))

    def _handler(self, said: panel.FromPanel) -> Callable[[Member, Any], None]:
        handlers: dict[type[Any], Callable[[Member, Any], None]] = {
            panel.Hello: self._hello,
            panel.Ask: self._ask,
            panel.Stop: self._stop,
            panel.Configure: self._configure,
        }
        return handlers.get(type(said), self._do)

    def _hello(self, member: Member, said: panel.Hello) -> None:
        if said.protocol != VERSION:
            self._members.tell(member, incompatible(said.protocol))
            return
        member.greeted = True
        self._lanes.submit("talks", lambda: self._welcome(member))

    def _welcome(self, member: Member) -> None:
        self._talks.kept.look()
        if self._observed is None:  # %config, in a cell
            self._observed = self._handle()
            self._observed.observe(self.changed)
        model = self._watch.told(self._handle())  # before the lock: an engine that is busy answers late
        with self._members.lock:  # nothing is asked between the state and the questions that stand in it
            state = self._state(model)
            told = {one.name: getattr(state, one.name) for one in fields(state)}
            self._members.tell(member, Welcome(VERSION, __version__, member.subshells, **told))
            member.welcomed = True
            self._questions.tell_open(member)
        self._notices.changed()  # the model may be another one by now

    def _stop(self, _member: Member, said: panel.Stop) -> None:
        entry = self._queue.get(said.request)
        if entry is not None:
            entry.stop.set()
        self._questions.drop(said.request)

    def _ask(self, _member: Member, said: panel.Ask) -> None:
        self._questions.ask(said, self._handle())

    def _configure(self, member: Member, said: panel.Configure) -> None:
        handle = self._handle()
        for name, value in said.values.items():  # all of them are good: they were checked
            setattr(handle, name, handle.checked(name, value))
        self._members.tell(member, Reply(said.request, None))
        self._notices.changed()

    def _do(self, member: Member, said: Any) -> None:
        """Have something done in its lane, and its value or its error told to who asked."""
        work = self._requests.work(said, member)
        entry = Entry(said.request, work.kind, owner=member)
        self._queue.add(entry)

        def run() -> None:
            cancel_scope.set(entry.stop)
            answer: FromKernel = Failed(said.request, None, "RuntimeError", "it ended without a reply", "Ask again.")
            try:
                answer = Reply(said.request, work.do(entry))
            except BaseException as error:  # an object of the person may raise anything, as SystemExit
                answer = failure(error, said.request)
            finally:
                self._end(member, entry, answer)

        try:
            self._lanes.submit(work.lane, run)
        except RuntimeError as error:
            self._end(member, entry, failure(error, said.request))

    def _end(self, member: Member, entry: Entry, answer: FromKernel) -> None:
        self._queue.remove(entry)
        try:
            self._members.tell(member, answer)
        except Exception as error:  # a value that is none of JSON: who asked must not wait for ever
            _log.exception("a reply could not be told")
            self._members.tell(member, failure(error, entry.request))
        self._notices.changed()

    # -----------------------------------------------------------------------------------------------------------------
    # Cells

    def of_a_cell(self, events: Generator[Any, None, None], talk: Conversation | None) -> Generator[Any, None, None]:
        """The events of a cell's answer; while they come, it stands in the queue."""
        entry = Entry(f"cell-{uuid.uuid4().hex}", "cell", talk)  # no panel can have sent this
        self._queue.add(entry)
        try:
            for event in events:
                self._watch.see(event)
                if entry.follow(event):
                    self._notices.changed()
                yield event
        finally:
            events.close()
            self._watch.ended()
            self._queue.remove(entry)
            if talk is not None:
                self._keep(talk)

    # -----------------------------------------------------------------------------------------------------------------
    # Telling

    def _keep(self, talk: Conversation) -> None:
        """Write the turn of a cell, after all that is done in its conversation."""

        def keep() -> None:
            self._talks.answered(talk)
            self._notices.changed()

        try:
            self._lanes.submit(lane_of(talk), keep)
        except RuntimeError as error:  # the cell has its answer
            _log.warning("the conversation %r cannot be kept: %s", talk.name, error)

    def _state(self, model: ModelState | None = None) -> State:
        handle = self._handle()
        settings = {name: getattr(handle, name) for name in panel.SETTINGS}
        return State(model or self._watch.told(handle), self._queue.told(), self._talks.told(), settings)

    def _tell_state(self) -> None:
        if len(self._members) and not self._closed:
            self._members.tell_all(self._state())

    def _cache_dir(self) -> Path:
        return Path(self._handle().cache_dir).expanduser()


def _of_the_shell() -> Mapping[str, Any]:
    shell = current_shell()
    names: Mapping[str, Any] = shell.user_ns if shell is not None else {}
    return names
