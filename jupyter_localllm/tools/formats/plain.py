"""Models that were trained on no format of their own, or on one that is not known here: told in words, answer in JSON.

A call is a JSON object that begins the answer: ``{"name": "price", "arguments": {"item": "tea"}}``. Any other answer is
text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_localllm.prompt.chat import render_chat
from jupyter_localllm.tools.formats.base import Calling, Reply
from jupyter_localllm.tools.formats.lark import ANY, BLANK, json_calls, start_of
from jupyter_localllm.tools.formats.plainly import plainly
from jupyter_localllm.tools.formats.reading import calls_of, objects_at
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, ModelInfo, Prompt, ToolCall

__all__ = ["Plain"]


@dataclass(frozen=True)
class Plain:
    """JSON at the beginning of an answer, explained in the system message.

    Parameters
    ----------
    name : str
    arguments : str
        What the key of the arguments is.
    """

    name: str = "plain"
    arguments: str = "arguments"
    openings: tuple[str, ...] = ("{",)
    first: bool = True
    shown: tuple[str, ...] = ()
    reasoning_ends: str = ""

    def knows(self, template: str) -> bool:
        """Every template: this is the last one that is asked."""
        return True

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], info: ModelInfo, how: Calling) -> Prompt:
        """The tools in the system message, calls and outcomes as text."""
        return render_chat(plainly(messages, self.told(tools), self.write), info)

    def told(self, tools: Sequence[Tool]) -> str:
        """What the model is told of the tools."""
        lines = [json.dumps(tool.spec["function"], ensure_ascii=False) for tool in tools]
        example = f'{{"name": …, "{self.arguments}": {{…}}}}'
        return "\n".join(
            [
                "You can call these functions:",
                *lines,
                f"To call one, answer with nothing but {example}. You are then told what it gave, and answer with "
                "that. If no function helps, answer in words.",
            ]
        )

    def write(self, call: ToolCall) -> str:
        """A call as the model writes it."""
        return f'{{"name": {json.dumps(call.name)}, "{self.arguments}": {call.json}}}'

    def grammar(self, tools: Sequence[Tool], how: Calling) -> str:
        """Text that does not begin with a brace, or one call."""
        calls = json_calls(tools, name="name", arguments=self.arguments) if how != "never" else ""
        return f"{start_of(how, 'ws call ws')}\nTEXT: /{BLANK}[^{{\\s]{ANY}*/\n{calls}"

    def read(self, text: str, tools: Sequence[Tool]) -> Reply:
        """One call or several at the beginning; of what stands behind them, only what began as one more is kept."""
        if not text.lstrip().startswith("{"):
            return Reply(text)
        found = objects_at(text)
        keys = (("name", "arguments"), ("name", "parameters"))
        calls = [calls_of(value, *keys) for value in found[0]] if found else []
        if not calls or None in calls:
            return Reply(text, broken=True)
        rest = text[found[1] :].lstrip(" \t\r\n;,") if found else ""
        more = rest if rest.startswith("{") else ""
        return Reply(more, tuple(call for several in calls if several for call in several), broken=bool(more))
