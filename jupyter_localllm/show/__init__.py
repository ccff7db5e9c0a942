"""Showing answers: from events to one safe output in notebooks, reports and terminals.

::

    events -> view.fold -> bundle -> surfaces (live.follow drives them)
                             formats, html (parser, math, tex), neutral, plain
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_localllm.show.bundle import ANSWER_MIME, bundle
    from jupyter_localllm.show.formatters import register, unregister
    from jupyter_localllm.show.html import BlockRenderer, render
    from jupyter_localllm.show.live import follow, surface_for
    from jupyter_localllm.show.neutral import neutralise
    from jupyter_localllm.show.plain import PlainStream, clean
    from jupyter_localllm.show.view import View, fold

__all__ = [
    "ANSWER_MIME",
    "BlockRenderer",
    "PlainStream",
    "View",
    "bundle",
    "clean",
    "fold",
    "follow",
    "neutralise",
    "register",
    "render",
    "surface_for",
    "unregister",
]

_HOMES = {
    "ANSWER_MIME": "bundle",
    "BlockRenderer": "html",
    "PlainStream": "plain",
    "View": "view",
    "bundle": "bundle",
    "clean": "plain",
    "fold": "view",
    "follow": "live",
    "neutralise": "neutral",
    "register": "formatters",
    "render": "html",
    "surface_for": "live",
    "unregister": "formatters",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: loading the extension needs none of them."""
    import importlib

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
