"""Hermes 2 Pro and 3, Qwen 2.5 and 3, and others that learned from them: JSON between ``<tool_call>`` marks.

Source: https://github.com/NousResearch/Hermes-Function-Calling ("Prompt Format for Function Calling") and the chat
templates of the models. Several calls may follow each other, and text may stand before them; outcomes come back in
``<tool_response>``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_localllm.tools.formats.base import Calling, Reply
from jupyter_localllm.tools.formats.lark import anywhere, json_calls
from jupyter_localllm.tools.formats.native import rendered, takes_tools
from jupyter_localllm.tools.formats.reading import calls_of, marked, objects_at
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, ModelInfo, Prompt, ToolCall

__all__ = ["Hermes"]

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_END = re.compile(rf"\s*{_CLOSE}")


@dataclass(frozen=True)
class Hermes:
    r"""``<tool_call>\n{"name": …, "arguments": {…}}\n</tool_call>``."""

    name: str = "hermes"
    openings: tuple[str, ...] = (_OPEN,)
    first: bool = False
    shown: tuple[str, ...] = (_OPEN, _CLOSE)
    reasoning_ends: str = ""

    def knows(self, template: str) -> bool:
        """Whether it writes the mark, and no functions as XML within."""
        return _OPEN in template and "<function=" not in template and takes_tools(template)

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], info: ModelInfo, how: Calling) -> Prompt:
        """By the template."""
        return rendered(messages, tools, info)

    def grammar(self, tools: Sequence[Tool], how: Calling) -> str:
        """Text, and calls behind it."""
        start = anywhere(_OPEN, how, more=f'ws "{_OPEN}"')
        if how == "never":
            return start
        calls = json_calls(tools, name="name", arguments="arguments").replace("call: ", "object: ", 1)
        return f'{start}\ncall: ws object ws "{_CLOSE}"\n{calls}'

    def read(self, text: str, tools: Sequence[Tool]) -> Reply:
        """All calls; text between them is kept."""
        return marked(text, _OPEN, _read)


def _read(text: str, at: int) -> tuple[list[ToolCall], int] | None:
    found = objects_at(text, at)
    read = [calls_of(v, ("name", "arguments"), ("name", "parameters")) for v in found[0]] if found else []
    if found is None or None in read:
        return None
    end = _END.match(text, found[1])
    return [call for several in read if several for call in several], end.end() if end else found[1]
