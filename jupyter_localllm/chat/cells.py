"""Answers of cells, for the queue that panels see."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from jupyter_localllm import runtime
from jupyter_localllm.conversation import Conversation
from jupyter_localllm.types import AskEvent

__all__ = ["changed", "in_queue"]


def changed() -> None:
    """A command changed the model or the conversations: panels are told."""
    session = runtime.current().chat
    if session is not None:
        session.changed()


def in_queue(events: Generator[Any, None, None], talk: Conversation | None) -> Generator[Any, None, None]:
    """The same events; while they come, panels see that a cell is answered.

    Parameters
    ----------
    events : generator of AskEvent
    talk : Conversation or None
        The conversation that the cell goes on with.
    """
    session = runtime.current().chat
    if session is None:
        return events
    watched: Generator[AskEvent, None, None] = session.of_a_cell(events, talk)
    return watched
