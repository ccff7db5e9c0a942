"""gpt-oss: the harmony format.

Source: https://cookbook.openai.com/articles/openai-harmony. A call is a message on the channel ``commentary`` to
``functions.NAME``, ``<|channel|>commentary to=functions.price <|constrain|>json<|message|>{…}<|call|>``; the recipient
may also stand before the channel. What the model thinks before it is on the channel ``analysis``. One call in each
message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jupyter_localllm.constrain.schema import in_lark
from jupyter_localllm.engine.text import prefilled_reasoning
from jupyter_localllm.tools.formats.base import Calling, Reply
from jupyter_localllm.tools.formats.lark import ANY, BLANK, literal, start_of
from jupyter_localllm.tools.formats.native import one_by_one, rendered
from jupyter_localllm.tools.formats.reading import call_of, objects_at
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, ModelInfo, Prompt

__all__ = ["Harmony"]

_CHANNEL, _CONSTRAIN, _MESSAGE = "<|channel|>", "<|constrain|>", "<|message|>"
_COMMENTARY = f"{_CHANNEL}commentary"
_ANALYSIS = f"{_CHANNEL}analysis{_MESSAGE}"
# Each part takes the white space behind it, so that there is one way to read a text of nothing else.
_TO = r"(?:to=functions\.(\w+)\s*)?"
_CALL = re.compile(
    rf"\s*(?:<\|start\|>assistant\s*)?{_TO}(?:<\|channel\|>commentary\s*)?{_TO}"
    r"(?:<\|constrain\|>\s*)?(?:json\s*)?<\|message\|>"
)


@dataclass(frozen=True)
class Harmony:
    """A message to a function on the channel ``commentary``.

    The answer is begun for the model with its channel of thought: what follows ends by the final channel, as in every
    answer, or by the channel of calls. Who must call begins with that one.
    """

    name: str = "harmony"
    openings: tuple[str, ...] = (_COMMENTARY, "to=functions.")
    first: bool = True
    shown: tuple[str, ...] = (_CHANNEL, _CONSTRAIN, _MESSAGE)
    reasoning_ends: str = _COMMENTARY

    def knows(self, template: str) -> bool:
        """Whether it writes channels and calls."""
        return _CHANNEL in template and "<|call|>" in template

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], info: ModelInfo, how: Calling) -> Prompt:
        """By the template, with the channel of thought opened behind it."""
        prompt = rendered(one_by_one(messages), tools, info)
        if not prompt.pieces or prefilled_reasoning(prompt.pieces[-1]):
            return prompt
        begun = _COMMENTARY if how == "must" else _ANALYSIS
        pieces = (*prompt.pieces[:-1], prompt.pieces[-1] + begun)
        return replace(prompt, pieces=pieces, reasoning="" if how == "must" else _ANALYSIS)

    def grammar(self, tools: Sequence[Tool], how: Calling) -> str:
        """The rest of a call, whose channel stands before it already; or text."""
        text = f"TEXT: /{BLANK}[^<\\s]{ANY}*/ & ~/ *to={ANY}*/"
        if how == "never":
            return f"start: TEXT\n{text}"
        lines = [f"{start_of(how, 'call')}\n{text}", "call: " + " | ".join(f"call_{n}" for n in range(len(tools)))]
        for number, tool in enumerate(tools):
            head = f" to=functions.{tool.name}"
            lines.append(f'call_{number}: {literal(head)} " "? "{_CONSTRAIN}"? "json{_MESSAGE}" arguments_{number}')
            lines.append(f"arguments_{number}: {in_lark(tool.schema)}")
        return "\n".join(lines)

    def read(self, text: str, tools: Sequence[Tool]) -> Reply:
        """The call, if the answer is one."""
        head = _CALL.match(text)
        if head is None:
            return Reply(text, broken=text.lstrip().startswith(_COMMENTARY))
        found = objects_at(text, head.end())
        call = call_of(head[1] or head[2], found[0][0]) if found else None
        return Reply("", (call,)) if call is not None else Reply(text, broken=True)
