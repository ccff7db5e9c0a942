"""Objects that describe themselves to a model, through ``_ai_repr_``.

The method is the proposal jupyter/enhancement-proposals#128: ``_ai_repr_(**kwargs) -> str | dict``, the dict from MIME
type to data. It may be async there; a prompt is made between two statements of a cell, so only the plain form can be
used here.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.base import Rendered

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["AiReprKind"]

_MIME_TYPES = ("text/markdown", "text/plain", "application/json", "text/html")


class AiReprKind:
    """Anything whose class has an ``_ai_repr_``."""

    name = "ai_repr"

    def matches(self, value: Any) -> bool:
        """Whether the class says how its objects read; objects that answer to any name do not count."""
        return not isinstance(value, type) and callable(getattr(type(value), "_ai_repr_", None))

    def render(self, value: Any, name: str) -> Rendered:
        """Ask the object, and take its text."""
        who = f"{name or 'The value'} ({type(value).__name__})"
        said = value._ai_repr_()
        if inspect.isawaitable(said):
            if inspect.iscoroutine(said):
                said.close()
            raise SourceError(
                f"{who} has an async _ai_repr_, which a prompt cannot wait for.",
                "Await it in a cell, and put the text it gives into the prompt.",
            )
        text = _text(said)
        if text is None:
            found = ", ".join(map(str, said)) if isinstance(said, Mapping) else type(said).__name__
            raise SourceError(
                f"{who} describes itself with {found or 'nothing'}, of which a text model can read nothing.",
                "Its _ai_repr_ should give a str, or a dict with text/markdown or text/plain.",
            )
        return Rendered(text, "", "\n" in text)

    def snapshot(self, value: Any, name: str) -> Snapshot:
        """Hold the text that the object gives now."""
        from jupyter_localllm.sources.passages_text import hold_text

        return hold_text(self.render(value, name).text, name)


def _text(said: Any) -> str | None:
    if isinstance(said, str):
        return said
    if isinstance(said, Mapping):
        for mime in _MIME_TYPES:
            if isinstance(said.get(mime), str):
                return str(said[mime])
    return None
