"""A result or an answer as the value of a cell shows as what it is; what was just shown does not show twice.

``%llm …`` streams its answer and returns the result, so that ``x = %llm …`` works; a line that is nothing but the
magic would then show the answer a second time, as the value of the cell. What was shown in the running execution is
therefore remembered, in IPython's own place for extensions (``shell.meta``), until the next execution.
"""

from __future__ import annotations

from typing import Any

from jupyter_localllm.show.surfaces import Surface
from jupyter_localllm.show.view import View, view_of
from jupyter_localllm.types import Answer, Result

__all__ = ["Remembering", "as_bundle", "is_terminal", "register", "remember", "unregister", "was_shown"]

_META = "jupyter_localllm.shown"


def register(shell: Any) -> None:
    """Make the shell show a `Result` or an `Answer` with all its MIME types; nothing happens the second time.

    Parameters
    ----------
    shell : InteractiveShell
    """

    def display(result: Result | Answer) -> None:
        if is_terminal(shell) or not was_shown(shell, result):
            raise NotImplementedError  # IPython's way of saying: go on with the other formatters

    def mimebundle(result: Result | Answer) -> tuple[dict[str, Any], dict[str, Any]]:
        if was_shown(shell, result):  # in a terminal, which has written its prompt already
            return {"text/plain": "(shown above)"}, {}
        return as_bundle(result)

    formatter = shell.display_formatter
    for kind in (Result, Answer):
        formatter.ipython_display_formatter.for_type(kind, display)
        formatter.mimebundle_formatter.for_type(kind, mimebundle)


def as_bundle(what: Result | Answer) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a finished result or answer shows as, without a shell that was told so.

    Examples
    --------
    >>> as_bundle(Result("It is 3."))[0]["text/plain"]
    'It is 3.'
    """
    from jupyter_localllm.show.bundle import bundle

    return bundle(view_of(what))


def unregister(shell: Any) -> None:
    """Undo `register`.

    Parameters
    ----------
    shell : InteractiveShell
    """
    formatter = shell.display_formatter
    for one in (formatter.ipython_display_formatter, formatter.mimebundle_formatter):
        for kind in (Result, Answer):
            one.type_printers.pop(kind, None)
    shell.meta.pop(_META, None)


def is_terminal(shell: Any) -> bool:
    """Whether displays of this shell can only be printed: no front end takes what is published."""
    if shell is None:
        return True
    from IPython.core.displaypub import DisplayPublisher

    return type(shell.display_pub) is DisplayPublisher


def remember(shell: Any, result: Result | Answer) -> None:
    """Note that a result or an answer was shown in the execution that runs now."""
    execution, results = shell.meta.get(_META, (None, []))
    if execution != _execution(shell):
        results = []
    shell.meta[_META] = (_execution(shell), [*results, result])


def was_shown(shell: Any, result: Result | Answer) -> bool:
    """Whether a result or an answer was shown in the execution that runs now."""
    execution, results = shell.meta.get(_META, (None, []))
    return execution == _execution(shell) and any(_same(result, one) for one in results)


def _same(one: Result | Answer, other: Result | Answer) -> bool:
    """Whether two show the same. An answer's value may be a frame, which cannot be compared in a word."""
    if one is other:
        return True
    if isinstance(one, Answer) and isinstance(other, Answer):
        return (one.text, one.citations, one.result) == (other.text, other.citations, other.result)
    return isinstance(one, Result) and isinstance(other, Result) and one == other


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
        """Pass it on, and remember what it showed."""
        self._surface.finish(view)
        if view.result is not None:
            remember(self._shell, view.result if view.answer is None else view.answer)
