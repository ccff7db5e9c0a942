"""Conversations: what was asked and answered before, turn by turn.

They live in the kernel and are gone with it, unless they were saved and are loaded again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from jupyter_localllm.errors import UsageError
from jupyter_localllm.types import Message, Note

__all__ = ["Conversation", "Conversations", "Place", "Turn"]

_FORMAT = "jupyter_localllm conversation 1"
_recording = threading.Lock()  # two threads may answer in one conversation


@dataclass(frozen=True)
class Place:
    """Where in the notebook a question stands, so that running it again replaces its turn.

    Parameters
    ----------
    cell : str
        The cell's id as the front end sends it.
    index : int
        0-based number of the question among those of this execution of the cell.
    """

    cell: str
    index: int = 0


@dataclass(frozen=True)
class Turn:
    """One question with its answer.

    ``stale`` says that an earlier turn was asked anew after this one was answered.
    """

    question: str
    answer: str
    place: Place | None = None
    stale: bool = False


@dataclass
class Conversation:
    """Turns in order, under a name.

    Parameters
    ----------
    name : str
        ``""`` for the unnamed thread that ``--continue`` goes on with.
    system : str or None
        The system message given with one of its turns; it holds for the later ones.
    turns : tuple of Turn

    Examples
    --------
    >>> talk = Conversation("trip")
    >>> talk.record("Where to?", "To Rome.", Place("cell-1"))
    ()
    >>> talk.record("And then?", "To Bari.", Place("cell-2"))
    ()
    >>> talk.record("Where to, in winter?", "To Oslo.", Place("cell-1"))
    (2,)
    >>> [turn.answer for turn in talk.turns]
    ['To Oslo.', 'To Bari.']
    """

    name: str
    system: str | None = None
    turns: tuple[Turn, ...] = ()

    def before(self, place: Place | None) -> tuple[Turn, ...]:
        """The turns that a question at `place` comes after."""
        at = self._find(place)
        return self.turns if at is None else self.turns[:at]

    def messages(self, place: Place | None) -> tuple[Message, ...]:
        """What a question at `place` is asked on top of."""
        return tuple(
            message
            for number, turn in enumerate(self.before(place), 1)
            for message in (
                Message.of("user", turn.question, turn=number),
                Message.of("assistant", turn.answer, turn=number),
            )
        )

    def record(self, question: str, answer: str, place: Place | None = None) -> tuple[int, ...]:
        """Append a turn, or replace the one at `place`; gives the 1-based numbers of turns that are stale now."""
        with _recording:
            return self._record(Turn(question, answer, place))

    def _record(self, turn: Turn) -> tuple[int, ...]:
        at = self._find(turn.place)
        if at is None:
            self.turns += (turn,)
            return ()
        changed = (self.turns[at].question, self.turns[at].answer) != (turn.question, turn.answer)
        later = tuple(replace(t, stale=t.stale or changed) for t in self.turns[at + 1 :])
        self.turns = (*self.turns[:at], turn, *later)
        return tuple(number for number, t in enumerate(self.turns, 1) if number > at + 1 and t.stale)

    def save(self, path: str | Path) -> None:
        """Write it as JSON.

        Raises
        ------
        UsageError
            The file cannot be written.
        """
        document = {
            "format": _FORMAT,
            "name": self.name,
            "system": self.system,
            "turns": [asdict(t) for t in self.turns],
        }
        try:
            text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
            Path(path).expanduser().write_text(text, encoding="utf-8", errors="replace")
        except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
            raise UsageError(f"the conversation cannot be written to {path}: {error}", "Name a file.") from error

    @classmethod
    def load(cls, path: str | Path) -> Conversation:
        """Read what `save` wrote.

        Raises
        ------
        UsageError
            The file cannot be read or is something else.
        """
        try:
            document = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
            if document["format"] != _FORMAT:
                raise ValueError(f"its format is {document['format']!r}")
            turns = tuple(
                Turn(
                    str(t["question"]),
                    str(t["answer"]),
                    Place(str(t["place"]["cell"]), int(t["place"]["index"])) if t["place"] else None,
                    bool(t["stale"]),
                )
                for t in document["turns"]
            )
            system = document["system"]
            return cls(str(document["name"]), None if system is None else str(system), turns)
        except OSError as error:
            raise UsageError(f"the conversation cannot be read: {error}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UsageError(f"{path} is not a saved conversation: {error}") from error

    def _find(self, place: Place | None) -> int | None:
        if place is None:
            return None
        return next((i for i, turn in enumerate(self.turns) if turn.place == place), None)


class Conversations:
    """The conversations of a kernel, by name, and which of them was used last.

    A conversation is listed, and the latest, when it is `put` here: after an answer. So a question that was interrupted
    leaves no trace.
    """

    def __init__(self) -> None:
        self._named: dict[str, Conversation] = {}
        self._placed: dict[Place, Conversation] = {}
        self._latest = Conversation("")

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

    def put(self, conversation: Conversation, place: Place | None = None) -> None:
        """Keep a conversation in which the question at `place` was answered; it is the latest from now on."""
        if conversation.name:
            self._named[conversation.name] = conversation
        if place is not None:
            self._placed[place] = conversation
        self._latest = conversation

    def drop(self, conversation: Conversation) -> None:
        """Forget a conversation."""
        self._named.pop(conversation.name, None)
        self._placed = {place: talk for place, talk in self._placed.items() if talk is not conversation}
        if self._latest is conversation:
            self._latest = Conversation("")


def stale_note(conversation: Conversation, numbers: tuple[int, ...]) -> Note:
    """The sentence that says which later turns rest on an older answer."""
    which = f"turn {numbers[0]} rests" if len(numbers) == 1 else f"turns {numbers[0]} to {numbers[-1]} rest"
    name = f" of {conversation.name}" if conversation.name else ""
    return Note("stale", f"{which}{name} on the earlier answer: run those cells again")
