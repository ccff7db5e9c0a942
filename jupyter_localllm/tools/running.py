"""Running a call: its arguments checked, its outcome as text, and both within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jupyter_localllm.errors import LocalLLMError, SchemaMismatch, close_match, words_of
from jupyter_localllm.sources import render_for_prompt
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import ToolCall

__all__ = ["LONGEST_ERROR", "LONGEST_OUTCOME", "checked", "run"]

LONGEST_OUTCOME = 4_000
"""Characters of an outcome that a model is told; of a longer one it is told how long it was."""

LONGEST_ERROR = 500
"""The same of an error."""

Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]


def checked(call: ToolCall, tools: Mapping[str, Tool]) -> tuple[Tool, Arguments] | ToolCall:
    """The tool of a call, and its arguments as the function takes them; or the call, failed, if it cannot be made."""
    tool = tools.get(call.name)
    if tool is None:
        near = close_match(call.name, list(tools))
        return _failed(call, f"there is no tool {call.name}. {near or 'There are: ' + ', '.join(tools) + '.'}")
    try:
        return tool, tool.read(call.json)
    except SchemaMismatch as error:
        return _failed(call, f"the arguments do not fit: {'; '.join(error.problems)}")


def run(call: ToolCall, tool: Tool, arguments: Arguments) -> ToolCall:
    """Call the function, on this thread.

    What it raises is the outcome, and goes back to the model: its kind and its words, without a stack. An interrupt is
    none of its exceptions and goes through.

    Parameters
    ----------
    call : ToolCall
    tool : Tool
    arguments : (tuple, Mapping)
        As `checked` gives them.
    """
    positional, named = arguments
    try:
        text = _text(tool.function(*positional, **named))
    except LocalLLMError as error:
        return _failed(call, f"{type(error).__name__}: {error.message}")
    except Exception as error:
        return _failed(call, f"{type(error).__name__}: {words_of(error)}".rstrip(": "))
    return replace(call, outcome=bounded(text, LONGEST_OUTCOME), status="done")


def bounded(text: str, most: int) -> str:
    """A text that says so where it is not whole.

    Examples
    --------
    >>> bounded("abcdef", 3)
    'abc… (cut: 3 of 6 characters)'
    """
    return text if len(text) <= most else f"{text[:most]}… (cut: {most:,} of {len(text):,} characters)"


def _failed(call: ToolCall, why: str) -> ToolCall:
    return replace(call, outcome=bounded(" ".join(why.split()), LONGEST_ERROR), status="failed")


def _text(value: Any) -> str:
    """A value as a model reads it: text as it is, anything else as ``{{ }}`` writes it."""
    return value if isinstance(value, str) else render_for_prompt(value).text
