"""Room for a model: what is planned for it, and which others leave the memory for it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, TypedDict

from jupyter_localllm.engine.llama import LlamaSettings
from jupyter_localllm.errors import ModelMemoryError
from jupyter_localllm.models import KV_BYTES, MemoryEstimate, available_bytes, estimate, plan_context
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.types import ModelFile, Precision, Status

__all__ = ["Others", "buffers", "load_folder", "memory_told", "planned_window", "reload_room", "retire_oldest"]

_SMALLEST = (Precision("bfloat16", 2, 2),)  # as small as a folder is loaded into the main memory, if it is not packed

Others = Callable[[], Sequence[Any]]
"""The other engines, the one that was not used for longest first."""


class _Buffers(TypedDict):
    n_ubatch: int
    kv_element_bytes: float
    flash_attention: bool


def buffers(settings: LlamaSettings) -> _Buffers:
    """What an estimate of memory needs of the settings, beside the window."""
    return {
        "n_ubatch": min(settings.n_batch, settings.n_ubatch or 512),
        "kv_element_bytes": KV_BYTES[settings.kv_cache_type],
        "flash_attention": settings.flash_attn != "off",
    }


def planned_window(plan: Callable[..., MemoryEstimate], others: Others) -> Generator[Status, None, MemoryEstimate]:
    """Plan a window with the memory that is free; others leave where it does not fit beside them, and would then.

    Raises
    ------
    ModelMemoryError
        It does not fit, and would not without those that may leave: they stay.
    """
    while True:
        try:
            return plan(available=None)
        except ModelMemoryError:
            gone = _one_left(plan, others())
            if not gone:
                raise
        yield _left(gone)


def load_folder(engine: Any, others: Others) -> Generator[Status, None, None]:
    """Load a model folder; others leave where it does not fit beside them, and would then.

    Its library plans with what it finds, in a child process the first time; so it is told to try again.

    Raises
    ------
    ModelMemoryError
        It does not fit, and would not without those that may leave: they stay.
    """
    from jupyter_localllm.models.folders import plan_folder

    def plan(available: int) -> object:
        return plan_folder(engine.model, _SMALLEST, engine.settings.n_ctx, available)

    while True:
        try:
            yield from engine.load()
            return
        except ModelMemoryError:
            gone = _one_left(plan, others())
            if not gone:
                raise
        yield _left(gone)


def reload_room(model: ModelFile, settings: LlamaSettings, others: Others) -> Generator[Status, None, None]:
    """Make room for a model that was unloaded, with the window it had.

    Raises
    ------
    ModelMemoryError
        It does not fit any more, and would not without those that may leave.
    """

    def plan(available: int | None) -> MemoryEstimate:
        return plan_context(model, settings.n_ctx, available=available, **buffers(settings))

    yield from planned_window(plan, others)


def _one_left(plan: Callable[..., object], others: Sequence[Any]) -> str:
    """Unload one of those whose leaving makes it fit; ``""`` if it does not fit without all that may leave.

    Those that were not used for longest are chosen, and of them no more than it takes. What one gives back is its
    estimate, which is at most a little more than what it takes.
    """

    def fits(free: int) -> bool:
        try:
            plan(available=free)
            return True
        except ModelMemoryError:
            return False

    idle = {engine: _taken(engine) for engine in others if engine.loaded and getattr(engine, "idle", False)}
    free, chosen = available_bytes(), list[Any]()
    for engine in idle:
        chosen.append(engine)
        if fits(free + sum(idle[one] for one in chosen)):
            break
    else:
        return ""
    for engine in tuple(chosen):
        if fits(free + sum(idle[one] for one in chosen if one is not engine)):
            chosen.remove(engine)
    return retire_oldest(chosen)


def _taken(engine: Any) -> int:
    if not isinstance(getattr(engine, "model", None), ModelFile):  # an engine of a folder knows it from its plan
        return int(getattr(engine, "memory_bytes", 0))
    return estimate(engine.model, engine.settings.n_ctx, available=0, **buffers(engine.settings)).total_bytes


def memory_told(model: ModelFile, settings: LlamaSettings) -> Status:
    """Tell what a model will take, before it is loaded."""
    needed = estimate(model, settings.n_ctx, **buffers(settings))
    text = (
        f"loading {model.name}: {size_text(needed.total_bytes)} with a window of {needed.n_ctx:,} tokens, "
        f"{size_text(needed.available_bytes)} are free"
    )
    return Status("loading", text, 0.0)


def retire_oldest(engines: Iterable[Any]) -> str:
    """Unload the first of the engines that holds a model in our memory and is not asked anything, and name it.

    Parameters
    ----------
    engines : iterable of Engine
        The one that was not used for longest first.

    Returns
    -------
    str
        ``""`` if none of them may go.
    """
    for engine in engines:
        if engine.loaded and hasattr(engine, "retire") and engine.retire():
            return str(engine.name)
    return ""


def _left(name: str) -> Status:
    return Status("loading", f"{name} was not used for longest, and left the memory to make room")
