"""A panel as a client of the kernel's session: what it is told, and what it asks for."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable
from typing import Any

from jupyter_localllm._version import __version__
from jupyter_localllm.chat.protocol import VERSION
from jupyter_localllm.chat.session import Session
from jupyter_localllm.widgets.kept import Turn
from jupyter_localllm.widgets.pump import Pump
from jupyter_localllm.widgets.shown import Shown
from jupyter_localllm.widgets.view import View

__all__ = ["Client", "new_name"]

_MOST_VARIABLES = 100

Message = dict[str, Any]


class Client:
    """Takes the session's messages, and speaks for a person. All of it is done by the pump, in turn.

    Parameters
    ----------
    session : Session
    library : module
        ipywidgets.
    pump : Pump
    mark : str
    wanted : str
        The conversation to show; empty: the latest, or a new one.
    keep : callable
        Called when the text of the conversation is another one.
    gone : callable
        Called when the session is closed.

    Attributes
    ----------
    view : View
    shown : Shown
    ready : Event
        Set once the conversation is there.
    """

    def __init__(
        self,
        session: Session,
        *,
        library: Any,
        pump: Pump,
        mark: str,
        wanted: str,
        keep: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        self._session, self._pump, self._keep, self._gone = session, pump, keep, gone
        self._prefix, self._numbers = f"w{uuid.uuid4().hex[:12]}", itertools.count(1)
        self._waiting: dict[str, Callable[[Any], None]] = {}
        self._asked: dict[str, tuple[str, list[str]]] = {}
        self._state: Message = {}
        self._seen_model: tuple[Any, ...] = ()
        self._configuring: set[str] = set()
        self.shown, self.ready = Shown(), threading.Event()
        self.shown.choose(wanted)
        self.view = pump.do(lambda: View(library, pump, self, mark))

    def join(self) -> None:
        """Take part."""
        self._session.join(self, subshells=True)
        self._say({"type": "hello", "protocol": VERSION, "client": "widgets", "version": __version__})

    def leave(self) -> None:
        """Take part no longer."""
        self._session.leave(self)

    def send(self, message: Message) -> None:
        """Take a message of the session."""
        kind = message["type"]
        key = kind if kind == "state" else (kind, message["request"]) if kind == "answer" else None
        self._pump.put(lambda: self._told(message), key=key)

    def close(self) -> None:
        """The session is over."""
        self._gone()

    def look(self) -> None:
        """A cell ran: there may be other variables."""
        self._pump.put(self._look, key="variables")

    # -----------------------------------------------------------------------------------------------------------------
    # What a person wants

    def ask(self, text: str, names: list[str]) -> None:
        """Ask a question."""
        self.view.warn()
        attachments = [{"kind": "variable", "name": name} for name in names]
        request = self._name()
        self._asked[request] = (text, names)
        values = {"conversation": self.shown.name, "text": text, "attachments": attachments}
        self._say({"type": "ask", "request": request, **values})

    def stop(self) -> None:
        """Stop what is being answered here, or the loading."""
        for one in self._state.get("queue", ()):
            if one["kind"] == "use" or (one["kind"] == "ask" and one["conversation"] == self.shown.name):
                self._say({"type": "stop", "request": one["request"]})
                return

    def choose(self, name: str) -> None:
        """Show this conversation."""
        self.view.warn()
        self.view.conversations.calm()
        self.shown.choose(name)
        if name in [one["name"] for one in self._state["conversations"]]:
            self._request("open", self._opened, conversation=name)
        else:
            self._opened({"conversation": name, "turns": [], "omitted": 0})

    def change(self, what: str, value: Any) -> None:
        """Change the conversation."""
        name = self.shown.name
        if what == "new":
            self.choose(new_name([one["name"] for one in self._state["conversations"]]))
        elif what == "rename" and value:
            self._request("rename", lambda _value: self.choose(value), conversation=name, to=value)
        elif what == "clear":
            self._request("clear", lambda _value: self._cleared(), conversation=name)
        elif what == "delete":
            self._request("delete", lambda _value: self.choose(self._other(name)), conversation=name)
        elif what == "keep":
            self._request("keep", lambda _value: None, conversation=name, kept=bool(value))
        elif what == "export":
            show = self.view.conversations.show_markdown
            self._request("export", lambda told: show(told["text"]), conversation=name, format="markdown")

    def model(self, what: str, name: str | None) -> None:
        """Use a model, or unload it."""
        if what == "use" and name:
            self._request("use", lambda _value: self._models(), model=name)
        elif what == "unload":
            self._request("unload", lambda _value: self._models())

    def configure(self, values: dict[str, Any]) -> None:
        """Change sampling settings; until that is done, what states say of them is old."""
        self._configuring.add(self._request("configure", lambda _value: None, values=values))

    # -----------------------------------------------------------------------------------------------------------------
    # What the session says

    def _told(self, message: Message) -> None:
        told: dict[str, Callable[[Message], None]] = {
            "welcome": self._welcomed,
            "state": self._stands,
            "asked": self._taken,
            "answer": self._answered,
            "failed": self._failed,
            "refused": self._failed,
            "reply": self._replied,
        }
        told[message["type"]](message)

    def _welcomed(self, message: Message) -> None:
        self._state = message
        listed = message["conversations"]
        names = [one["name"] for one in listed]
        latest = next((one["name"] for one in listed if one["latest"]), "")
        self.choose(self.shown.name or latest or new_name(names))
        self._stands(message)
        self._look()

    def _stands(self, message: Message) -> None:
        self._state = message
        self.view.tell(message, self.shown.name, settings=not self._configuring)
        model = (message["model"]["name"], message["model"]["state"])
        if model != self._seen_model and model[1] != "loading":
            self._seen_model = model
            self._models()
        if self.ready.is_set() and self.shown.is_behind(message["conversations"]):
            self._request("open", self._opened, conversation=self.shown.name)

    def _taken(self, message: Message) -> None:
        if self.shown.asked(message):
            self._show()

    def _answered(self, message: Message) -> None:
        turn = self.shown.answered(message)
        if turn is not None:
            self._update(turn)

    def _failed(self, message: Message) -> None:
        request = message["request"]
        self._configuring.discard(request)
        asked, then = self._asked.pop(request, None), self._waiting.pop(request, None)
        turn = self.shown.failed(message)
        if turn is not None:
            self._update(turn)
        if self.shown.is_asked(request):
            return
        if asked is not None:  # not even taken: it is the person's to change
            self.view.composer.write(asked[0])
            self.view.composer.attach(asked[1])
        self.view.warn("\n".join(part for part in (message["text"], message["hint"]) if part))
        if then is not None:
            self.view.tell(self._state, self.shown.name)
            self.ready.set()

    def _replied(self, message: Message) -> None:
        self._configuring.discard(message["request"])
        then = self._waiting.pop(message["request"], None)
        if then is not None:
            then(message["value"])

    def _opened(self, value: Message) -> None:
        if value["conversation"] == self.shown.name:
            self.shown.opened(value)
            self._show(f"<p>{value['omitted']:,} earlier questions are not shown here.</p>" if value["omitted"] else "")
            self.view.tell(self._state, self.shown.name)
            self.ready.set()

    def _cleared(self) -> None:
        self.shown.forget()
        self._opened({"conversation": self.shown.name, "turns": [], "omitted": 0})

    def _show(self, note: str = "") -> None:
        self.view.log.show(self.shown.turns, note)
        self._keep()

    def _update(self, turn: Turn) -> None:
        self.view.log.update(turn)
        if turn.final:
            self._asked.pop(turn.request, None)
            self._keep()

    # -----------------------------------------------------------------------------------------------------------------
    # Asking the session

    def _look(self) -> None:
        self._request("variables", self.view.composer.offer, prefix="", limit=_MOST_VARIABLES)

    def _models(self) -> None:
        self._request("models", lambda models: self.view.model.list(models, self._state["model"]["name"]))

    def _other(self, name: str) -> str:
        names = [one["name"] for one in self._state["conversations"] if one["name"] != name]
        return names[-1] if names else new_name([])

    def _request(self, kind: str, then: Callable[[Any], None], **values: Any) -> str:
        request = self._name()
        self._waiting[request] = then
        self._say({"type": kind, "request": request, **values})
        return request

    def _name(self) -> str:
        return f"{self._prefix}-{next(self._numbers)}"

    def _say(self, message: Message) -> None:
        self._session.receive(self, message)


def new_name(names: list[str]) -> str:
    """A name that is free.

    Examples
    --------
    >>> new_name([]), new_name(["Chat", "Chat 2"])
    ('Chat', 'Chat 3')
    """
    free = (f"Chat {number}" if number > 1 else "Chat" for number in itertools.count(1))
    return next(name for name in free if name not in names)
