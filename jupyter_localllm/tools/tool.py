"""A function as a model knows it: its name, what it does, and the JSON schema of its arguments."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.errors import UsageError
from jupyter_localllm.tools.docstring import described
from jupyter_localllm.tools.identity import identity_of
from jupyter_localllm.tools.mark import mark_of

__all__ = ["Tool", "as_tool", "as_tools"]

Reader = Callable[[str], "tuple[tuple[Any, ...], Mapping[str, Any]]"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LONGEST_DESCRIPTION = 1_000  # characters; it is read with every question


@dataclass(frozen=True)
class Tool:
    """A function that a model may call.

    Parameters
    ----------
    name : str
        Letters, digits and underscores of ASCII, at most 64: what every format of calls can write.
    description : str
        What it does, from its docstring.
    schema : Mapping
        JSON schema of its arguments, an object.
    function : callable
    read : callable
        From the JSON text of the arguments to positional and named arguments, of the types of the function's hints;
        raises `SchemaMismatch` if they do not fit.
    pure, safe : bool
        As `jupyter_localllm.tool` says.
    identity : str
        Of a pure function: of its code and what that holds, as its outcomes are kept under it. Empty for others.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    function: Callable[..., Any] = field(repr=False)
    read: Reader = field(repr=False)
    pure: bool = False
    safe: bool = False
    identity: str = field(default="", repr=False)

    @property
    def spec(self) -> dict[str, Any]:
        """The tool as chat templates get it (the form of OpenAI's API, which they have in common)."""
        function = {"name": self.name, "description": self.description, "parameters": dict(self.schema)}
        return {"type": "function", "function": function}


def as_tools(tools: Any) -> tuple[Tool, ...]:
    """What ``tools=`` takes: functions, or tools.

    Raises
    ------
    UsageError
        Something is not a function, its signature cannot be told to a model, or two have the same name.
    """
    if callable(tools) or isinstance(tools, (str, Mapping)) or not isinstance(tools, Iterable):
        raise UsageError(
            f"tools is a list of functions, not {type(tools).__name__}", "Write tools=[price], with brackets."
        )
    made = tuple(one if isinstance(one, Tool) else as_tool(one) for one in tools)
    if not made:
        raise UsageError("tools is empty", "Leave it out, or give a function.")
    names = [one.name for one in made]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two tools are called {name}", "Give one of them another name: def …")
    return made


def as_tool(function: Any) -> Tool:
    """A function as a tool; its name, hints and docstring tell the model what it is.

    Raises
    ------
    UsageError
        It is no function, is ``async``, has no name, or a parameter cannot be told in JSON.
    """
    name = getattr(function, "__name__", "")
    if not callable(function) or isinstance(function, type):
        kind = f"the class {name}" if isinstance(function, type) else type(function).__name__
        raise UsageError(f"a tool is a function, not {kind}", "Give functions: tools=[price].")
    if not _NAME.fullmatch(name):
        why = "a lambda has no name" if name == "<lambda>" else f"{name or 'what has no name'!r} is no name for a tool"
        raise UsageError(why, "Write it with def, under a name of ASCII letters, digits and underscores, 64 at most.")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(f"{name} is async; a tool is called and gives its outcome", "Write it as a plain def.")
    from jupyter_localllm.tools.signature import arguments_of

    told = described(inspect.getdoc(function))
    schema, read = arguments_of(function, name, told.parameters)
    mark = mark_of(function)
    identity = identity_of(function) if mark.pure else ""
    description = told.text
    if len(description) > _LONGEST_DESCRIPTION:  # the rest is for people
        description = description[:_LONGEST_DESCRIPTION].rsplit("\n", 1)[0]
    return Tool(name, description, schema, function, read, mark.pure, mark.safe, identity)
