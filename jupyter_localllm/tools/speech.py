"""Tools in a model's own words: what it reads, what it may write, and what it wrote."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jupyter_localllm.errors import UsageError
from jupyter_localllm.tools.constraint import Calls
from jupyter_localllm.tools.formats import VERSION, Calling, Format, format_of
from jupyter_localllm.tools.served import ServedSpeech
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Done, Event, Message, ModelInfo, Note, Prompt, Result, Token

__all__ = ["BROKEN", "Speech", "key_of_tools", "speech_of"]

BROKEN = "broken_call"
"""Code of the note on something that began as a call, and is none."""


@dataclass(frozen=True)
class Speech:
    """One request with tools, in the format of one model.

    Parameters
    ----------
    format : Format
    tools : tuple of Tool
    how : {"may", "must", "never"}
        Whether the model may call, must, or must answer now.
    info : ModelInfo
    """

    format: Format
    tools: tuple[Tool, ...]
    how: Calling
    info: ModelInfo

    beside: tuple[str, ...] = ()  # all that the model reads stands in the messages

    @property
    def constraint(self) -> Calls:
        """What may be written."""
        return Calls(self.format.grammar(self.tools, self.how), self.format.shown)

    @property
    def job(self) -> dict[str, Any]:
        """What a job is told besides."""
        known = set(self.info.control)
        shown = tuple(text for text in self.format.shown if text in known)
        return {
            "constraint": self.constraint,
            "shown": shown,
            "opens": self.format.reasoning_ends if self.how == "may" else "",
        }

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """What the model reads."""
        return self.format.prompt(messages, self.tools, self.info, self.how)

    def listen(self, events: Iterable[Event]) -> Generator[Event, None, None]:
        """The events of an answer, its calls read: they are in the result, and nowhere in the text."""
        hiding = _Hiding(self.format.openings, first=self.format.first)
        for event in events:
            if isinstance(event, Token) and event.channel == "answer":
                if said := hiding.feed(event.text):
                    yield Token(said)
            elif isinstance(event, Done):
                result = self._read(event.result)
                rest = result.text[len(hiding.told) :] if result.text.startswith(hiding.told) else ""
                if rest:
                    yield Token(rest)
                yield Done(result)
            else:
                yield event

    def _read(self, result: Result) -> Result:
        if self.how == "never":
            return result
        reply = self.format.read(result.text, self.tools)
        notes = result.notes
        if reply.broken:
            notes = (*notes, Note(BROKEN, "what began as a call of a tool is none"))
        return replace(result, text=reply.text, calls=reply.calls, notes=notes)


class _Hiding:
    """Gives of a text what certainly is no call, as it comes.

    Parameters
    ----------
    openings : sequence of str
    first : bool
        As in `Format`.
    """

    def __init__(self, openings: Sequence[str], *, first: bool) -> None:
        self._openings, self._first = openings, first
        self._text = ""
        self._decided: bool | None = None  # whether what comes is text, once it is known
        self.told = ""

    def feed(self, piece: str) -> str:
        """What of the text may be shown now."""
        self._text += piece
        safe = self._safe_at_first() if self._first else self._safe_anywhere()
        new, self.told = self._text[len(self.told) : safe], self._text[: max(safe, len(self.told))]
        return new

    def _safe_at_first(self) -> int:
        start = self._text.lstrip()
        if self._decided is None and start:
            if start.startswith(tuple(self._openings)):
                self._decided = False
            elif not any(opening.startswith(start) for opening in self._openings):
                self._decided = True
        return len(self._text) if self._decided else 0

    def _safe_anywhere(self) -> int:
        found = [at for at in map(self._text.find, self._openings) if at >= 0]
        if found:
            return min(found)
        held = 0
        for opening in self._openings:
            sizes = range(min(len(opening) - 1, len(self._text)), held, -1)
            held = next((size for size in sizes if opening.startswith(self._text[-size:])), held)
        return len(self._text) - held


def speech_of(tools: tuple[Tool, ...], how: Calling, info: ModelInfo) -> Speech | ServedSpeech | None:
    """How a model is asked with tools; None without tools.

    Raises
    ------
    UsageError
        The model has no chat template, so it cannot be told of tools.
    """
    if not tools:
        return None
    if info.tools:
        return ServedSpeech(tools, how)
    if not info.renders and not info.chat_template:
        raise UsageError(
            f"{info.name} has no chat template, so it cannot be told of tools", "Take a model that was made to chat."
        )
    return Speech(format_of(info.chat_template), tools, how, info)


def key_of_tools(tools: Sequence[Tool], how: Calling) -> dict[str, Any]:
    """What of the tools decides an answer, as JSON values."""
    return {"version": VERSION, "specs": [tool.spec for tool in tools], "how": how}
