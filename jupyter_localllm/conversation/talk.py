"""A conversation: turns in order."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_localllm.config.written import write
from jupyter_localllm.conversation.turn import Place, Turn
from jupyter_localllm.errors import UsageError
from jupyter_localllm.types import Message

__all__ = ["Conversation"]

_FORMAT = "jupyter_localllm conversation 1"
_recording = threading.Lock()  # two threads may answer in one conversation


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
    _seen: tuple[Turn, ...] = field(default=(), init=False, repr=False, compare=False)
    _edits: int = field(default=0, init=False, repr=False, compare=False)

    @property
    def edits(self) -> int:
        """How often turns that had been there became others, or were gone; looked at whenever this is asked.

        Who shows the turns looks again when it is another number. New turns behind the others do not count.
        """
        seen, now = self._seen, self.turns
        if seen is not now:
            self._edits += len(now) < len(seen) or any(old is not new for old, new in zip(seen, now, strict=False))
            self._seen = now
        return self._edits

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
                Message.of("user", turn.asked or turn.question, turn=number),
                Message.of("assistant", turn.answer, turn=number),
            )
        )

    def record(self, question: str, answer: str, place: Place | None = None) -> tuple[int, ...]:
        """Append a turn, or replace the one at `place`; gives the 1-based numbers of turns that are stale now."""
        return self.take(Turn(question, answer, place))

    def take(self, turn: Turn) -> tuple[int, ...]:
        """`record` a whole turn."""
        with _recording:
            return self._record(turn)

    def put_before(self, turns: tuple[Turn, ...]) -> None:
        """Take turns that were made before all others."""
        with _recording:
            self.turns = (*turns, *self.turns)

    def _record(self, turn: Turn) -> tuple[int, ...]:
        at = self._find(turn.place)
        if at is None:
            self.turns += (turn,)
            return ()
        old = self.turns[at]
        changed = (old.asked or old.question, old.answer) != (turn.asked or turn.question, turn.answer)
        later = tuple(replace(t, stale=t.stale or changed) for t in self.turns[at + 1 :])
        self.turns = (*self.turns[:at], turn, *later)
        return tuple(number for number, t in enumerate(self.turns, 1) if number > at + 1 and t.stale)

    def document(self, *, outputs: bool = False) -> dict[str, Any]:
        """As JSON has it; with the outputs of its answers, if they are to be shown without the kernel."""
        turns = [turn.document(outputs=outputs) for turn in self.turns]
        return {"format": _FORMAT, "name": self.name, "system": self.system, "turns": turns}

    @classmethod
    def of(cls, document: Any) -> Conversation:
        """What `document` made.

        Raises
        ------
        UsageError
            It is something else.
        """
        try:
            if document["format"] != _FORMAT:
                raise ValueError(f"its format is {document['format']!r}")
            turns, system = tuple(Turn.of(turn) for turn in document["turns"]), document["system"]
            return cls(str(document["name"]), None if system is None else str(system), turns)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(f"this is not a saved conversation: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write it as JSON; a file that is there is replaced at once, never by a half one.

        Raises
        ------
        UsageError
            The file cannot be written.
        """
        try:
            text = json.dumps(self.document(), ensure_ascii=False, indent=1) + "\n"
            write(Path(path).expanduser(), text, make_folder=False)
        except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
            raise UsageError(f"the conversation cannot be written to {path}: {error}", "Name a file.") from error

    @classmethod
    def load(cls, path: str | Path) -> Conversation:
        """Read what `save` wrote: texts. Outputs that the file has besides are passed over.

        Raises
        ------
        UsageError
            The file cannot be read or is something else.
        """
        try:
            talk = cls.of(json.loads(Path(path).expanduser().read_text(encoding="utf-8")))
        except OSError as error:
            raise UsageError(f"the conversation cannot be read: {error}") from error
        except (ValueError, RecursionError, UsageError) as error:
            raise UsageError(f"{path} is not a saved conversation: {error}") from error
        talk.turns = tuple(replace(turn, saved=None) for turn in talk.turns)
        return talk

    def _find(self, place: Place | None) -> int | None:
        if place is None:
            return None
        return next((i for i, turn in enumerate(self.turns) if turn.place == place), None)
