"""Mistral's models since 7B v0.3.

Source: https://docs.mistral.ai/capabilities/function_calling and mistral-common's tokenizers
(https://github.com/mistralai/mistral-common). Tokenizers v3 and v7 write a list:
``[TOOL_CALLS] [{"name": …, "arguments": {…}}]``; v11 and later write a mark for each call:
``[TOOL_CALLS]name[ARGS]{…}``, v11 with ``[CALL_ID]`` and nine characters before the arguments. The marks are control
tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_localllm.constrain.schema import in_lark
from jupyter_localllm.tools.formats.base import Calling, Reply
from jupyter_localllm.tools.formats.lark import MOST, anywhere, json_calls, literal
from jupyter_localllm.tools.formats.native import rendered, takes_tools
from jupyter_localllm.tools.formats.reading import call_of, calls_of, marked, objects_at
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, ModelInfo, Prompt, ToolCall

__all__ = ["Mistral", "MistralNamed"]

_OPEN, _ID, _ARGUMENTS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"
_NAMED = re.compile(r"\s*([A-Za-z_]\w*)(?:\[CALL_ID\]\w*)?\[ARGS\]\s*")


@dataclass(frozen=True)
class Mistral:
    """A mark, and a list of calls."""

    name: str = "mistral"
    openings: tuple[str, ...] = (_OPEN,)
    first: bool = False
    shown: tuple[str, ...] = (_OPEN,)
    reasoning_ends: str = ""

    def knows(self, template: str) -> bool:
        """Whether it writes the mark of calls and none of arguments."""
        return _OPEN in template and _ARGUMENTS not in template and takes_tools(template)

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], info: ModelInfo, how: Calling) -> Prompt:
        """By the template."""
        return rendered(messages, tools, info)

    def grammar(self, tools: Sequence[Tool], how: Calling) -> str:
        """Text, and a list of calls behind it."""
        start = anywhere(_OPEN, how)
        if how == "never":
            return start
        calls = json_calls(tools, name="name", arguments="arguments").replace("call: ", "object: ", 1)
        return f'{start}\ncall: ws "[" ws object (ws "," ws object){{0,{MOST - 1}}} ws "]"\n{calls}'

    def read(self, text: str, tools: Sequence[Tool]) -> Reply:
        """The calls of the list."""
        said, mark, rest = text.partition(_OPEN)
        if not mark:
            return Reply(text)
        found = objects_at(rest)
        calls = calls_of(found[0][0], ("name", "arguments")) if found else None
        return Reply(said.rstrip(), calls) if calls else Reply(text, broken=True)


@dataclass(frozen=True)
class MistralNamed:
    """A mark for each call, its name, and its arguments behind another mark."""

    name: str = "mistral-named"
    openings: tuple[str, ...] = (_OPEN,)
    first: bool = False
    shown: tuple[str, ...] = (_OPEN, _ID, _ARGUMENTS)
    reasoning_ends: str = ""

    def knows(self, template: str) -> bool:
        """Whether it writes the mark of arguments."""
        return _OPEN in template and _ARGUMENTS in template and takes_tools(template)

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], info: ModelInfo, how: Calling) -> Prompt:
        """By the template."""
        return rendered(messages, tools, info)

    def grammar(self, tools: Sequence[Tool], how: Calling) -> str:
        """Text, and calls behind it."""
        start = anywhere(_OPEN, how, more=f'"{_OPEN}"')
        if how == "never":
            return start
        lines = ["call: " + " | ".join(f"call_{number}" for number in range(len(tools)))]
        for number, tool in enumerate(tools):
            lines.append(f'call_{number}: {literal(tool.name)} id? "{_ARGUMENTS}" arguments_{number}')
            lines.append(f"arguments_{number}: {in_lark(tool.schema)}")
        return "\n".join([start, *lines, f'id: "{_ID}" /[a-zA-Z0-9]{{9}}/'])

    def read(self, text: str, tools: Sequence[Tool]) -> Reply:
        """All calls."""
        return marked(text, _OPEN, _read)


def _read(text: str, at: int) -> tuple[list[ToolCall], int] | None:
    named = _NAMED.match(text, at)
    found = objects_at(text, named.end()) if named else None
    call = call_of(named[1], found[0][0]) if named and found else None
    return ([call], found[1]) if call is not None and found else None
