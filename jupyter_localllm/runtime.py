"""What is resident in this kernel: engines, caches, conversations. The one owner of shared state.

``current()`` gives it, ``reset()`` puts everything away: the only module of the package with a memory.
"""

from __future__ import annotations

import atexit
import itertools
import os
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_localllm.cache import AnswerCache, content_sha256
from jupyter_localllm.conversation import Conversations
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.llama import (
    LlamaEngine,
    LlamaSettings,
    StateKey,
    StateStore,
    build_identity,
    check_in_child,
)
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.errors import ModelNotFound
from jupyter_localllm.models import describe, is_remembered, library_knows, locate, plan_context, sha256_of
from jupyter_localllm.pipeline import version_of
from jupyter_localllm.types import ModelFile, Status

__all__ = ["EngineModel", "FileModel", "ModelSpec", "Runtime", "current", "reset"]


@dataclass(frozen=True)
class ModelSpec:
    """Which model, loaded how: handles that agree on all of it share one engine.

    Parameters
    ----------
    model : str
        As the person named it.
    model_dirs : tuple of str
    settings : LlamaSettings
        What a person set; what is left open is decided when the model is loaded.
    isolation : {"kernel", "process"}
    calibrate : bool
    state_cache_size, state_memory_size : int
        Bytes.
    """

    model: str
    model_dirs: tuple[str, ...] = ()
    settings: LlamaSettings = field(default_factory=LlamaSettings)
    isolation: str = "kernel"
    calibrate: bool = False
    state_cache_size: int = 0
    state_memory_size: int = 0


@dataclass
class _Shared:
    engine: LlamaEngine
    holders: set[int] = field(default_factory=set)


class Runtime:
    """Everything that handles share.

    Attributes
    ----------
    owner : Owner
        The thread that owns native models.
    conversations : Conversations
    own : object or None
        The kernel's own handle (`jupyter_localllm.get_llm`).
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self.owner = Owner()
        self.conversations = Conversations()
        self.own: Any = None
        self.on_notice: Callable[[str], None] = _print_notice
        self._engines: dict[tuple[Any, ...], _Shared] = {}
        self._caches: dict[Path, AnswerCache] = {}
        self._numbers = itertools.count()

    def cache(self, directory: Path, size_limit_bytes: int) -> AnswerCache:
        """The answer cache of a directory; one for all handles."""
        if directory not in self._caches:
            cache = AnswerCache(directory, size_limit_bytes)
            cache.on_notice = self._notice
            self._caches[directory] = cache
        return self._caches[directory]

    def holder(self) -> int:
        """A number under which a handle holds engines."""
        return next(self._numbers)

    def engine(self, spec: ModelSpec, cache: AnswerCache, holder: int) -> Generator[Status, None, LlamaEngine]:
        """Find, check, load and share the engine of `spec`.

        Raises
        ------
        ModelError
            The file is missing or broken, does not fit in memory, or kills the build of llama.cpp.
        """
        name, path = locate(spec.model, model_dirs=spec.model_dirs)
        key = (*_stamp(path), spec)
        self._release_others(holder, key)
        shared = self._engines.get(key)
        if shared is None or not shared.engine.loaded:
            yield Status("checking", f"checking {name}")
            file = describe(path, name, memo=cache.memo, known_architecture=library_knows)
            window = plan_context(file, shared.engine.settings.n_ctx if shared else spec.settings.n_ctx or None).n_ctx
            yield from _check_once(file, spec, cache)
            if shared is None:
                settings = replace(spec.settings, n_ctx=window, adapter=_adapter_path(spec.settings.adapter))
                shared = self._engines.setdefault(key, _Shared(self._make(file, settings, spec, cache)))
        shared.holders.add(holder)
        yield from shared.engine.load()
        return shared.engine

    def resident(self) -> list[LlamaEngine]:
        """The engines that are loaded now."""
        return [shared.engine for shared in self._engines.values() if shared.engine.loaded]

    def engine_of(self, holder: int) -> LlamaEngine | None:
        """The engine that `holder` used last, if it is loaded."""
        for shared in self._engines.values():
            if holder in shared.holders and shared.engine.loaded:
                return shared.engine
        return None

    def release(self, holder: int) -> None:
        """Let go of what `holder` held; engines that nobody holds are closed, without waiting for it.

        Finalizers call this, perhaps on the owner's own thread.
        """
        self._release_others(holder, None)

    def reset(self) -> None:
        """Close everything."""
        if os.getpid() != self._pid:
            return  # a forked child has nothing of its own to close
        # All are told to stop before any is waited for: one must not wait for another's answer.
        for shared in self._engines.values():
            shared.engine.discard()
        if self._engines:
            self.owner.call(lambda ticket: None)  # they are freed in turn before this
        self._engines.clear()
        self.owner.close()
        for cache in self._caches.values():
            cache.close()
        self._caches.clear()

    def _make(self, file: ModelFile, settings: LlamaSettings, spec: ModelSpec, cache: AnswerCache) -> LlamaEngine:
        states = _state_store(file, settings, spec, cache)
        return LlamaEngine(file, settings, self.owner, states=states)

    def _notice(self, text: str) -> None:
        self.on_notice(text)

    def _release_others(self, holder: int, kept: tuple[Any, ...] | None) -> None:
        for key, shared in list(self._engines.items()):
            if key != kept and holder in shared.holders:
                shared.holders.discard(holder)
                if not shared.holders:
                    self._engines.pop(key, None)
                    shared.engine.discard()


class FileModel:
    """A GGUF on disk, as the pipeline knows a model."""

    def __init__(self, runtime: Runtime, spec: ModelSpec, cache: AnswerCache, holder: int) -> None:
        self._runtime, self._spec, self._cache, self._holder = runtime, spec, cache, holder
        self._sha256 = ""

    @property
    def name(self) -> str:
        """The catalog's name, or the file's stem."""
        model = self._spec.model
        return Path(model).stem if model.lower().endswith(".gguf") else model.lower()

    @property
    def known_as(self) -> str:
        """A path as it was typed: another file of the same name is another model."""
        model = self._spec.model
        return model if model.lower().endswith(".gguf") else model.lower()

    def sha256(self) -> str:
        """From the file, or remembered by name where the file is not (replaying on another machine)."""
        if not self._sha256:
            try:
                _, path = locate(self._spec.model, model_dirs=self._spec.model_dirs)
                self._sha256 = sha256_of(path, self._cache.memo)
            except ModelNotFound:
                remembered = self._cache.model_sha256(self.known_as)
                if not remembered:
                    raise
                self._sha256 = remembered
        return self._sha256

    def identify(self) -> Generator[Status, None, None]:
        """Tell that a file is read as a whole, the first time it is used."""
        try:
            name, path = locate(self._spec.model, model_dirs=self._spec.model_dirs)
        except ModelNotFound:
            return
        if not is_remembered(path, self._cache.memo):
            yield Status("checking", f"reading {name} for the first time ({path.stat().st_size / 1e9:.1f} GB)")
            self.sha256()

    def engine(self) -> Generator[Status, None, Engine]:
        """The shared engine, checked and loaded."""
        return (yield from self._runtime.engine(self._spec, self._cache, self._holder))

    def versions(self) -> Mapping[str, str]:
        """Of llama-cpp-python."""
        return {"llama-cpp-python": version_of("llama-cpp-python")}


class EngineModel:
    """An engine that somebody made, as the pipeline knows a model; its name stands for its weights."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def name(self) -> str:
        """The engine's name."""
        return self._engine.name

    @property
    def known_as(self) -> str:
        """The engine's name."""
        return self._engine.name

    def sha256(self) -> str:
        """Of the name."""
        return content_sha256(f"engine:{self._engine.name}")

    def identify(self) -> Generator[Status, None, None]:
        """Nothing to read."""
        yield from ()

    def engine(self) -> Generator[Status, None, Engine]:
        """The engine, loaded."""
        yield from self._engine.load()
        return self._engine

    def versions(self) -> Mapping[str, str]:
        """Nothing more to tell."""
        return {}


_current: list[Runtime] = []


def current() -> Runtime:
    """The runtime of this process. In a forked child it is the parent's, and using its engines raises."""
    if not _current:
        _current.append(Runtime())
    return _current[0]


def reset() -> None:
    """Unload all models, close all caches, forget conversations and the kernel's own handle."""
    while _current:
        _current.pop().reset()


# A generation that runs at exit must not outlive the interpreter it calls back into.
atexit.register(reset)


def _check_once(file: ModelFile, spec: ModelSpec, cache: AnswerCache) -> Generator[Status, None, None]:
    adapter = _adapter_path(spec.settings.adapter)
    also = f":{sha256_of(adapter, cache.memo)}" if adapter else ""
    memo_key = f"check:{build_identity()}:{file.sha256}{also}:{spec.settings.n_gpu_layers}"
    if cache.memo.get(memo_key) != "ok":
        yield from check_in_child(file.path, adapter, n_gpu_layers=spec.settings.n_gpu_layers or 0)
        cache.memo[memo_key] = "ok"


def _state_store(file: ModelFile, settings: LlamaSettings, spec: ModelSpec, cache: AnswerCache) -> StateStore | None:
    """Where this engine keeps what it has read; None if nothing is to be kept."""
    if not (spec.state_cache_size or spec.state_memory_size):
        return None
    adapter = sha256_of(settings.adapter, cache.memo) if settings.adapter else ""
    context = f"{settings.kv_cache_type} {settings.flash_attn} {settings.n_gpu_layers} {adapter}"
    return StateStore(
        StateKey(file.sha256, build_identity(), context),
        cache.directory / "states" if spec.state_cache_size else None,
        ram_bytes=spec.state_memory_size,
        disk_bytes=spec.state_cache_size,
    )


def _stamp(path: Path) -> tuple[str, int, int]:
    stat = path.stat()
    return os.path.realpath(path), stat.st_size, stat.st_mtime_ns


def _adapter_path(adapter: str) -> str:
    return str(Path(adapter).expanduser()) if adapter else ""


def _print_notice(text: str) -> None:
    print(f"jupyter_localllm: {text}")
