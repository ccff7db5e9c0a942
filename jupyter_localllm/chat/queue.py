"""The requests that run and wait, for all panels to see."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.chat.from_kernel import Queued, QueuedKind, QueuedStage
from jupyter_localllm.chat.reading import is_title
from jupyter_localllm.conversation import Conversation
from jupyter_localllm.types import Done, Status

__all__ = ["Entry", "Queue"]

_STAGES: dict[str, QueuedStage] = {"checking": "loading", "loading": "loading", "waiting": "queued"}


@dataclass(eq=False)
class Entry:
    """One request.

    Parameters
    ----------
    request : str
    kind : {"ask", "use", "complete", "cell"} or None
        None: too short to be shown.
    talk : Conversation or None
    owner : object
        Who asked.
    stop : Event
        Set when nobody wants the rest.
    """

    request: str
    kind: QueuedKind | None = None
    talk: Conversation | None = None
    owner: Any = None
    stop: threading.Event = field(default_factory=threading.Event)
    stage: QueuedStage = "queued"
    text: str = ""

    def follow(self, event: Any) -> bool:
        """Take note of what an event says about how far it is; whether that is something new."""
        before = (self.stage, self.text)
        if isinstance(event, Status):
            self.stage, self.text = _STAGES.get(event.stage, "reading"), event.text
        elif not isinstance(event, Done):
            self.stage, self.text = "writing", ""
        return (self.stage, self.text) != before


class Queue:
    """All open requests, in the order of asking.

    Parameters
    ----------
    changed : callable
        Called when something may look otherwise than before.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._entries: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        """Put a request at the end. What a person asks stops what nobody asked for."""
        if entry.kind in ("ask", "use", "cell"):
            for other in self.of(kind="complete"):
                other.stop.set()
        self._entries[entry.request] = entry
        self._changed()

    def remove(self, entry: Entry) -> None:
        """Take a request out."""
        if self._entries.get(entry.request) is entry:
            del self._entries[entry.request]
        self._changed()

    def get(self, request: str) -> Entry | None:
        """The open request of this name."""
        return self._entries.get(request)

    def of(
        self, *, talk: Conversation | None = None, kind: QueuedKind | None = None, owner: object = None
    ) -> list[Entry]:
        """The open requests of a conversation, a kind, somebody."""
        return [
            entry
            for entry in list(self._entries.values())
            if (talk is None or entry.talk is talk)
            and (kind is None or entry.kind == kind)
            and (owner is None or entry.owner is owner)
        ]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def person_waits(self) -> bool:
        """Whether anything is asked for that a person waits for."""
        return any(entry.kind in ("ask", "use", "cell") for entry in list(self._entries.values()))

    def told(self) -> tuple[Queued, ...]:
        """As panels get it."""
        made: list[Queued] = []
        last: dict[int, str] = {}
        for entry in list(self._entries.values()):
            if entry.kind is None:
                continue
            name = entry.talk.name if entry.talk is not None and is_title(entry.talk.name) else None
            ahead = last.get(id(entry.talk)) if entry.kind == "ask" else None
            made.append(Queued(entry.request, name, entry.kind, entry.stage, ahead, entry.text))
            if entry.kind == "ask":
                last[id(entry.talk)] = entry.request
        return tuple(made)
