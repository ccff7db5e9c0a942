"""Qwen3-Coder, Qwen3.5 and others that write functions and parameters as XML.

Source: the chat templates of the models. ::

    <tool_call>
    <function=price>
    <parameter=item>
    tea
    </parameter>
    </function>
    </tool_call>

A text stands as it is; everything else is JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_localllm.constrain.schema import in_lark
from jupyter_localllm.tools.formats.base import Calling, Reply
from jupyter_localllm.tools.formats.lark import ANY, anywhere, literal
from jupyter_localllm.tools.formats.native import rendered, takes_tools
from jupyter_localllm.tools.formats.reading import json_text
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, ModelInfo, Prompt, ToolCall

__all__ = ["Qwen"]

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_FUNCTION = re.compile(r"\s*<function=([\w.-]+)>\s*(.*?)\s*</function>", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>\n]+)>\n?(.*?)\n?</parameter>", re.DOTALL)


@dataclass(frozen=True)
class Qwen:
    """Functions and parameters as XML between ``<tool_call>`` marks."""

    name: str = "qwen"
    openings: tuple[str, ...] = (_OPEN,)
    first: bool = False
    shown: tuple[str, ...] = (_OPEN, _CLOSE)
    reasoning_ends: str = ""

    def knows(self, template: str) -> bool:
        """Whether it writes functions as XML."""
        return "<function=" in template and _OPEN in template and takes_tools(template)

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool], info: ModelInfo, how: Calling) -> Prompt:
        """By the template."""
        return rendered(messages, tools, info)

    def grammar(self, tools: Sequence[Tool], how: Calling) -> str:
        """Text, and calls behind it."""
        start = anywhere(_OPEN, how, more=f'"\\n" "{_OPEN}"')
        if how == "never":
            return start
        lines = [start, "call: " + " | ".join(f"call_{number}" for number in range(len(tools)))]
        for number, tool in enumerate(tools):
            head, tail = literal(f"\n<function={tool.name}>\n"), literal(f"</function>\n{_CLOSE}")
            given = tool.schema.get("properties", {})
            required = tool.schema.get("required", [])
            names = [f"p_{number}_{at}{'' if name in required else '?'}" for at, name in enumerate(given)]
            lines.append(f"call_{number}: {' '.join([head, *names, tail])}")
            for at, (name, part) in enumerate(given.items()):
                lines += _parameter(f"p_{number}_{at}", name, part, tool.schema.get("$defs", {}))
        return "\n".join(lines)

    def read(self, text: str, tools: Sequence[Tool]) -> Reply:
        """All calls; what a parameter is, the tool's schema tells."""
        schemas = {tool.name: tool.schema for tool in tools}
        said, *blocks = text.split(_OPEN)
        calls: list[ToolCall] = []
        for block in blocks:
            function = _FUNCTION.match(block)
            if function is None:
                return Reply(text, broken=True)
            schema = schemas.get(function[1], {})
            values = {name: _value(schema, name, value) for name, value in _PARAMETER.findall(function[2])}
            calls.append(ToolCall(function[1], json_text(values)))
        return Reply(said.rstrip() if calls else text, tuple(calls))


def _value(schema: Mapping[str, Any], name: str, text: str) -> Any:
    if _is_text(_resolved(schema.get("properties", {}).get(name, {}), schema.get("$defs", {}))):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # the tool's own check says what is wrong with it


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference stands for."""
    target = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    found = definitions.get(target.replace("~1", "/").replace("~0", "~"))
    return found if isinstance(found, Mapping) else schema


def _parameter(rule: str, name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[str]:
    head = literal(f"<parameter={name}>\n")
    tail = "\n</parameter>\n"
    if _is_text(plain := _resolved(schema, definitions)):
        schema = plain
        options = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if options:
            return [f"{rule}: {head} ({' | '.join(map(literal, options))}) {literal(tail)}"]
        return [f"{rule}: {head} {rule}_text", f"{rule}_text[lazy]: /{ANY}*\\n<\\/parameter>\\n/"]
    whole = {**schema, "$defs": dict(definitions)} if definitions else dict(schema)
    return [f"{rule}: {head} {rule}_json {literal(tail)}", f"{rule}_json: {in_lark(whole)}"]


def _is_text(schema: Mapping[str, Any]) -> bool:
    options = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return schema.get("type") == "string" or (bool(options) and all(isinstance(one, str) for one in options))
