"""Whether a call may run: safe tools may, others are asked about, and where nobody can be asked they are refused."""

from __future__ import annotations

import builtins
import json
import sys
import threading
from collections.abc import Callable
from typing import Any

from jupyter_localllm.errors import ToolNotConfirmed
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import ToolCall

__all__ = ["Confirm", "Consent", "ask_the_person"]

Confirm = Callable[[ToolCall], Any]

_YES, _ALWAYS = ("y", "yes"), ("a", "always")


class Consent:
    """Asks once for each call, or for each tool if the person says so.

    Parameters
    ----------
    confirm : callable or bool
        True: everything may run. A function gets the call and says whether it may run; what it returns counts as a
        truth value, and ``"always"`` holds for this tool until the answer is finished.
    """

    def __init__(self, confirm: Confirm | bool) -> None:
        self._confirm = confirm
        self._always: set[str] = set()
        self._said: dict[tuple[str, str], bool] = {}

    def given(self, tool: Tool, call: ToolCall) -> bool:
        """Whether the call may run.

        Raises
        ------
        ToolNotConfirmed
            Nobody can be asked.
        """
        if tool.safe or self._confirm is True or tool.name in self._always:
            return True
        if (call.name, call.json) in self._said:
            return self._said[call.name, call.json]
        said = self._confirm(call) if callable(self._confirm) else ask_the_person(call)
        if said == "always":
            self._always.add(tool.name)
        self._said[call.name, call.json] = bool(said)
        return bool(said)


def ask_the_person(call: ToolCall) -> bool | str:
    """Ask below the cell, or in the terminal.

    Raises
    ------
    ToolNotConfirmed
        Nobody is there: the notebook runs unattended, the standard input is no terminal, or this is not the main
        thread, whose input it is.
    """
    if threading.current_thread() is not threading.main_thread() or not _somebody_there():
        raise _refused(call)
    try:
        said = input(f"Run {_whole(call)}? [y]es, [n]o, [a]lways in this answer: ").strip().lower()
    except (EOFError, OSError):
        raise _refused(call) from None
    except Exception as error:
        # ipykernel's StdinNotImplementedError, without importing it: it says that no front end answers.
        if type(error).__name__ != "StdinNotImplementedError":
            raise
        raise _refused(call) from None
    return "always" if said in _ALWAYS else said in _YES


def _whole(call: ToolCall) -> str:
    """The call with all of its arguments by name: who says yes must have seen them, also signs that hide others."""
    if call.words.isprintable() and max(map(len, map(json.dumps, call.arguments.values())), default=0) <= 120:
        return call.words
    told = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items())
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in f"{call.name}({told})")


def _somebody_there() -> bool:
    """Whether `input` reaches a person: that of a kernel tries, and raises if no front end answers."""
    if str(getattr(builtins.input, "__module__", "")).startswith("ipykernel"):
        return True
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):  # no standard input, or a closed one
        return False


def _refused(call: ToolCall) -> ToolNotConfirmed:
    return ToolNotConfirmed(
        f"{call.words} was not run: nobody is here who could allow it",
        f"If it may run unattended, mark the function with @tool(safe=True), or give --yes (yes=True in Python). "
        f"As it is, {call.name} needs a person who says yes.",
    )
