"""Models whose chat template renders tools, calls and outcomes itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_localllm.prompt.chat import render_chat
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, ModelInfo, Prompt

__all__ = ["one_by_one", "rendered", "takes_tools"]


def rendered(messages: Sequence[Message], tools: Sequence[Tool], info: ModelInfo) -> Prompt:
    """The prompt by the model's own template."""
    return render_chat(messages, info, tools=[tool.spec for tool in tools])


def takes_tools(template: str) -> bool:
    """Whether a template has the variable ``tools``, and knows what a tool says."""
    return "tools" in template and "tool_calls" in template


def one_by_one(messages: Sequence[Message]) -> list[Message]:
    """Messages with one call each, its outcome behind it, for templates that allow no more."""
    made: list[Message] = []
    waiting: list[Message] = []
    for message in messages:
        if message.role == "tool":
            made += [*waiting[:1], message]
            del waiting[:1]
        else:
            made += waiting
            waiting = [
                replace(message, parts=() if number else message.parts, calls=(call,))
                for number, call in enumerate(message.calls)
            ]
            made += [] if waiting else [message]
    return [*made, *waiting]
