"""A panel for tests: says hello, asks, and waits for what comes back."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from jupyter_localllm.chat.from_kernel import Welcome
from jupyter_localllm.chat.protocol import parse_from_kernel
from jupyter_localllm.chat.session import Session

HELLO = {"type": "hello", "protocol": 1, "client": "labextension", "version": "0.6.0"}
_numbers = itertools.count(1)

Message = dict[str, Any]


class Gate:
    """A script that waits until it is let go."""

    def __init__(self, answer: str = "Done.") -> None:
        self.answer, self.asked, self.go = answer, threading.Event(), threading.Event()

    def __call__(self, job: Any) -> str:
        self.asked.set()
        assert self.go.wait(30)
        return self.answer

    def close(self) -> None:
        """Wait again, from the next question on."""
        self.go.clear()
        self.asked.clear()


class Panel:
    """A client of a session."""

    def __init__(self, session: Session, *, hello: bool = True, broken: bool = False) -> None:
        self.session, self.broken, self.closed = session, broken, False
        self.told: list[Message] = []
        self._came = threading.Condition()
        session.join(self)
        if hello:
            self.say(HELLO)
            self.wait("welcome")

    def send(self, message: Message) -> None:
        """What the session calls: each message is one of the protocol, and can be sent."""
        if self.broken:
            raise OSError("gone")
        parse_from_kernel(json.loads(json.dumps(message, ensure_ascii=False, allow_nan=False)))
        with self._came:
            self.told.append(message)
            self._came.notify_all()

    def close(self) -> None:
        self.closed = True

    def say(self, message: Any) -> None:
        self.session.receive(self, message)

    def request(self, type: str, **values: Any) -> str:
        """Send a request with a new id, and give the id."""
        name = str(values.pop("request", f"r{next(_numbers)}"))
        self.say({"type": type, "request": name, **values})
        return name

    def ask(self, text: str, conversation: str = "Chat", **values: Any) -> str:
        return self.request("ask", text=text, conversation=conversation, **{"attachments": [], **values})

    def until(self, seen: Callable[[Message], bool], seconds: float = 60) -> Message:
        """The first message of which this is true, perhaps of those that came."""
        deadline, at = time.monotonic() + seconds, 0
        with self._came:
            while True:
                for message in self.told[at:]:
                    if seen(message):
                        return message
                at = len(self.told)
                left = deadline - time.monotonic()
                assert left > 0, f"it did not come: {self.told[-5:]}"
                self._came.wait(left)

    def wait(self, type: str, request: str | None = None) -> Message:
        return self.until(lambda m: m["type"] == type and (request is None or m.get("request") == request))

    def ended(self, request: str) -> Message:
        """The one message that ends a request."""

        def last(message: Message) -> bool:
            if message.get("request") != request:
                return False
            return message["type"] in ("reply", "failed", "refused") or message.get("final") is True

        return self.until(last)

    def value(self, type: str, **values: Any) -> Any:
        """What is replied to a request."""
        answer = self.ended(self.request(type, **values))
        assert answer["type"] == "reply", answer
        return answer["value"]

    def answers(self, request: str) -> list[Message]:
        return [m for m in list(self.told) if m["type"] == "answer" and m["request"] == request]

    def of(self, request: str) -> list[str]:
        """Types of all messages about a request."""
        return [m["type"] for m in list(self.told) if m.get("request") == request]

    @property
    def welcome(self) -> Welcome:
        made = parse_from_kernel(self.wait("welcome"))
        assert isinstance(made, Welcome)
        return made


def text_of(answer: Message) -> str:
    """The text of an answer, as our own JSON has it."""
    return str(answer["data"]["application/vnd.jupyter-localllm.answer+json"]["text"])


def notes_of(answer: Message) -> list[str]:
    notes = answer["data"]["application/vnd.jupyter-localllm.answer+json"]["notes"]
    return [note["code"] for note in notes]
