"""Gemma 2 and 3.

Source: https://ai.google.dev/gemma/docs/capabilities/function-calling, "JSON style": the functions are told in the
first question, a call is ``{"name": function name, "parameters": {argument name: value}}`` with no other text. Their
template has neither a system role nor tools, and wants questions and answers in turn, so an outcome is a question.
Models often put the call into a fence, so one is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_localllm.tools.formats.base import Calling, Reply
from jupyter_localllm.tools.formats.lark import ANY, BLANK, json_calls, start_of
from jupyter_localllm.tools.formats.plain import Plain
from jupyter_localllm.tools.tool import Tool

__all__ = ["Gemma"]

_FENCES = ("```json", "```tool_code", "```tool_call")
_FENCE = re.compile(r"\s*```(?:json|tool_code|tool_call)\s*(.*?)(?:```\s*)?\Z", re.DOTALL)


@dataclass(frozen=True)
class Gemma(Plain):
    """JSON with ``parameters``, in a fence or without one."""

    name: str = "gemma"
    arguments: str = "parameters"
    openings: tuple[str, ...] = ("{", *_FENCES)

    def knows(self, template: str) -> bool:
        """Whether it writes Gemma's turns, and has no calls of its own (as FunctionGemma has)."""
        return "<start_of_turn>" in template and "function_call>" not in template

    def grammar(self, tools: Sequence[Tool], how: Calling) -> str:
        """Text that begins with no brace and no fence of JSON, or one call."""
        fences = "|".join(_FENCES)
        text = f"TEXT: /{BLANK}[^{{\\s]{ANY}*/ & ~/{BLANK}({fences}){ANY}*/"
        if how == "never":
            return f"start: TEXT\n{text}"
        fenced = " | ".join(f'"{fence}\\n" ws call ws "```"' for fence in _FENCES)
        calls = json_calls(tools, name="name", arguments=self.arguments)
        return f"{start_of(how, f'ws call ws | ws ({fenced}) ws')}\n{text}\n{calls}"

    def read(self, text: str, tools: Sequence[Tool]) -> Reply:
        """As plain, without the fence."""
        fenced = _FENCE.fullmatch(text)
        reply = super().read(fenced[1] if fenced else text, tools)
        return Reply(text, broken=reply.broken) if not reply.calls else reply
