"""From a model's name and what a person set to an engine: everything that is looked at, tried and measured before."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from jupyter_localllm.cache import AnswerCache
from jupyter_localllm.engine.llama import (
    Calibration,
    LlamaEngine,
    LlamaSettings,
    StateKey,
    StateStore,
    Surroundings,
    build_identity,
    calibrate_in_child,
    check_in_child,
    usable_cores,
)
from jupyter_localllm.engine.owner import Owner, cancel_scope
from jupyter_localllm.engine.process import ProcessEngine
from jupyter_localllm.errors import EngineClosed
from jupyter_localllm.models import (
    check_adapter,
    describe,
    library_knows,
    plan_context,
    plan_layers,
    sha256_of,
)
from jupyter_localllm.models.parts import parts_of
from jupyter_localllm.runtime.room import Others, buffers, planned_window
from jupyter_localllm.types import ModelFile, Status

__all__ = ["LocalEngine", "ModelSpec", "Preparation", "stamp"]

LocalEngine = LlamaEngine | ProcessEngine
T = TypeVar("T")


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
    max_models : int
        Most models in memory at the same time. Handles that differ in it share all the same.
    """

    model: str
    model_dirs: tuple[str, ...] = ()
    settings: LlamaSettings = field(default_factory=LlamaSettings)
    isolation: str = "kernel"
    calibrate: bool = False
    state_cache_size: int = 0
    state_memory_size: int = 0
    max_models: int = field(default=4, compare=False)


class Preparation:
    """What must be done once before a model is loaded; several threads may ask at the same time.

    Parameters
    ----------
    owner : Owner
        The thread that owns native models.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._lock = threading.Lock()
        self._tried: set[str] = set()  # what was measured in vain: a busy machine pays for it once in a kernel

    def engine(
        self, spec: ModelSpec, found: tuple[str, Path], cache: AnswerCache, others: Others
    ) -> Generator[Status, None, LocalEngine]:
        """Check the file, try it in a child process, measure it, and make its engine, which is not loaded yet.

        The file was `found` by its name, see `Places.locate`; adapter and draft model are paths. Of the
        `others` some are unloaded where it does not fit beside them, and would without them.

        Raises
        ------
        ModelError
            The file is missing or broken, does not fit in memory, or kills the build of llama.cpp.
        """
        name, path = found
        yield Status("checking", f"checking {name}")
        file = describe(path, name, memo=cache.memo, known_architecture=library_knows)
        if spec.settings.adapter:
            check_adapter(spec.settings.adapter, file.architecture)
        trial = _Trial(file, spec, cache, self._tried)
        if not trial.passed:
            yield Status("checking", f"first use of {name} with this build: checking it in a child process")
        draft = self._draft(spec, cache)
        # Nothing is yielded under the lock: whoever stops reading in the middle must not keep others waiting.
        with _held(self._lock):
            trial.run()
            if draft is not None:
                draft.run()
        if trial.wants_calibration:
            yield Status("checking", f"measuring once which settings suit {name} on this machine")
        with _held(self._lock):
            calibration = trial.calibration()
        settings = yield from _resolved(file, spec.settings, calibration, others)
        around = Surroundings(
            step_ms=calibration.step_ms if calibration is not None else {},
            layers=functools.partial(plan_layers, file, settings.n_ctx, **buffers(settings)),
        )
        if spec.isolation == "process":
            return ProcessEngine(file, settings, around)
        return LlamaEngine(
            file, settings, self._owner, replace(around, states=_state_store(file, settings, spec, cache))
        )

    def _draft(self, spec: ModelSpec, cache: AnswerCache) -> _Trial | None:
        """The draft model's file is looked at as the model's own is."""
        if not spec.settings.draft_model:
            return None
        path = Path(spec.settings.draft_model)
        file = describe(path, path.stem, memo=cache.memo, known_architecture=library_knows)
        alone = replace(spec, settings=LlamaSettings(n_gpu_layers=0), calibrate=False)
        return _Trial(file, alone, cache, self._tried)


class _Trial:
    """What a model file was seen to do with this build, on this machine: remembered in the cache's memo."""

    def __init__(self, file: ModelFile, spec: ModelSpec, cache: AnswerCache, tried: set[str]) -> None:
        self._file, self._spec, self._memo, self._tried = file, spec, cache.memo, tried
        adapter = spec.settings.adapter
        also = f":{sha256_of(adapter, cache.memo)}" if adapter else ""
        layers = spec.settings.n_gpu_layers
        self._what = f"{build_identity()}:{file.sha256}{also}:{layers}"
        self._layers = layers

    @property
    def passed(self) -> bool:
        """Whether one token was decoded in a child process, now or before."""
        return self._memo.get(f"check:{self._what}") == "ok"

    @property
    def wants_calibration(self) -> bool:
        """Whether nothing is known about the speed yet."""
        return self._spec.calibrate and self._known() is None and self._key not in self._tried

    def run(self) -> None:
        """Decode one token in a child process, unless that was done."""
        if not self.passed:
            _drain(check_in_child(self._file.path, self._spec.settings.adapter, n_gpu_layers=self._layers))
            self._memo[f"check:{self._what}"] = "ok"

    def calibration(self) -> Calibration | None:
        """What was measured, now or before; a busy machine is measured again another time."""
        if not self._spec.calibrate:
            return None
        found = self._known()
        if self.wants_calibration:
            found = _drain(
                calibrate_in_child(
                    self._file.path, n_threads=self._spec.settings.n_threads, n_gpu_layers=self._layers or 0
                )
            )
            if found is not None and found.steady:
                self._memo[self._key] = found.to_json()
            self._tried.add(self._key)
        return found

    @property
    def _key(self) -> str:
        cores = f"{usable_cores()}:{usable_cores(logical=True)}"
        return f"calibration:{self._what}:{self._spec.settings.n_threads}:{cores}"

    def _known(self) -> Calibration | None:
        kept = self._memo.get(self._key)
        return Calibration.from_json(kept) if isinstance(kept, str) else None


def _resolved(
    file: ModelFile, settings: LlamaSettings, calibration: Calibration | None, others: Others
) -> Generator[Status, None, LlamaSettings]:
    """Fill in what the person left open."""
    ubatch, threads, flash = settings.n_ubatch or 512, settings.n_threads, settings.flash_attn
    if calibration is not None:
        ubatch, threads = settings.n_ubatch or calibration.n_ubatch, threads or calibration.n_threads
        if flash == "auto" and not calibration.flash_attn and settings.kv_cache_type == "f16":  # other types need it
            flash = "off"
    settings = replace(settings, n_threads=threads, n_ubatch=ubatch, flash_attn=flash)
    plan = functools.partial(plan_context, file, settings.n_ctx or None, **buffers(settings))
    planned = yield from planned_window(plan, others)
    return replace(settings, n_ctx=planned.n_ctx)


def _state_store(file: ModelFile, settings: LlamaSettings, spec: ModelSpec, cache: AnswerCache) -> StateStore | None:
    """Where this engine keeps what it has read; None if nothing is to be kept."""
    if not (spec.state_cache_size or spec.state_memory_size):
        return None
    adapter = sha256_of(settings.adapter, cache.memo) if settings.adapter else ""
    # The window: beyond the one that a model was first trained with, some (Phi-3) use other factors for RoPE.
    context = f"{settings.kv_cache_type} {settings.flash_attn} {settings.n_gpu_layers} {settings.n_ctx} {adapter}"
    return StateStore(
        StateKey(file.sha256, build_identity(), context),
        cache.directory / "states" if spec.state_cache_size else None,
        ram_bytes=spec.state_memory_size,
        disk_bytes=spec.state_cache_size,
    )


def stamp(path: Path) -> tuple[str, int, int]:
    """What tells a file from another one that has taken its place."""
    stats = [part.stat() for part in parts_of(path)]
    return os.path.realpath(path), sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)


@contextlib.contextmanager
def _held(lock: threading.Lock) -> Iterator[None]:
    """Hold a lock; waiting for it can be interrupted, and let go of by `cancel_scope`."""
    released = cancel_scope.get()
    while not lock.acquire(timeout=0.05):
        if released is not None and released.is_set():
            raise EngineClosed("the request was stopped")
    try:
        yield
    finally:
        lock.release()


def _drain(steps: Generator[Status, None, T]) -> T:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            value: T = stop.value
            return value
