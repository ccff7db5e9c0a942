"""What is resident in this kernel: engines, caches, conversations. The one owner of shared state."""

from __future__ import annotations

import atexit
import itertools
import os
from collections.abc import Callable, Generator, Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_localllm.cache import AnswerCache
from jupyter_localllm.conversation import Conversations
from jupyter_localllm.engine.backends import Target
from jupyter_localllm.engine.base import Engine, Routing
from jupyter_localllm.engine.children import check_fork
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.models import locate, locate_adapter
from jupyter_localllm.runtime.places import Places
from jupyter_localllm.runtime.prepare import ModelSpec, Preparation, stamp
from jupyter_localllm.runtime.room import load_folder, memory_told, reload_room, retire_oldest
from jupyter_localllm.types import ModelFile, ModelFolder, Status

if TYPE_CHECKING:
    from jupyter_localllm.sources.select import Kept, KeptVectors

__all__ = ["Runtime", "current", "file_of", "reset"]


@dataclass
class _Shared:
    engine: Engine
    file: str = ""  # of a model in a file or folder: other settings of the same one do not stay beside it
    holders: set[int] = field(default_factory=set)


class Runtime:
    """Everything that handles share.

    Attributes
    ----------
    owner : Owner
        The thread that owns native models.
    conversations : Conversations
    places : Places
        Where models were found.
    own : object or None
        The kernel's own handle (`jupyter_localllm.get_llm`).
    chat : object or None
        The session of the kernel's panels (`jupyter_localllm.chat.session`).
    bar : callable or None
        Makes a context that gives what shows a person how far a map or a load is, called with each `Progress` or
        `Status`; None if nobody looks on.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self.owner = Owner()
        self._preparation = Preparation(self.owner)
        self.conversations = Conversations()
        self.places = Places()
        self.own: Any = None
        self.chat: Any = None
        self.on_notice: Callable[[str], None] = _print_notice
        self.bar: Callable[[], AbstractContextManager[Callable[[Any], object]]] | None = None
        self._engines: dict[tuple[Any, ...], _Shared] = {}
        self._caches: dict[Path, AnswerCache] = {}
        self._numbers = itertools.count()
        self._indexes: Kept | None = None
        self._vectors: dict[Hashable, KeptVectors] = {}

    def shown(self) -> AbstractContextManager[Callable[[Any], object]]:
        """A context that gives what shows how far something is: the person's bar, or nothing."""
        return nullcontext(lambda _told: None) if self.bar is None else self.bar()

    @property
    def indexes(self) -> Kept:
        """Indexes of the texts that were asked about, for the next question about them."""
        if self._indexes is None:
            from jupyter_localllm.sources.select import Kept

            self._indexes = Kept()
        return self._indexes

    def cache(self, directory: Path, size_limit_bytes: int) -> AnswerCache:
        """The answer cache of a directory; one for all handles."""
        if directory not in self._caches:
            cache = AnswerCache(directory, size_limit_bytes)
            cache.on_notice = self._notice
            self._caches[directory] = cache
        return self._caches[directory]

    def vectors(self, model: Hashable) -> KeptVectors:
        """Vectors of passages by an embedding model with its settings, kept for the next question.

        Who makes new ones is not kept: each handle asks by itself, where it may.
        """
        if model not in self._vectors:
            from jupyter_localllm.sources.select import KeptVectors

            self._vectors[model] = KeptVectors()
        return self._vectors[model]

    def holder(self) -> int:
        """A number under which a handle holds engines."""
        return next(self._numbers)

    def engine(self, spec: ModelSpec, cache: AnswerCache, holder: int) -> Generator[Status, None, Engine]:
        """Find, check, load and share the engine of `spec`.

        Raises
        ------
        ModelError
            The file is missing or broken, does not fit in memory, or kills the build of llama.cpp.
        EngineClosed
            This is a fork of the process that the runtime belongs to.
        """
        check_fork(self._pid)
        found = self.places.locate(spec.model, spec.model_dirs, cache.memo)
        spec, others = self._with_paths(spec, cache)
        file = stamp(found[1])
        key = (*file, *map(stamp, others), spec)
        self._release_others(holder, key, file[0])
        shared = self._engines.get(key)
        fresh = shared is None  # room was made for it when its window was planned
        if shared is None:
            made = yield from self._preparation.engine(spec, found, cache, self.resident)
            shared = self._engines.setdefault(key, _Shared(made, file[0]))  # another thread may have been faster
        shared.holders.add(holder)
        self._used(key)
        if not shared.engine.loaded:
            yield from self._room_for(shared.engine, spec.max_models, fresh=fresh)
        yield from shared.engine.load()
        return shared.engine

    def _with_paths(self, spec: ModelSpec, cache: AnswerCache) -> tuple[ModelSpec, list[Path]]:
        """Find the files of an adapter and of a draft model by their names."""
        named = {"adapter": locate_adapter, "draft_model": locate}
        found = {
            setting: self.places.locate(name, spec.model_dirs, cache.memo, find)[1]
            for setting, find in named.items()
            if (name := getattr(spec.settings, setting))
        }
        paths: dict[str, Any] = {setting: str(path) for setting, path in found.items()}
        return replace(spec, settings=replace(spec.settings, **paths)), list(found.values())

    def _room_for(self, engine: Any, max_models: int, *, fresh: bool) -> Generator[Status, None, None]:
        """Let others leave the memory, if there are too many or too little is free."""
        self._make_way(engine, max_models)
        if not fresh:
            yield from reload_room(engine.model, engine.settings, lambda: self._others(engine))
        yield memory_told(engine.model, engine.settings)

    def _make_way(self, engine: Engine, max_models: int) -> None:
        """Let others leave the memory until there is one model less in it than may be."""
        while sum(hasattr(one, "retire") for one in self.resident()) >= max_models:
            if not retire_oldest(self._others(engine)):
                return

    def _others(self, engine: Engine) -> list[Engine]:
        return [one for one in self.resident() if one is not engine]

    def _used(self, key: tuple[Any, ...]) -> None:
        """Note that an engine is used now: the others come before it."""
        shared = self._engines.pop(key, None)
        if shared is not None:
            self._engines[key] = shared

    def backend(
        self, target: Target, make: Callable[[], Engine], holder: int, max_models: int
    ) -> Generator[Status, None, Engine]:
        """Load and share the engine of a backend's model; `make` makes it if nobody has it yet."""
        check_fork(self._pid)
        key = (target,)
        shared = self._engines.get(key) or self._engines.setdefault(key, _Shared(make()))
        engine, model = shared.engine, getattr(shared.engine, "model", None)
        shared.file = model.path if isinstance(model, ModelFolder) else ""  # in our memory, as models in files are
        self._release_others(holder, key, shared.file)
        shared.holders.add(holder)
        self._used(key)
        if shared.file and not engine.loaded:
            self._make_way(engine, max_models)
            yield from load_folder(engine, lambda: self._others(engine))
        elif not isinstance(engine, Routing):  # such a one loads whom it chooses
            yield from engine.load()
        return engine

    def resident(self) -> list[Engine]:
        """The engines that are loaded now, the one that was not used for longest first."""
        return [shared.engine for shared in list(self._engines.values()) if shared.engine.loaded]

    def resident_files(self) -> frozenset[str]:
        """The real paths of the model files that are loaded now: a model may have several names."""
        return frozenset(filter(None, map(file_of, self.resident())))

    def engine_of(self, holder: int) -> Engine | None:
        """The engine that `holder` used last, if it is loaded."""
        return next(iter(self.engines_of(holder)), None)

    def engines_of(self, holder: int) -> list[Engine]:
        """The engines of `holder` that are loaded, the one that was used last first."""
        held = [shared.engine for shared in self._engines.values() if holder in shared.holders]
        return [engine for engine in reversed(held) if engine.loaded]

    def release(self, holder: int) -> None:
        """Let go of what `holder` held; engines that nobody holds are closed, without waiting for it.

        Finalizers call this, perhaps on the owner's own thread.
        """
        self._release_others(holder, None, None)

    def reset(self) -> None:
        """Close everything."""
        if os.getpid() != self._pid:
            return  # a forked child has nothing of its own to close
        if self.chat is not None:
            self.chat.close()
        # All are told to stop before any is waited for: one must not wait for another's answer.
        for shared in self._engines.values():
            _discard(shared.engine)
        if self.owner.waiting:  # without need no thread is begun: at exit some versions of Python refuse
            self.owner.call(lambda ticket: None)  # they are freed in turn before this
        self._engines.clear()
        self.owner.close()
        for cache in self._caches.values():
            cache.close()
        self._caches.clear()
        if self._indexes is not None:
            self._indexes.clear()
        self._indexes = None
        self._vectors.clear()

    def _notice(self, text: str) -> None:
        self.on_notice(text)

    def _release_others(self, holder: int, kept: tuple[Any, ...] | None, file: str | None) -> None:
        """Let go of what a holder held, but for the key that it uses now and for other files.

        Models in other files stay until they must make room: a person may come back to them.
        """
        for key, shared in list(self._engines.items()):
            stays = file is not None and shared.file and shared.file != file
            if key != kept and holder in shared.holders and not stays:
                shared.holders.discard(holder)
                if not shared.holders:
                    self._engines.pop(key, None)
                    _discard(shared.engine)


def file_of(engine: Engine) -> str:
    """The real path of an engine's model file; empty if it has none."""
    model = getattr(engine, "model", None)
    return os.path.realpath(model.path) if isinstance(model, ModelFile) else ""


def _discard(engine: Engine) -> None:
    """Close an engine; where it knows how, without waiting."""
    getattr(engine, "discard", engine.close)()


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


def _print_notice(text: str) -> None:
    from jupyter_localllm.show.plain import clean

    print(f"jupyter_localllm: {clean(text)}")
