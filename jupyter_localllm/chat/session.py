"""One session for each kernel: what its panels share.

Handlers (`Session.receive`) check, put into a queue and return; the answers come from threads. The main thread has no
part in it, so all of it works while a cell runs.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from jupyter_localllm import runtime
from jupyter_localllm._version import __version__
from jupyter_localllm.api import LocalLLM, get_llm
from jupyter_localllm.api.handle import current_shell
from jupyter_localllm.chat import from_panel as panel
from jupyter_localllm.chat.asking import Around, Asking
from jupyter_localllm.chat.failing import failure
from jupyter_localllm.chat.from_kernel import FromKernel, Incompatible, Refused, Reply, State, Welcome
from jupyter_localllm.chat.kept import Kept
from jupyter_localllm.chat.lanes import Lanes
from jupyter_localllm.chat.members import Client, Member, Members
from jupyter_localllm.chat.models import ModelWatch
from jupyter_localllm.chat.notices import Notices
from jupyter_localllm.chat.protocol import VERSION, parse
from jupyter_localllm.chat.queue import Entry, Queue
from jupyter_localllm.chat.reading import Refusal
from jupyter_localllm.chat.requests import Requests, lane_of
from jupyter_localllm.chat.talks import Talks
from jupyter_localllm.conversation import Conversation
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import LocalLLMError, SettingsError

__all__ = ["Session", "session"]

_log = logging.getLogger("jupyter_localllm.chat")

_MOST_OPEN = 100
_REMEMBERED = 100_000

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
        self._cells = itertools.count(1)
        self._used: OrderedDict[str, None] = OrderedDict()
        self._asking: dict[str, Asking] = {}
        self._lanes, self._watch = Lanes(), ModelWatch()
        self._notices = Notices(self._tell_state)
        self._queue = Queue(self._notices.changed)
        self._talks = Talks(lambda: self._handle().conversations, Kept(self._cache_dir))
        self._requests = Requests(
            self._handle, self._variables, self._talks, self._queue, self._watch, self._notices.changed
        )
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
                self._admit(member, said)
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

    def _admit(self, member: Member, said: panel.FromPanel) -> None:
        """Refuse what comes out of order, and what the settings do not take."""
        if isinstance(said, panel.Hello):
            return
        if not member.greeted:
            raise Refusal("before_hello", "the first message is hello")
        if isinstance(said, panel.Stop):
            if said.request not in self._used:
                raise Refusal("unknown_request", f"there was no request {said.request}")
            return
        if said.request in self._used:
            raise Refusal("used_request", f"the request {said.request} was sent before", "Each needs an id of its own.")
        if len(self._queue) >= _MOST_OPEN:
            raise Refusal("too_many", f"{len(self._queue)} requests wait already", "Wait, or stop some of them.")
        self._check_values(said)
        self._used[said.request] = None
        while len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)

    def _check_values(self, said: panel.FromPanel) -> None:
        values: Mapping[str, Any] = getattr(said, "options", None) or getattr(said, "values", None) or {}
        try:
            for name, value in values.items():
                self._handle().checked(name, value)
        except SettingsError as error:
            raise Refusal("out_of_range", error.message, error.hint) from error

    def _hello(self, member: Member, said: panel.Hello) -> None:
        if said.protocol != VERSION:
            self._members.tell(member, _incompatible(said.protocol))
            return
        member.greeted = True
        self._lanes.submit("talks", lambda: self._welcome(member))

    def _welcome(self, member: Member) -> None:
        self._talks.kept.look()
        if self._observed is None:  # %config, in a cell
            self._observed = self._handle()
            self._observed.observe(self.changed)
        with self._members.lock:  # nothing is asked between the state and the questions that stand in it
            state = self._state()
            told = {one.name: getattr(state, one.name) for one in fields(state)}
            self._members.tell(member, Welcome(VERSION, __version__, member.subshells, **told))
            member.welcomed = True
            for asking in list(self._asking.values()):
                self._members.tell(member, asking.asked)
                if asking.last is not None:
                    self._members.tell(member, asking.last)

    def _stop(self, _member: Member, said: panel.Stop) -> None:
        entry, asking = self._queue.get(said.request), self._asking.get(said.request)
        if entry is not None:
            entry.stop.set()
        if asking is not None:
            asking.drop()

    def _ask(self, _member: Member, said: panel.Ask) -> None:
        talk = self._talks.get(said.conversation)
        entry = Entry(said.request, "ask", talk)
        around = Around(self._variables, self._members.tell_all, self._notices.changed, self._watch)
        asking = self._asking[said.request] = Asking(said, entry, self._handle(), around)
        self._queue.add(entry)
        self._members.tell_all(asking.asked)

        def ended() -> None:
            with self._members.lock:
                self._asking.pop(said.request, None)
            self._queue.remove(entry)

        def run() -> None:
            try:
                self._talks.kept.fill(talk)
                asking.run()
            except Exception as error:  # a mistake of ours: who asked must not wait for ever
                _log.exception("a question could not be answered")
                ended()
                self._members.tell_all(failure(error, said.request, talk.name))
            self._kept(talk)

        asking.ended = ended
        self._lanes.submit(lane_of(talk), run)

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
            try:
                answer: FromKernel = Reply(said.request, work.do(entry))
            except Exception as error:
                answer = failure(error, said.request)
            self._queue.remove(entry)
            self._members.tell(member, answer)
            self._notices.changed()

        self._lanes.submit(work.lane, run)

    # -----------------------------------------------------------------------------------------------------------------
    # Cells

    def of_a_cell(self, events: Generator[Any, None, None], talk: Conversation | None) -> Generator[Any, None, None]:
        """The events of a cell's answer; while they come, it stands in the queue."""
        entry = Entry(f"cell-{next(self._cells)}", "cell", talk)
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
                self._lanes.submit(lane_of(talk), lambda: self._kept(talk))

    # -----------------------------------------------------------------------------------------------------------------
    # Telling

    def _kept(self, talk: Conversation) -> None:
        try:
            self._talks.answered(talk)
        except LocalLLMError as error:
            _log.warning("%s", error)
        self._notices.changed()

    def _state(self) -> State:
        handle = self._handle()
        settings = {name: getattr(handle, name) for name in panel.SETTINGS}
        return State(self._watch.told(handle), self._queue.told(), self._talks.told(), settings)

    def _tell_state(self) -> None:
        if len(self._members) and not self._closed:
            self._members.tell_all(self._state())

    def _cache_dir(self) -> Path:
        return Path(self._handle().cache_dir).expanduser()


def _of_the_shell() -> Mapping[str, Any]:
    shell = current_shell()
    names: Mapping[str, Any] = shell.user_ns if shell is not None else {}
    return names


def _incompatible(protocol: int) -> Incompatible:
    if protocol > VERSION:
        text = (
            f"The panel speaks version {protocol} of the protocol, and jupyter_localllm {__version__} in this kernel "
            f"version {VERSION}: run %pip install --upgrade jupyter_localllm in it, and restart the kernel."
        )
        return Incompatible(VERSION, __version__, "kernel", text)
    text = (
        f"The panel speaks version {protocol} of the protocol, and the kernel version {VERSION}: upgrade "
        f"jupyter_localllm to {__version__} where JupyterLab runs, and reload the page."
    )
    return Incompatible(VERSION, __version__, "labextension", text)
