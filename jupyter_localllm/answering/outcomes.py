"""What calls of tools gave: as messages for the model, and as passages that an answer cites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jupyter_localllm.answering.again import Checker
from jupyter_localllm.cache import content_sha256
from jupyter_localllm.cite.again import check_again
from jupyter_localllm.tools.formats.reading import json_text
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Answer, Locator, Message, Part, Passage, Result, ToolCall

__all__ = ["SOURCE", "answered_with", "asking_message", "checker_of_calls", "explained", "passages_of"]

SOURCE = "tool"
"""Under this name calls are cited: ``tool: price("tea") = 12``."""


def asking_message(result: Result) -> Message:
    """What the model said and asked for, as a message; the calls are text as well, for the key and for plain models."""
    calls = [json_text({"name": call.name, "arguments": call.arguments}) for call in result.calls]
    parts = (*([Part("text", result.text)] if result.text else []), Part("call", "\n".join(calls)))
    return Message("assistant", parts, calls=result.calls)


def answered_with(call: ToolCall) -> Message:
    """What came of a call, as a message."""
    head = Part("call", call.shown.removesuffix(call.outcome))
    return Message("tool", (head, Part("text", call.outcome)), calls=(call,))


def passages_of(calls: Sequence[ToolCall]) -> tuple[Passage, ...]:
    """A passage for each call that gave something, each once."""
    done = dict.fromkeys(
        Passage(
            SOURCE,
            "tool",
            call.shown,
            Locator(operation=call.words),
            content_sha256(f"{call.name} {call.json} = {call.outcome}"),
            call.outcome if len(call.outcome.split()) == 1 else "",  # a sentence says more than one thing
        )
        for call in calls
        if call.status == "done"
    )
    return tuple(done)


def explained(passage: Passage, tools: Sequence[Tool]) -> Passage:
    """The passage of a call with what its function says of itself: in which unit it gives its outcome, for example.

    A claim is checked against this; what is quoted is the call.
    """
    operation = passage.locator.operation or ""
    tool = next((one for one in tools if passage.kind == "tool" and operation.startswith(f"{one.name}(")), None)
    summary = " ".join(tool.description.partition("\n\n")[0].split()) if tool is not None else ""
    return replace(passage, text=f"{passage.text} ({summary})") if summary else passage


def checker_of_calls(others: Checker | None = None) -> Checker:
    """What `Answer.check` calls: what a tool gave is of its moment, so it stays, and no tool runs again.

    Parameters
    ----------
    others : callable, optional
        Checks what rests on variables.
    """

    def check(answer: Answer, sources: Mapping[str, Any] | None = None) -> Answer:
        places = {(one.source, one.locator): one for one in answer.passages if one.kind == "tool"}
        calls = check_again(answer, lambda source, locator: places.get((source, locator)))
        if others is None:
            return calls
        pairs = zip(calls.citations, others(answer, sources).citations, strict=True)
        merged = tuple(mine if (mine.source, mine.locator) in places else other for mine, other in pairs)
        return replace(answer, citations=merged)

    return check
