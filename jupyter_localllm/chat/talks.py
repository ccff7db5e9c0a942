"""What panels do with conversations: open, rename, clear, delete, keep, export, restore."""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_localllm.chat.from_kernel import Listed
from jupyter_localllm.chat.kept import Kept
from jupyter_localllm.chat.prompts import corrected
from jupyter_localllm.chat.protocol import LIMIT_BYTES, plain
from jupyter_localllm.chat.reading import Refusal, is_title, title
from jupyter_localllm.conversation import Conversation, Conversations, Turn
from jupyter_localllm.errors import LocalLLMError, UsageError, close_match
from jupyter_localllm.show.neutral import neutralise

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Talks"]

_log = logging.getLogger("jupyter_localllm.chat")

_MOST_TURNS = 10_000
_LONGEST_TITLE = 180  # with room for what tells it from others
_ROOM_BYTES = LIMIT_BYTES - 50_000


class Talks:
    """The conversations of the kernel, with those that are kept on disk.

    Parameters
    ----------
    known : callable
        The kernel's conversations of the moment.
    kept : Kept
    asked : callable or None
        Whether a question of this conversation is open.
    lock : RLock or None
        Held while questions are taken, so that none is while a name is given.
    """

    def __init__(
        self,
        known: Callable[[], Conversations],
        kept: Kept,
        *,
        asked: Callable[[Conversation], bool] | None = None,
        lock: threading.RLock | None = None,
    ) -> None:
        self._known, self.kept = known, kept
        self._asked, self._lock = asked or (lambda _talk: False), lock or threading.RLock()
        self._empty: dict[str, None] = {}  # names that stay without turns

    def get(self, name: str) -> Conversation:
        """The conversation of this name, or a new one."""
        return self._known().get(name)

    def existing(self, name: str) -> Conversation:
        """The conversation of this name.

        Raises
        ------
        UsageError
            There is none.
        """
        names = [listed.name for listed in self.told()]
        if name not in names:
            raise UsageError(f"there is no conversation {name!r}", close_match(name, names))
        return self.get(name)

    def told(self) -> tuple[Listed, ...]:
        """As panels get them: those of this kernel in the order of their first answers, then those on disk."""
        talks = self._known()
        kept = self.kept.names
        turns = {name: len(talk.turns) for name in talks if (talk := talks.known(name)) is not None}
        for name, count in kept.items():
            turns.setdefault(name, count)
        for name in list(self._empty):  # other lanes change it
            turns.setdefault(name, 0)
        latest = talks.latest.name or None
        told = {name: count for name, count in turns.items() if is_title(name)}  # a cell takes others too
        edits = {name: talk.edits for name in told if (talk := talks.known(name)) is not None}
        return tuple(
            Listed(name, count, name in kept, name == latest, edits.get(name, 0)) for name, count in told.items()
        )

    def open(self, name: str) -> dict[str, Any]:
        """Its turns, the latest ones if they are too many for one message."""
        talk = self.existing(name)
        self.kept.fill(talk)
        told: list[dict[str, Any]] = []
        size, turns = 0, talk.turns
        for number in range(len(turns), 0, -1):
            one = _told(turns[number - 1], number)
            size += len(json.dumps(one, ensure_ascii=False).encode("utf-8", "replace"))
            if size > _ROOM_BYTES and told:
                break
            told.append(one)
        return {"conversation": talk.name, "turns": told[::-1], "omitted": len(turns) - len(told)}

    def rename(self, talk: Conversation, to: str) -> None:
        """Another name, on disk too.

        Raises
        ------
        UsageError
            It is taken.
        """
        old = talk.name
        self.kept.look()  # another kernel may have kept or deleted one meanwhile
        if to != old and to in self.kept.names:
            raise UsageError(f"there is a conversation {to!r} already", "Choose another name.")
        self.kept.fill(talk)
        was_kept = old in self.kept.names
        with self._lock:
            other = self._known().known(to)
            if other is not None and other is not talk and self._asked(other):
                raise UsageError(f"there is a conversation {to!r} already", "Choose another name.")
            self._known().rename(talk, to)
            if old in self._empty:
                self._empty = {to if name == old else name: None for name in list(self._empty)}
        if was_kept and to != old:
            self.kept.save(talk, anew=True)
            self.kept.forget(old)

    def clear(self, talk: Conversation) -> None:
        """Forget the turns."""
        talk.turns, talk.system = (), None
        self._empty[talk.name] = None
        if talk.name in self.kept.names:
            self.kept.save(talk, alone=True)

    def delete(self, talk: Conversation) -> None:
        """Forget it, here and on disk."""
        talk.turns = ()
        self._empty.pop(talk.name, None)
        self._known().drop(talk)
        self.kept.forget(talk.name)

    def keep(self, talk: Conversation, kept: bool) -> None:
        """Keep it on disk from now on, or no longer."""
        self.kept.fill(talk)
        if kept:
            self.kept.save(talk, anew=True)
        else:
            self.kept.forget(talk.name)
            self._empty.setdefault(talk.name)

    def answered(self, talk: Conversation) -> None:
        """A turn was added; a conversation that cannot be written is told of in the log."""
        if talk.name and talk.name in self.kept.names:
            try:
                self.kept.save(talk)
            except LocalLLMError as error:
                _log.warning("%s", error)

    def export(self, name: str, form: str) -> dict[str, Any]:
        """As one text."""
        talk = self.existing(name)
        self.kept.fill(talk)
        if form == "markdown":
            return {"text": _markdown(talk), "document": None}
        document = plain(talk.document(outputs=True))
        return {"text": json.dumps(document, ensure_ascii=False, indent=1), "document": document}

    def restore(self, document: Mapping[str, Any]) -> str:
        """Take a saved conversation; gives the name that it has here.

        Notebooks come from anywhere, and panels restore by themselves. So nothing of it comes into a conversation that
        is kept on disk or has turns of its own: it gets another name then. Where its turns are there already, nothing
        is done.

        Raises
        ------
        UsageError
            It is no saved conversation.
        """
        saved = Conversation.of(document)
        try:
            name = title(saved.name, "its name")
        except Refusal as refusal:
            raise UsageError(f"this is not a saved conversation: {refusal.text}") from refusal
        if len(saved.turns) > _MOST_TURNS:
            raise UsageError(f"the saved conversation has {len(saved.turns):,} turns, {_MOST_TURNS:,} are possible")
        # Somebody else may have written it: the model reads of it what people see, the question and not ``asked``.
        turns = tuple(replace(turn, asked="") for turn in saved.turns)
        self.kept.look()
        for number in itertools.count():
            one = name if not number else f"{name[:_LONGEST_TITLE]} (notebook{f' {number}' if number > 1 else ''})"
            if self._take(one, turns):
                return one
        raise AssertionError("there is always another name")

    def _take(self, name: str, turns: tuple[Turn, ...]) -> bool:
        """Make these turns the conversation of this name, if it is free or has them; whether it has them now."""
        talk = self.get(name)
        self.kept.fill(talk)
        there = {(turn.question, turn.answer) for turn in talk.turns}
        if all((turn.question, turn.answer) in there for turn in turns) and (there or name in self.kept.names):
            return True
        with self._lock:
            if talk.turns or name in self.kept.names or self._asked(talk) or self.get(name) is not talk:
                return False
            talk.put_before(turns)
            self._empty.setdefault(name)
        return True


def _told(turn: Turn, number: int) -> dict[str, Any]:
    data, metadata = turn.output()
    made: dict[str, Any] = plain(
        {
            "request": turn.request or f"turn-{number}",
            "question": turn.question,
            "attachments": turn.attachments,
            "task": turn.task,
            "data": data,
            "metadata": metadata,
            "stale": turn.stale,
            "fix": corrected(turn.answer) if turn.task == "fix" else None,
        }
    )
    return made


def _markdown(talk: Conversation) -> str:
    """A page: questions as quotations, answers as they are exported from cells."""
    blocks = [f"# {neutralise(talk.name)}"]
    for turn in talk.turns:
        quoted = "\n".join(f"> {line}".rstrip() for line in neutralise(turn.question.strip()).splitlines())
        names = ", ".join(f"`{one['name']}`" for one in turn.attachments if one.get("kind") == "variable")
        blocks += [quoted, *([f"*With {names}*"] if names else [])]
        data, _ = turn.output()
        blocks.append(str(data.get("text/markdown") or neutralise(turn.answer)).strip())
    return "\n\n".join(blocks) + "\n"
