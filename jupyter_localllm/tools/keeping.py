"""Outcomes of pure functions, kept beside the answers: exported, imported and cleared with them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_localllm.cache import AnswerKey, Entry, answer_key
from jupyter_localllm.errors import CacheError
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import Message, Result, Sampling, ToolCall

if TYPE_CHECKING:
    from jupyter_localllm.cache import AnswerCache

__all__ = ["is_kept", "keep", "kept"]

_VERSION = "tool 1"


def kept(call: ToolCall, tool: Tool, cache: AnswerCache) -> ToolCall | None:
    """The call with the outcome that it had before; None if it was not made, or its function has changed."""
    entry = cache.get(_key(call, tool))
    return None if entry is None else replace(call, outcome=entry.result.text, status="done", cached=True)


def is_kept(call: ToolCall, tool: Tool, cache: AnswerCache) -> bool:
    """Whether `kept` would find it; counts as no look-up."""
    return cache.peek(_key(call, tool)) is not None


def keep(call: ToolCall, tool: Tool, cache: AnswerCache) -> None:
    """Keep the outcome of a call that was made; where the cache cannot be used, nothing is lost by it."""
    key = _key(call, tool)
    with suppress(CacheError):
        cache.put(key, Entry.of((), Result(call.outcome, model=f"tool {tool.name}"), key))


def _key(call: ToolCall, tool: Tool) -> AnswerKey:
    arguments = json.dumps(call.arguments, ensure_ascii=False, sort_keys=True)
    return answer_key(
        messages=(Message.of("user", f"{call.name} {arguments}"),),
        sampling=Sampling(),
        max_tokens=0,
        stop=(),
        model=f"tool {tool.name}",
        model_sha256=tool.identity,
        template_version=_VERSION,
    )
