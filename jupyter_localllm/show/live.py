"""From a stream of events to what a person sees, and back to a result.

`follow` drives a surface in the thread of the cell. Stopping it at any moment closes the stream, which cancels the
engine, keeps what came so far in the output, marked as incomplete, and stops the notebook.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from jupyter_localllm.errors import EngineError, LocalLLMError
from jupyter_localllm.show.bundle import METADATA_KEY, as_warning
from jupyter_localllm.show.formatters import Remembering, is_terminal
from jupyter_localllm.show.plain import clean
from jupyter_localllm.show.saved import named
from jupyter_localllm.show.surfaces import (
    AtEnd,
    HeadlessSurface,
    NotebookSurface,
    SilentSurface,
    Surface,
    TerminalSurface,
    now_ms,
)
from jupyter_localllm.show.view import Format, View, failed, fold
from jupyter_localllm.types import Answer, AskEvent, Result

__all__ = [
    "AtEnd",
    "HeadlessSurface",
    "NotebookSurface",
    "SilentSurface",
    "Surface",
    "TerminalSurface",
    "follow",
    "follow_answer",
    "show_error",
    "surface_for",
]


def follow(
    events: Iterator[AskEvent],
    surface: Surface,
    *,
    format: Format = "markdown",
    model: str = "",
    name: str = "",
    question: str = "",
    clock: Callable[[], float] = now_ms,
) -> Result:
    """Show what a model writes while it comes.

    Parameters
    ----------
    events : iterator of Status, Token, Revised, Cited and Done
        Closed in any case, if it can be closed: that cancels the generation.
    surface : Surface
        Where to show it.
    format : {"markdown", "text", "json", "code", "value"}
        How to show the text.
    model : str
        The model's name, to be shown before the result says it.
    name, question : str
        What the answer is bound to, and what was asked, for the output's metadata.
    clock : callable
        Milliseconds.

    Returns
    -------
    Result

    Raises
    ------
    KeyboardInterrupt
        The person stopped it; the partial answer stays in the output, marked as incomplete.
    EngineError
        The events ended without a result.
    """
    return _finished(_followed(events, surface, View(format=format, model=model, name=name, question=question), clock))


def follow_answer(
    events: Iterator[AskEvent],
    surface: Surface,
    *,
    format: Format = "markdown",
    model: str = "",
    name: str = "",
    question: str = "",
    clock: Callable[[], float] = now_ms,
) -> Answer:
    """Show an answer from sources while it comes; as `follow`.

    Returns
    -------
    Answer

    Raises
    ------
    KeyboardInterrupt
        The person stopped it; the partial answer stays in the output, marked as incomplete.
    EngineError
        The events ended without an answer.
    """
    answer = _followed(events, surface, View(format=format, model=model, name=name, question=question), clock).answer
    if answer is None:
        raise _without_end()
    return answer


def _finished(view: View) -> Result:
    if view.result is None:
        raise _without_end()
    return view.result


def _without_end() -> EngineError:
    return EngineError("the answer ended without a result", "Run the cell again.")


def _followed(events: Iterator[AskEvent], surface: Surface, view: View, clock: Callable[[], float]) -> View:
    """Show all views, the last one included, whatever happens."""
    try:
        try:
            for event in events:
                view = fold(view, event, clock())
                surface.update(view)
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()
        _finished(view)
        surface.finish(view)
        return view
    except BaseException as error:
        if view.result is None:
            view = failed(view, error)
        with suppress(Exception):  # the first error is the one to tell
            surface.finish(view)
        raise


def surface_for(shell: Any, *, live: bool) -> Surface:
    """The surface for a shell.

    Parameters
    ----------
    shell : InteractiveShell or None
        The shell that runs the cell.
    live : bool
        Whether somebody looks on: False where the front end runs the notebook unattended, or if streaming is off.

    Returns
    -------
    Surface
    """
    surface: Surface
    if is_terminal(shell):
        surface = TerminalSurface() if live else AtEnd(TerminalSurface())
    else:
        surface = NotebookSurface(shell) if live else HeadlessSurface(shell)
    return surface if shell is None else Remembering(surface, shell)


def show_error(shell: Any, error: LocalLLMError, *, name: str = "", question: str = "") -> None:
    """Show an error that must not stop the notebook, and record it in the output's metadata.

    Parameters
    ----------
    shell : InteractiveShell or None
    error : LocalLLMError
    name, question : str
        What the answer was to be bound to, and what was asked.
    """
    lines = clean("\n".join(error._render_traceback_()))
    if is_terminal(shell):
        print(lines, file=sys.stderr)
        return
    facts = {"type": type(error).__name__, "message": clean(error.message), "hint": clean(error.hint)}
    data = {"text/html": as_warning(lines), "text/plain": lines}
    told = {"complete": False, "error": facts, **named(name, question)}
    shell.display_pub.publish(data=data, metadata={METADATA_KEY: told})
