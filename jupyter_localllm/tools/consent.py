"""Whether a call may run: safe tools may, others are asked about, and where nobody can be asked they are refused."""

from __future__ import annotations

import builtins
import inspect
import json
import sys
import threading
from collections.abc import Callable
from typing import Any

from jupyter_localllm.errors import ToolNotConfirmed, UsageError
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import ToolCall

__all__ = ["Confirm", "Consent", "ask_the_person"]

Confirm = Callable[[ToolCall], Any]

_LONGEST = 300  # characters of a call that was refused
_YES, _NO, _ALWAYS = ("y", "yes"), ("", "n", "no"), ("a", "always")


class Consent:
    """Asks once for each call, or for each tool if the person says so.

    Parameters
    ----------
    confirm : callable or bool
        True: everything may run. A function gets the call and says whether it may run: True or ``"yes"``, False, None
        or ``"no"``, and ``"always"``, which holds for this tool until the answer is finished.
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
        UsageError
            `confirm` said neither yes nor no.
        """
        if tool.safe or self._confirm is True or tool.name in self._always:
            return True
        if (call.name, call.json) in self._said:
            return self._said[call.name, call.json]
        said = _understood(self._confirm(call)) if callable(self._confirm) else ask_the_person(call)
        if said == "always":
            self._always.add(tool.name)
        self._said[call.name, call.json] = bool(said)
        return bool(said)


def _understood(said: Any) -> bool | str:
    """What a function of the person's answered. Only a plain yes is one: a coroutine is true, and so is "no"."""
    if said is None or isinstance(said, bool):
        return bool(said)
    if isinstance(said, str):
        word = said.strip().casefold()
        if word in _ALWAYS:
            return "always"
        if word in (*_YES, *_NO):
            return word in _YES
    elif type(said).__module__ == "numpy" and type(said).__name__ in ("bool", "bool_"):
        return bool(said)
    if inspect.iscoroutine(said):
        said.close()  # it is not awaited, and need not say so
    shown = repr(said)[:60] if isinstance(said, (str, int, float)) else type(said).__name__
    raise UsageError(
        f"confirm gave {shown}, which is neither yes nor no; nothing was run",
        'Return True or False from it, or "always"; an async function cannot be asked.',
    )


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
        f"{_whole(call)[:_LONGEST]} was not run: nobody is here who could allow it",
        f"If it may run unattended, mark the function with @tool(safe=True), or give --yes (yes=True in Python). "
        f"As it is, {call.name} needs a person who says yes.",
    )
