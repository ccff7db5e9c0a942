"""The conversation that a panel shows, put together from what the session says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_localllm.widgets.kept import Turn

__all__ = ["Shown"]

Message = Mapping[str, Any]


class Shown:
    """The turns of one conversation; and of all, the questions that are being answered.

    Attributes
    ----------
    name : str
        The conversation.
    turns : list of Turn
    """

    def __init__(self) -> None:
        self.name = ""
        self.turns: list[Turn] = []
        self._live: dict[str, tuple[str, Turn]] = {}
        self._counted, self._edits = 0, 0

    @property
    def answering(self) -> bool:
        """Whether a question of this conversation waits or is being answered."""
        return any(name == self.name and not turn.final for name, turn in self._live.values())

    def choose(self, name: str) -> None:
        """Show another one, empty until its turns come."""
        self.name, self.turns, self._counted = name, [], 0
        self._live = {request: pair for request, pair in self._live.items() if not pair[1].final}
        self.turns = self._here()

    def forget(self) -> None:
        """Nothing that has ended is kept beside what the kernel tells."""
        self.choose(self.name)

    def opened(self, value: Message) -> None:
        """The kernel told its turns."""
        told = [
            Turn(
                *(one["request"], one["question"], one["attachments"], one["task"], one["data"], one["metadata"]),
                final=True,
            )
            for one in value["turns"]
        ]
        known = {turn.request for turn in told}
        self.turns = [*told, *(turn for turn in self._here() if turn.request not in known)]
        self._counted = len(told) + value["omitted"]

    def asked(self, message: Message) -> bool:
        """A question was taken; whether it is one of this conversation."""
        turn = Turn(message["request"], message["text"], message["attachments"], message["task"])
        self._live[turn.request] = (message["conversation"], turn)
        if message["conversation"] == self.name:
            self.turns.append(turn)
        return bool(message["conversation"] == self.name)

    def answered(self, message: Message) -> Turn | None:
        """How far an answer is; the turn, if it is shown."""
        name, turn = self._live.get(message["request"], ("", None))
        if turn is None:
            return None
        turn.data, turn.metadata, turn.final = message["data"], message["metadata"], message["final"]
        if name == self.name and turn.final and turn.data.get("text/plain"):
            self._counted += 1
        return turn if name == self.name else None

    def failed(self, message: Message) -> Turn | None:
        """A question could not be answered; the turn, if it is shown."""
        name, turn = self._live.get(message["request"], ("", None))
        if turn is None:
            return None
        turn.trouble, turn.final = "\n".join(part for part in (message["text"], message["hint"]) if part), True
        return turn if name == self.name else None

    def is_asked(self, request: str) -> bool:
        """Whether a question of this id was taken."""
        return request in self._live

    def is_behind(self, listed: list[Message]) -> bool:
        """Whether the kernel has other turns than these, as after a cell of the conversation; said once."""
        told = next((one for one in listed if one["name"] == self.name), {"turns": 0, "edits": 0})
        count, edits = told["turns"], told["edits"]
        if (count, edits) == (self._counted, self._edits) or self.answering:
            return False
        self._counted, self._edits = count, edits
        return True

    def _here(self) -> list[Turn]:
        return [turn for name, turn in self._live.values() if name == self.name]
