"""Using another model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_localllm.chat.models import ModelWatch
from jupyter_localllm.chat.queue import Entry
from jupyter_localllm.errors import EngineClosed

if TYPE_CHECKING:
    from jupyter_localllm.api import LocalLLM

__all__ = ["use"]


def use(model: str, entry: Entry, handle: LocalLLM, watch: ModelWatch, changed: Callable[[], None]) -> None:
    """Use a model from now on, in cells too, and load it; if it cannot be loaded, the one before is used again.

    Raises
    ------
    LocalLLMError
        It is not here, cannot be loaded, or was stopped.
    """
    if handle.from_file:
        handle.find(model)
    before, handle.model = handle.model, model
    stopped = EngineClosed("loading was stopped", f"{before} is used, as before.")
    try:
        for status in handle.loading():
            watch.see(status)
            if entry.follow(status):
                changed()
            if entry.stop.is_set():
                raise stopped
        if entry.stop.is_set():
            raise stopped
    except BaseException as error:
        handle.model = before
        watch.ended("" if entry.stop.is_set() else str(error))
        raise
    watch.ended()
