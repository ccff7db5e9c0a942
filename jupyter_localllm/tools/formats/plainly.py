"""Calls and their outcomes as plain text, for models whose chat template knows nothing of tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jupyter_localllm.types import Message, Part, ToolCall

__all__ = ["plainly"]

_REPEATED = 500  # characters of a question that is short enough to be put again
_GAVE = {"done": "gave", "failed": "failed", "declined": "was not run"}


def plainly(messages: Sequence[Message], told: str, write: Callable[[ToolCall], str]) -> list[Message]:
    """Messages in which calls stand as text in what the model said, and outcomes in what it is told.

    Behind its outcomes the question is put again: without that, small models write the same call once more.

    Parameters
    ----------
    messages : sequence of Message
    told : str
        What there is to know of the tools; it stands at the end of the system message.
    write : callable
        A call as the model writes it.
    """
    made: list[Message] = []
    question = ""
    outcomes: list[str] = []
    for message in messages:
        if message.role == "tool":
            outcomes += [_outcome(call) for call in message.calls]
            continue
        if outcomes:
            made.append(Message.of("user", _told(outcomes, "")))
            outcomes = []
        if message.role == "user":
            question = message.content
        if message.calls:
            calls = Part("call", "\n".join(map(write, message.calls)))
            said = tuple(part for part in message.parts if part.label != "call")
            made.append(Message("assistant", (*said, calls), message.turn))
        else:
            made.append(message)
    if outcomes:
        made.append(Message.of("user", _told(outcomes, question)))
    if made and made[0].role == "system":
        head = Message("system", (*made[0].parts, Part("text", f"\n\n{told}")), made[0].turn)
        return [head, *made[1:]]
    return [Message.of("system", told), *made]


def _outcome(call: ToolCall) -> str:
    return f"The function {call.words} {_GAVE.get(call.status, 'gave')}: {call.outcome}"


def _told(outcomes: Sequence[str], question: str) -> str:
    lines = "\n".join(outcomes)
    if not question:
        return lines
    again = f": {question}" if len(question) <= _REPEATED else "."
    return f"{lines}\n\nIf that is enough, answer the question in words{again}"
