"""Pieces of grammars that formats have in common, in the Lark dialect of llguidance.

Source of the syntax: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md. Terminals are regular
expressions with ``&`` and ``~``; a rule with ``[lazy]`` ends at the first place where it can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from jupyter_localllm.constrain.schema import in_lark
from jupyter_localllm.tools.formats.base import Calling
from jupyter_localllm.tools.tool import Tool

__all__ = ["ANY", "BLANK", "MOST", "WS", "anywhere", "json_calls", "literal", "start_of", "text_without"]

ANY = r"(.|\n)"
BLANK = r"\s{0,20}"
"""White space around a call: a small model that may write any amount of it writes it for ever."""

MOST = 16
"""Calls in one answer: a model that goes in circles comes to an end."""

WS = r"ws: /( |\n[ \t]{0,40})?/"
"""Between two tokens of JSON; see `jupyter_localllm.constrain.schema`."""


def literal(text: str) -> str:
    r"""A text as Lark quotes it.

    Examples
    --------
    >>> print(literal('say "a"\n'))
    "say \"a\"\n"
    """
    return json.dumps(text, ensure_ascii=False)


def escaped(text: str) -> str:
    """A text within a regular expression of Lark."""
    return re.sub(r"([\\.^$|?*+(){}\[\]/])", r"\\\1", text).replace("\n", r"\n")


def text_without(*openings: str) -> str:
    """The terminal TEXT: anything in which none of these stands."""
    excluded = "".join(f" & ~/{ANY}*{escaped(opening)}{ANY}*/" for opening in openings)
    return f"TEXT: /{ANY}*/{excluded}"


def start_of(how: Calling, calls: str) -> str:
    """The rule `start`: text, calls, or either.

    Examples
    --------
    >>> start_of("may", "call"), start_of("must", "call"), start_of("never", "call")
    ('start: TEXT | call', 'start: call', 'start: TEXT')
    """
    return {"may": f"start: TEXT | {calls}", "must": f"start: {calls}", "never": "start: TEXT"}[how]


def anywhere(opening: str, how: Calling, *, more: str = "") -> str:
    """Text, and calls behind it that begin with a mark of their own; who must call writes no text.

    Parameters
    ----------
    opening : str
    how : {"may", "must", "never"}
    more : str
        What stands between two calls, as Lark; empty if there is one call at most.
    """
    calls = f"before call ({more} call){{0,{MOST - 1}}} END" if more else "before call END"
    text = BLANK if how == "must" else f"{ANY}*"
    rules = f"before[lazy]: /{text}{escaped(opening)}/\nEND: /{BLANK}/\n" if how != "never" else ""
    return f"{start_of(how, calls)}\n{rules}{text_without(opening)}"


def json_calls(tools: Sequence[Tool], *, name: str, arguments: str) -> str:
    """The rule `call`: a JSON object with the tool's name first, and its arguments under the tool's schema.

    Parameters
    ----------
    tools : sequence of Tool
    name, arguments : str
        The keys.
    """
    lines = [f'call: "{{" ws {literal(json.dumps(name))} ws ":" ws named ws "}}"']
    lines.append("named: " + " | ".join(f"named_{number}" for number in range(len(tools))))
    for number, tool in enumerate(tools):
        key, of = literal(json.dumps(arguments)), literal(json.dumps(tool.name))
        lines.append(f'named_{number}: {of} ws "," ws {key} ws ":" ws arguments_{number}')
        lines.append(f"arguments_{number}: {in_lark(tool.schema)}")
    return "\n".join([*lines, WS])
