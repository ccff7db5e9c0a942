"""A short question of our own to the model, on the way to an answer."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from jupyter_localllm.pipeline import Model, Request, ask
from jupyter_localllm.types import Done, Event, Status, Token

if TYPE_CHECKING:
    from jupyter_localllm.cache import AnswerCache

__all__ = ["said"]


def said(request: Request, model: Model, cache: AnswerCache) -> Generator[Event, None, str]:
    """Ask, and pass on what goes on meanwhile but for the text, which the generator gives at the end.

    Parameters
    ----------
    request : Request
    model : Model
    cache : AnswerCache
    """
    text = ""
    for event in ask(request, model, cache):
        if isinstance(event, Done):
            text = event.result.text
            if remote := event.result.provenance.remote:  # perhaps out of the cache, and asked elsewhere all the same
                yield Status("reading", remote=remote)
        elif not isinstance(event, Token):
            yield event
    return text
