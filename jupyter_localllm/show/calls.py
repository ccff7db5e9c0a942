"""Calls of tools, each with what came of it, as lines above the answer."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from html import escape
from typing import Any

from jupyter_localllm.show.listing import clipped, one_line
from jupyter_localllm.show.plain import clean
from jupyter_localllm.show.saved import encodable
from jupyter_localllm.types import ToolCall

__all__ = ["as_html", "as_markdown", "as_plain", "saved_calls"]

_LONGEST = 400  # characters of a line
_STYLE = (
    "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#767676));font-size:.9em;"
    "margin:0 0 .5em;white-space:pre-wrap;overflow-wrap:anywhere"
)


def as_plain(calls: Sequence[ToolCall]) -> str:
    """One line for each call.

    Examples
    --------
    >>> print(as_plain([ToolCall("price", '{"item": "tea"}', "12", "done")]))
    tool: price("tea") = 12
    """
    return "\n".join(f"tool: {_line(call)}" for call in calls)


def as_html(calls: Sequence[ToolCall]) -> str:
    """The same in HTML; nothing of a call becomes markup."""
    lines = "\n".join(
        f'<div class="jp-LocalLLM-call">tool: <code dir="auto">{escape(_line(call))}</code></div>' for call in calls
    )
    return f'<div class="jp-LocalLLM-calls" style="{_STYLE}">\n{lines}\n</div>\n' if calls else ""


def as_markdown(calls: Sequence[ToolCall]) -> str:
    """The same in Markdown. A backtick would end the code, so there is none."""
    return "\n".join(f"- tool: `{_line(call).replace('`', chr(39))}`" for call in calls)


def saved_calls(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """The calls as the JSON of our own type has them, without what differs from run to run."""
    return [
        {
            "name": encodable(call.name),
            "arguments": encodable(call.json),
            "outcome": encodable(call.outcome),
            "status": call.status,
        }
        for call in calls
    ]


@functools.lru_cache(maxsize=256)
def _line(call: ToolCall) -> str:
    return clipped(one_line(clean(call.shown)), _LONGEST)
