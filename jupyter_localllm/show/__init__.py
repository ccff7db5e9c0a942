"""Showing answers: from events to one safe output in notebooks, reports and terminals.

::

    events -> view.fold -> bundle -> surfaces (live.follow drives them)
                             formats, html (parser, math, tex), neutral, plain
                             marks, listing, cards, footnotes, saved: answers from sources
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_localllm.types import Answer
from jupyter_localllm.types.cited import show_with

if TYPE_CHECKING:
    from jupyter_localllm.show.bundle import ANSWER_MIME, bundle
    from jupyter_localllm.show.formatters import as_bundle, register, unregister
    from jupyter_localllm.show.html import BlockRenderer, render
    from jupyter_localllm.show.live import follow, follow_answer, surface_for
    from jupyter_localllm.show.neutral import neutralise
    from jupyter_localllm.show.plain import PlainStream, clean
    from jupyter_localllm.show.view import View, fold, view_of

__all__ = [
    "ANSWER_MIME",
    "BlockRenderer",
    "PlainStream",
    "View",
    "as_bundle",
    "bundle",
    "clean",
    "fold",
    "follow",
    "follow_answer",
    "neutralise",
    "register",
    "render",
    "surface_for",
    "unregister",
    "view_of",
]

_HOMES = {
    "ANSWER_MIME": "bundle",
    "BlockRenderer": "html",
    "PlainStream": "plain",
    "View": "view",
    "as_bundle": "formatters",
    "bundle": "bundle",
    "clean": "plain",
    "fold": "view",
    "follow": "live",
    "follow_answer": "live",
    "neutralise": "neutral",
    "register": "formatters",
    "render": "html",
    "surface_for": "live",
    "unregister": "formatters",
    "view_of": "view",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: loading the extension needs none of them."""
    import importlib

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def _show(answer: Answer) -> tuple[dict[str, Any], dict[str, Any]]:
    from jupyter_localllm.show.formatters import as_bundle

    return as_bundle(answer)


show_with(_show)
