"""Panels in a cell of a shell that only writes down what it is given; the engine is the scripted one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import pytest

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.chat.session import Session
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.widgets import ChatPanel

VIEW = "application/vnd.jupyter.widget-view+json"


class Events:
    """As IPython's, for the one event."""

    def __init__(self) -> None:
        self.heard: list[Callable[[Any], None]] = []

    def register(self, _event: str, function: Callable[[Any], None]) -> None:
        self.heard.append(function)

    def unregister(self, _event: str, function: Callable[[Any], None]) -> None:
        self.heard.remove(function)


class Shell:
    """A notebook's shell: `outputs` is what the cell would be saved with, `published` all that was sent."""

    kernel = object()

    def __init__(self, cell: str = "cell-1") -> None:
        self.cell, self.meta, self.events = cell, {}, Events()
        self.published: list[tuple[bool, dict[str, Any]]] = []
        self.outputs: dict[str, dict[str, Any]] = {}
        self.display_pub = self

    def get_parent(self) -> dict[str, Any]:
        return {"header": {"msg_id": "m"}, "metadata": {"cellId": self.cell} if self.cell else {}}

    def publish(self, data: dict[str, Any], metadata: Any = None, *, transient: Any, update: bool = False) -> None:
        assert update == (transient["display_id"] in self.outputs)
        self.published.append((update, data))
        self.outputs[transient["display_id"]] = data

    @property
    def saved(self) -> list[dict[str, Any]]:
        """The data of the cell's outputs."""
        return list(self.outputs.values())


def until(seen: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until something is true, and give it."""
    deadline = time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)
    return found


class Open:
    """A panel that is shown, as a person sees and uses it."""

    def __init__(self, shell: Shell, conversation: str = "") -> None:
        self.shell = shell
        self.panel = ChatPanel(conversation, shell=shell)
        self.panel.show()
        self.client = self.panel._client
        assert self.client is not None
        assert self.client.ready.wait(10)
        self.view = self.client.view

    @property
    def rows(self) -> list[Any]:
        """The widgets of the log: a question, an answer, a question …"""
        return list(self.view.log._inner.children[1:])

    @property
    def log(self) -> str:
        """The log's HTML."""
        return "\n".join(widget.value for widget in self.rows)

    @property
    def text(self) -> str:
        """What a saved notebook holds."""
        return str(self.shell.saved[0]["text/plain"])

    @property
    def trouble(self) -> str:
        return str(self.view.trouble.value)

    def types(self, text: str, *, enter: bool = False) -> None:
        """Write a question and send it, with the messages in the order in which a browser sends them."""
        field = self.view.composer.field
        if enter:
            field._handle_custom_msg({"event": "submit"}, [])
        field.set_state({"value": text})
        if not enter:
            self.view.composer.send.click()

    def ask(self, text: str) -> None:
        """Ask, and wait for the end of the answer."""
        before = len(self.client.shown.turns)
        self.types(text)
        until(lambda: len(self.client.shown.turns) > before and self.client.shown.turns[-1].final)
        self.rest()

    def rest(self) -> None:
        """Wait until all that is on its way is shown."""
        until(lambda: self.panel._pump._thread is None)

    def press(self, button: Any) -> None:
        button.click()
        self.rest()


@pytest.fixture
def variables() -> dict[str, Any]:
    """The kernel's variables."""
    return {}


@pytest.fixture
def engine(variables: dict[str, Any]) -> Iterator[Callable[..., LocalLLM]]:
    """Makes this kernel's handle and session, with an engine that says what it is told to."""
    made: list[Session] = []

    def start(script: Any = "It is **Paris**.", *, handle: LocalLLM | None = None, **settings: Any) -> LocalLLM:
        handle = handle or LocalLLM.from_engine(ScriptedEngine(script, **settings))
        runtime.current().own = handle
        runtime.current().chat = Session(lambda: handle, lambda: variables)
        made.append(runtime.current().chat)
        return handle

    yield start
    for session in made:
        session.close()


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    """What goes to the front end: the widget and the message."""
    messages: list[tuple[Any, dict[str, Any]]] = []
    send = ipywidgets.Widget._send

    def note(widget: Any, message: dict[str, Any], buffers: Any = None) -> None:
        messages.append((widget, message))
        send(widget, message, buffers)

    monkeypatch.setattr(ipywidgets.Widget, "_send", note)
    return messages
