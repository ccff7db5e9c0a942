"""Room for a model: what is planned for it, and which others leave the memory for it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

from jupyter_localllm.engine.base import Engine
from jupyter_localllm.errors import ModelMemoryError
from jupyter_localllm.models import KV_BYTES, MemoryEstimate, available_bytes, estimate, plan_context
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.types import ModelFile, Status

__all__ = ["MakeRoom", "memory_told", "planned_window", "reload_room", "retire_oldest"]

MakeRoom = Callable[[], str]
"""Unloads the model that was not used for longest, and gives its name; ``""`` if there is none that may go."""

_PLENTY = 1 << 60


def planned_window(plan: Callable[..., MemoryEstimate], make_room: MakeRoom) -> Generator[Status, None, MemoryEstimate]:
    """Plan a window as large as it would be with all the memory; others leave for it, those used longest ago first.

    Raises
    ------
    ModelMemoryError
        It does not fit, and nothing more can leave.
    """
    wanted = plan(available=_PLENTY).n_ctx
    while True:
        planned, failed = None, None
        try:
            planned = plan(available=None)
            if planned.n_ctx >= wanted:
                return planned
        except ModelMemoryError as error:
            failed = error
        gone = make_room()
        if gone:
            yield _left(gone)
        elif planned is not None:
            return planned
        else:
            assert failed is not None
            raise failed


def reload_room(model: ModelFile, settings: Any, make_room: MakeRoom) -> Generator[Status, None, None]:
    """Make room for a model that was unloaded, with the window it had.

    Raises
    ------
    ModelMemoryError
        It does not fit any more, and nothing more can leave.
    """
    how = {
        "n_ubatch": min(settings.n_batch, settings.n_ubatch or 512),
        "kv_element_bytes": KV_BYTES[settings.kv_cache_type],
        "flash_attention": settings.flash_attn != "off",
    }
    while not estimate(model, settings.n_ctx, available=available_bytes(), **how).fits:
        gone = make_room()
        if not gone:
            plan_context(model, settings.n_ctx, **how)
            return
        yield _left(gone)


def memory_told(model: ModelFile, settings: Any) -> Status:
    """Tell what a model will take, before it is loaded."""
    kv = KV_BYTES[settings.kv_cache_type]
    needed = estimate(
        model,
        settings.n_ctx,
        n_ubatch=min(settings.n_batch, settings.n_ubatch or 512),
        kv_element_bytes=kv,
        flash_attention=settings.flash_attn != "off",
    )
    text = (
        f"loading {model.name}: {size_text(needed.total_bytes)} with a window of {needed.n_ctx:,} tokens, "
        f"{size_text(needed.available_bytes)} are free"
    )
    return Status("loading", text, 0.0)


def retire_oldest(engines: Iterable[Engine], but: Engine | None = None) -> str:
    """Unload the first of the engines that holds a model in our memory, is not asked anything, and is not `but`.

    Parameters
    ----------
    engines : iterable of Engine
        The one that was not used for longest first.
    but : Engine, optional
    """
    for engine in engines:
        retire = getattr(engine, "retire", None)
        if engine is not but and retire is not None and engine.loaded and retire():
            return engine.name
    return ""


def _left(name: str) -> Status:
    return Status("loading", f"{name} was not used for longest, and left the memory to make room")
