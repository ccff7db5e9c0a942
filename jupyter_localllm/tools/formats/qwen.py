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

from jupyter_localllm.constrain.forms import unescaped
from jupyter_localllm.constrain.schema import in_lark
from jupyter_localllm.tools.formats.base import Calling, Reply
from jupyter_localllm.tools.formats.lark import ANY, anywhere, literal
from jupyter_localllm.tools.formats.native import rendered, takes_tools
from jupyter_localllm.tools.formats.reading import json_text, marked
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, ModelInfo, Prompt, ToolCall

__all__ = ["Qwen"]

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_PARAMETER_ENDS, _ENDS = "\n</parameter>\n", f"</function>\n{_CLOSE}"
_FUNCTION = re.compile(r"\n<function=([^>\n]+)>\n")
_PARAMETER = re.compile(r"<parameter=([^>\n]+)>\n")

_LOOSE_FUNCTION = re.compile(r"\s*<function=([\w.-]+)>\s*")
_LOOSE_END = re.compile(rf"</function>\s*(?:{_CLOSE}|(?={_OPEN})|\Z)")
_LOOSE_PARAMETER = re.compile(
    r"<parameter=([^>\n]+)>\n?((?:(?!</?parameter\b|</?function\b).)*?)\n?</parameter>\s*", re.DOTALL
)


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
            head, tail = literal(f"\n<function={tool.name}>\n"), literal(_ENDS)
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

        def read(text: str, at: int) -> tuple[list[ToolCall], int] | None:
            found = _as_held(text, at) or _as_it_came(text, at)
            if found is None:
                return None
            name, given, end = found
            values = {key: _value(schemas.get(name, {}), key, value) for key, value in given.items()}
            return [ToolCall(name, json_text(values))], end

        return marked(text, _OPEN, read)


_Found = tuple[str, dict[str, str], int]
"""Name, parameters as they stand, and where the call ends."""


def _as_held(text: str, at: int) -> _Found | None:
    """A call as the grammar has it: a parameter ends where that first can, whatever stands in it besides."""
    head = _FUNCTION.match(text, at)
    if head is None:
        return None
    given: dict[str, str] = {}
    at = head.end()
    while (parameter := _PARAMETER.match(text, at)) is not None:
        end = text.find(_PARAMETER_ENDS, parameter.end())
        if end < 0:
            return None
        given[parameter[1]] = text[parameter.end() : end]
        at = end + len(_PARAMETER_ENDS)
    return (head[1], given, at + len(_ENDS)) if text.startswith(_ENDS, at) else None


def _as_it_came(text: str, at: int) -> _Found | None:
    """A call that nothing held to the grammar: with marks in a text, nobody could tell where it ends."""
    head = _LOOSE_FUNCTION.match(text, at)
    if head is None:
        return None
    given: dict[str, str] = {}
    at = head.end()
    while (parameter := _LOOSE_PARAMETER.match(text, at)) is not None:
        given[parameter[1]] = parameter[2]
        at = parameter.end()
    end = _LOOSE_END.match(text, at)
    return (head[1], given, end.end()) if end else None


def _value(schema: Mapping[str, Any], name: str, text: str) -> Any:
    if _is_text(_resolved(schema.get("properties", {}).get(name, {}), schema.get("$defs", {}))):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # the tool's own check says what is wrong with it


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference stands for."""
    found = definitions.get(unescaped(str(schema.get("$ref", "")).removeprefix("#/$defs/")))
    return found if isinstance(found, Mapping) else schema


def _parameter(rule: str, name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[str]:
    head = literal(f"<parameter={name}>\n")
    if _is_text(plain := _resolved(schema, definitions)):
        schema = plain
        options = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if options:
            return [f"{rule}: {head} ({' | '.join(map(literal, options))}) {literal(_PARAMETER_ENDS)}"]
        return [f"{rule}: {head} {rule}_text", f"{rule}_text[lazy]: /{ANY}*\\n<\\/parameter>\\n/"]
    whole = {**schema, "$defs": dict(definitions)} if definitions else dict(schema)
    return [f"{rule}: {head} {rule}_json {literal(_PARAMETER_ENDS)}", f"{rule}_json: {in_lark(whole)}"]


def _is_text(schema: Mapping[str, Any]) -> bool:
    options = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return schema.get("type") == "string" or (bool(options) and all(isinstance(one, str) for one in options))
