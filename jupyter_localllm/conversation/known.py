"""The conversations of a kernel, and the way an answer comes into one."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

from jupyter_localllm.conversation.talk import Conversation
from jupyter_localllm.conversation.turn import Place, Turn
from jupyter_localllm.errors import UsageError
from jupyter_localllm.types import Answer, Message, Note, Result

__all__ = ["Conversations", "Seat", "stale_note"]


@dataclass(frozen=True)
class Seat:
    """Where a question is asked, and what of it is kept.

    Parameters
    ----------
    talk : Conversation or None
        None: it is asked on its own.
    place : Place or None
    turn : Turn or None
        The turn as it is to be kept, without its answer; None: the question alone.
    """

    talk: Conversation | None = None
    place: Place | None = None
    turn: Turn | None = None

    def messages(self) -> tuple[Message, ...]:
        """What the question is asked on top of."""
        return self.talk.messages(self.place) if self.talk is not None else ()

    def record(self, talks: Conversations, question: str, made: Result | Answer) -> tuple[Note, ...]:
        """Keep the answer; gives what the reader must be told about later turns."""
        if self.talk is None:
            return ()
        if isinstance(made, Answer):
            made = replace(made, checker=None)  # it holds on to the variables
        turn = self.turn or Turn(question, "", self.place)
        asked = question if question != turn.question else ""
        stale = self.talk.take(replace(turn, answer=made.text, asked=asked, made=made))
        talks.put(self.talk, self.place)
        return (stale_note(self.talk, stale),) if stale else ()


class Conversations:
    """The conversations of a kernel, by name, and which of them was used last.

    A conversation is listed, and the latest, when it is `put` here: after an answer. So a question that was interrupted
    leaves no trace.
    """

    def __init__(self) -> None:
        self._named: dict[str, Conversation] = {}
        self._placed: dict[Place, Conversation] = {}
        self._latest = Conversation("")
        self._lock = threading.Lock()  # held while names are given

    def __iter__(self) -> Iterator[str]:
        return (name for name, talk in list(self._named.items()) if talk.turns)

    @property
    def latest(self) -> Conversation:
        """The one that was used last."""
        return self._latest

    def get(self, name: str) -> Conversation:
        """The conversation of this name, or a new one; the same for all who ask at the same time."""
        return self._named.setdefault(name, Conversation(name))

    def unnamed(self, place: Place | None, *, go_on: bool) -> Conversation:
        """The conversation of a question without ``--chat``.

        Parameters
        ----------
        place : Place or None
        go_on : bool
            With ``--continue``: the one this cell belongs to already, else the latest. Without: a new one, or the one
            that this cell began, so that running it again replaces its first turn.
        """
        known = self._placed.get(place) if place is not None else None
        if go_on:
            return known or self._latest
        if known is not None and not known.name and known.turns[0].place == place:
            return known
        return Conversation("")

    def known(self, name: str) -> Conversation | None:
        """The conversation of this name, if there is one."""
        return self._named.get(name)

    def rename(self, conversation: Conversation, name: str) -> None:
        """Give it another name.

        One of that name without turns makes way: its first question may be being answered, so it gets a number.

        Raises
        ------
        UsageError
            Another one has it.
        """
        with self._lock:
            other = self._named.get(name)
            if other is not None and other is not conversation:
                if other.turns:
                    raise UsageError(f"there is a conversation {name!r} already", "Choose another name.")
                numbered = (f"{name} ({number})" for number in itertools.count(2))
                other.name = next(one for one in numbered if one not in self._named)
                self._named[other.name] = other
            if self._named.get(conversation.name) is conversation:
                del self._named[conversation.name]
            conversation.name = name
            self._named[name] = conversation

    def put(self, conversation: Conversation, place: Place | None = None) -> None:
        """Keep a conversation in which the question at `place` was answered; it is the latest from now on."""
        if conversation.name:
            with self._lock:
                self._named[conversation.name] = conversation
        if place is not None:
            self._placed[place] = conversation
        self._latest = conversation

    def drop(self, conversation: Conversation) -> None:
        """Forget a conversation."""
        with self._lock:
            if self._named.get(conversation.name) is conversation:
                del self._named[conversation.name]
        self._placed = {place: talk for place, talk in self._placed.items() if talk is not conversation}
        if self._latest is conversation:
            self._latest = Conversation("")


def stale_note(conversation: Conversation, numbers: tuple[int, ...]) -> Note:
    """The sentence that says which later turns rest on an older answer."""
    which = f"turn {numbers[0]} rests" if len(numbers) == 1 else f"turns {numbers[0]} to {numbers[-1]} rest"
    name = f" of {conversation.name}" if conversation.name else ""
    return Note("stale", f"{which}{name} on the earlier answer: run those cells again")
