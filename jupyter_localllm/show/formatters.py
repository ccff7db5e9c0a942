"""A result as the value of a cell shows as the answer it is; an answer that was just shown does not show twice.

``%llm …`` streams its answer and returns the result, so that ``x = %llm …`` works; a line that is nothing but the
magic would then show the answer a second time, as the value of the cell. What was shown in the running execution is
therefore remembered, in IPython's own place for extensions (``shell.meta``), until the next execution.
"""

from __future__ import annotations

from typing import Any

from jupyter_localllm.show.surfaces import Surface
from jupyter_localllm.show.view import View, fold
from jupyter_localllm.types import Done, Result

__all__ = ["Remembering", "is_terminal", "register", "remember", "unregister", "was_shown"]

_META = "jupyter_localllm.shown"


def register(shell: Any) -> None:
    """Make the shell show a `Result` with all its MIME types; nothing happens the second time.

    Parameters
    ----------
    shell : InteractiveShell
    """

    def display(result: Result) -> None:
        if is_terminal(shell) or not was_shown(shell, result):
            raise NotImplementedError  # IPython's way of saying: go on with the other formatters

    def mimebundle(result: Result) -> tuple[dict[str, Any], dict[str, Any]]:
        from jupyter_localllm.show.bundle import bundle

        if was_shown(shell, result):  # in a terminal, which has written its prompt already
            return {"text/plain": "(shown above)"}, {}
        return bundle(fold(View(), Done(result), 0.0))

    formatter = shell.display_formatter
    formatter.ipython_display_formatter.for_type(Result, display)
    formatter.mimebundle_formatter.for_type(Result, mimebundle)


def unregister(shell: Any) -> None:
    """Undo `register`.

    Parameters
    ----------
    shell : InteractiveShell
    """
    formatter = shell.display_formatter
    for one in (formatter.ipython_display_formatter, formatter.mimebundle_formatter):
        one.type_printers.pop(Result, None)
    shell.meta.pop(_META, None)


def is_terminal(shell: Any) -> bool:
    """Whether displays of this shell can only be printed: no front end takes what is published."""
    if shell is None:
        return True
    from IPython.core.displaypub import DisplayPublisher

    return type(shell.display_pub) is DisplayPublisher


def remember(shell: Any, result: Result) -> None:
    """Note that a result was shown in the execution that runs now."""
    execution, results = shell.meta.get(_META, (None, []))
    if execution != _execution(shell):
        results = []
    shell.meta[_META] = (_execution(shell), [*results, result])


def was_shown(shell: Any, result: Result) -> bool:
    """Whether a result was shown in the execution that runs now."""
    execution, results = shell.meta.get(_META, (None, []))
    return execution == _execution(shell) and any(result is one or result == one for one in results)


def _execution(shell: Any) -> tuple[int, str]:
    """What tells one execution from another; the count alone stays the same for silent ones."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return shell.execution_count, str(parent.get("header", {}).get("msg_id", ""))


class Remembering:
    """Another surface whose last view is remembered as shown.

    Parameters
    ----------
    surface : Surface
    shell : InteractiveShell
    """

    def __init__(self, surface: Surface, shell: Any) -> None:
        self._surface = surface
        self._shell = shell

    def update(self, view: View) -> None:
        """Pass it on."""
        self._surface.update(view)

    def finish(self, view: View) -> None:
        """Pass it on, and remember its result."""
        self._surface.finish(view)
        if view.result is not None:
            remember(self._shell, view.result)
