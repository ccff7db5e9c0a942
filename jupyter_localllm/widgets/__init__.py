"""The chat as ipywidgets in a cell, and progress bars: the only room that imports ipywidgets.

`ChatPanel` is a client of the kernel's session (`jupyter_localllm.chat`), as the sidebar is; it speaks the same
messages. ::

    panel -> client                    ChatPanel in its cell; what the session's messages mean, and what is asked
             shown, kept               the conversation that is shown; the same as text
             view                      all widgets: log, composer, choosing, sampling
             pump                      the one thread that changes them, at most 20 times a second
    bars                               ProgressBar, for `llm.map`
    twofold                            widgets in a cell, and beside them the text that a saved notebook holds
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_localllm.widgets.bars import ProgressBar
    from jupyter_localllm.widgets.panel import ChatPanel

__all__ = ["ChatPanel", "ProgressBar"]

_HOMES = {"ChatPanel": "panel", "ProgressBar": "bars"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
