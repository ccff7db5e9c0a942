"""Llama 3.1, 3.2 and 3.3.

Source: https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_1/#json-based-tool-calling. A call is JSON that
begins the answer, with ``name`` and ``parameters``, sometimes behind ``<|python_tag|>``; one in each answer. The
outcome has the role ``ipython``, which the template makes of ``tool``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_localllm.tools.formats.base import Calling, Reply
from jupyter_localllm.tools.formats.lark import ANY, BLANK, json_calls, literal, start_of
from jupyter_localllm.tools.formats.native import one_by_one, rendered, takes_tools
from jupyter_localllm.tools.formats.plain import Plain
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, ModelInfo, Prompt

__all__ = ["Llama3"]

_TAG = "<|python_tag|>"


@dataclass(frozen=True)
class Llama3(Plain):
    """``{"name": …, "parameters": {…}}``, and a template that tells of the tools."""

    name: str = "llama3"
    arguments: str = "parameters"
    openings: tuple[str, ...] = ("{", _TAG)
    shown: tuple[str, ...] = (_TAG,)

    def knows(self, template: str) -> bool:
        """Whether it writes Llama's headers and knows tools."""
        return "<|start_header_id|>" in template and "ipython" in template and takes_tools(template)

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], info: ModelInfo, how: Calling) -> Prompt:
        """By the template, which allows one call in each message."""
        return rendered(one_by_one(messages), tools, info)

    def grammar(self, tools: Sequence[Tool], how: Calling) -> str:
        """Text that begins with neither a brace nor the mark, or one call."""
        text = f"TEXT: /{BLANK}[^{{\\s]{ANY}*/ & ~/{BLANK}<\\|python_tag\\|>{ANY}*/"
        if how == "never":
            return f"start: TEXT\n{text}"
        calls = json_calls(tools, name="name", arguments=self.arguments)
        return f"{start_of(how, f'ws {literal(_TAG)}? ws call ws')}\n{text}\n{calls}"

    def read(self, text: str, tools: Sequence[Tool]) -> Reply:
        """As plain, without the mark; several calls with ``;`` between them are taken."""
        reply = super().read(text.lstrip().removeprefix(_TAG), tools)
        return Reply(text, broken=reply.broken or text.lstrip().startswith(_TAG)) if not reply.calls else reply
