"""The kernel's model as panels see it, and the models that they may choose from."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from jupyter_localllm import runtime
from jupyter_localllm.chat.from_kernel import ModelState
from jupyter_localllm.config import DEFAULT_MODEL
from jupyter_localllm.engine.base import Routing
from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.models import KV_BYTES, ModelEntry, available, estimate, facts_of
from jupyter_localllm.models.fitting import Wish, fit
from jupyter_localllm.types import Done, ModelFile, ModelInfo, Status

if TYPE_CHECKING:
    from jupyter_localllm.api import LocalLLM
    from jupyter_localllm.engine.base import Engine

__all__ = ["ModelWatch", "model_list"]


class ModelWatch:
    """How the kernel's own model is, from what its requests say."""

    def __init__(self) -> None:
        self._loading: Status | None = None
        self._failure = ""
        self._used: int | None = None
        self._known: tuple[weakref.ref[Engine], ModelInfo] | None = None

    def see(self, event: Any) -> None:
        """Take note of an event of any request."""
        if isinstance(event, Status) and event.stage in ("checking", "loading"):
            self._loading, self._failure = event, ""
            return
        self._loading = None if not isinstance(event, Status) else self._loading
        if isinstance(event, Done) and not event.result.cached:
            usage = event.result.usage
            self._used = usage.prompt_tokens + usage.completion_tokens or None

    def ended(self, failure: str = "") -> None:
        """A request is over; `failure` says why the model could not be loaded."""
        self._loading, self._failure = None, failure

    def told(self, handle: LocalLLM) -> ModelState:
        """As panels get it."""
        engine, loading = handle.engine, self._loading
        if isinstance(engine, Routing):  # figures are those of who answered last
            engine = engine.resident
        if engine is not None and engine.loaded:
            info = self._info(engine)
            memory, window = _memory(engine, info), info.n_ctx if info is not None else None
            return ModelState(handle.model, "loaded", None, memory, window, self._used, _words(info))
        if loading is not None:
            fraction = None if loading.fraction is None else min(max(loading.fraction, 0.0), 1.0)
            return ModelState(handle.model, "loading", fraction, text=loading.text)
        if self._failure:
            return ModelState(handle.model, "failed", text=self._failure)
        return ModelState(handle.model, "absent", text="the first question loads it")

    def _info(self, engine: Engine) -> ModelInfo | None:
        """What an engine says of itself; asked once, since a child process may be busy."""
        known = self._known
        if known is None or known[0]() is not engine:  # no id: that of an engine that is gone may be given again
            try:
                known = self._known = (weakref.ref(engine), engine.info())
            except LocalLLMError:  # unloaded this moment
                return None
        return known[1]


def model_list(handle: LocalLLM) -> list[dict[str, Any]]:
    """Models on this machine, and the handle's own and the default if they are not, with what they take."""
    resident, wish = runtime.current().resident_files(), handle.wish()
    offered = (DEFAULT_MODEL, handle.model.casefold())
    listed = [entry for entry in available(handle.search) if entry.installed or entry.name in offered]
    return [_entry(entry, handle, wish, resident) for entry in listed]


def _entry(entry: ModelEntry, handle: LocalLLM, wish: Wish, resident: frozenset[str]) -> dict[str, Any]:
    memory, fits, loaded = (None, "unknown", False)
    if entry.path is not None:
        memory, fits = _fit(entry, handle, wish)
        loaded = os.path.realpath(entry.path) in resident
    text = entry.license if entry.installed else f"not installed: {entry.install_command}".rstrip(": ")
    return {
        "name": entry.name,
        "path": entry.path,
        "bytes": entry.size_bytes,
        "memory_bytes": memory,
        "fits": "yes" if loaded else fits,
        "loaded": loaded,
        "text": text,
    }


def _fit(entry: ModelEntry, handle: LocalLLM, wish: Wish) -> tuple[int | None, str]:
    """Bytes that a model takes, and whether they are there; from the header of its file, which is remembered."""
    assert entry.path is not None
    try:
        facts = facts_of(entry.path, handle.answers.memo)
    except LocalLLMError:  # gone since
        return None, "unknown"
    judged = fit(entry.name, facts.shape, facts.size_bytes, wish)
    return judged.memory.total_bytes if judged.memory is not None else None, judged.verdict


def _memory(engine: Engine, info: ModelInfo | None) -> int | None:
    file = getattr(engine, "model", None)
    if not isinstance(file, ModelFile) or info is None:
        return None
    kv = KV_BYTES.get(str(info.details.get("kv_cache_type")), 2.0)
    return estimate(file, info.n_ctx, kv_element_bytes=kv, available=0).total_bytes


def _words(info: ModelInfo | None) -> str:
    if info is None:
        return ""
    parts = [f"window of {info.n_ctx:,} tokens"]
    if "threads" in info.details:
        parts.append(f"{info.details['threads']} threads")
    if info.details.get("device"):
        parts.append(str(info.details["device"]))
    return ", ".join(parts)
