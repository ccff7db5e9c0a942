"""Ghost text: what may stand at the cursor, from the model that is loaded; never before a person's question."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_localllm import runtime
from jupyter_localllm.chat.from_panel import Complete
from jupyter_localllm.chat.queue import Entry, Queue
from jupyter_localllm.engine.base import Routing
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import EngineClosed
from jupyter_localllm.prompt.completion import render_completion
from jupyter_localllm.types import Done, Job, ModelInfo, Prompt

if TYPE_CHECKING:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.engine.base import Engine

__all__ = ["complete"]

_MOST_TOKENS = 48
_BEFORE, _AFTER = 2_000, 500  # characters
_STOP = ("\n\n",)
_LEAVING_SECONDS = 1.0
_NOTHING = {"text": ""}


class _Stale(threading.Event):
    """Set when the panel wants something else, or when anybody at all asks the engine for something."""

    def __init__(self, stop: threading.Event, waiting: int) -> None:
        super().__init__()
        self._stop, self._waiting = stop, waiting

    def is_set(self) -> bool:
        """Whether nobody waits for it, or somebody else does for something."""
        return self._stop.is_set() or runtime.current().owner.waiting > self._waiting


def complete(asked: Complete, entry: Entry, handle: LocalLLM, queue: Queue) -> dict[str, str]:
    """The text between two others, empty where nothing should be shown.

    Nothing is loaded for it, and it does not begin while anything else runs or waits.
    """
    engine = handle.engine
    if engine is None or not engine.loaded or not asked.before.strip() or not _idle(entry, queue):
        return _NOTHING
    stale = _Stale(entry.stop, 1)  # itself
    cancel_scope.set(stale)
    entry.stage = "reading"
    try:
        if engine.info().remote:  # what is typed leaves this machine only when somebody asks
            return _NOTHING
        if isinstance(engine, Routing):  # it would load whom it chooses
            engine = engine.resident or engine
        prompt = _fitting(engine, asked)
        return {"text": _worth(_written(engine, prompt, stale), asked)} if prompt is not None else _NOTHING
    except EngineClosed:  # somebody wants the engine for something else, or put it away
        return _NOTHING


def _idle(entry: Entry, queue: Queue) -> bool:
    """Whether nothing else runs or waits; what was stopped a moment ago, an older completion, may leave first."""
    deadline = time.monotonic() + _LEAVING_SECONDS
    while not (queue.person_waits or entry.stop.is_set()):
        if not runtime.current().owner.waiting:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return False


def _written(engine: Engine, prompt: Prompt, stale: _Stale) -> str:
    events = engine.generate(Job(prompt, max_tokens=_MOST_TOKENS, stop=_STOP, pieces_ms=100.0))
    try:
        for event in events:
            if isinstance(event, Done):
                return event.result.text
            if stale.is_set():
                break
    finally:
        events.close()
    return ""


def _fitting(engine: Engine, asked: Complete) -> Prompt | None:
    """The prompt, with as much around the cursor as the window holds."""
    info: ModelInfo = engine.info()
    before, after = asked.before[-_BEFORE:], asked.after[:_AFTER]
    while before:
        prompt = render_completion(before, after, info)
        if _count(engine, info, prompt.pieces, before) + _MOST_TOKENS <= info.n_ctx:
            return prompt
        before, after = before[len(before) // 2 + 1 :], after[: len(after) // 2]
    return None


def _count(engine: Engine, info: ModelInfo, pieces: Sequence[str], before: str) -> int:
    return sum(engine.count([before])) if info.renders else engine.count_prompt(pieces)


def _worth(text: str, asked: Complete) -> str:
    """What is worth showing: no trailing blanks, and nothing that stands behind the cursor already."""
    text = text.rstrip()
    following = asked.after.strip()
    return "" if following and text.strip() == following[: len(text.strip())] else text
