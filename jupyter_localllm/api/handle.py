"""A handle's model: which one it is, where it is loaded, and the handles derived from it."""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from collections.abc import Generator
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from traitlets.config import Config

from jupyter_localllm import offline, runtime
from jupyter_localllm.config import FileSettings
from jupyter_localllm.engine.backends import BackendSettings, Target, backend_of, permit, target_of
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.llama import LlamaSettings
from jupyter_localllm.errors import LocalLLMError, ModelError, without_secrets
from jupyter_localllm.models import KV_BYTES, available_bytes, facts_of, locate_adapter, sha256_of
from jupyter_localllm.models.fitting import Wish, memory_words, why_not
from jupyter_localllm.pipeline import Model
from jupyter_localllm.types import Status

__all__ = ["Handle", "current_shell", "drive"]

_DERIVED = 3  # handles for other models and load settings that stay at hand, each perhaps with a model in memory

Self = TypeVar("Self", bound="Handle")
T = TypeVar("T")


class Handle(FileSettings):
    """Settings, and the engine that they ask for; nothing is loaded before it is needed.

    Parameters
    ----------
    model : str
    **settings
        As in `jupyter_localllm.LocalLLM`.
    """

    def __init__(self, model: str | None = None, **settings: Any) -> None:
        if model is not None:
            settings["model"] = str(model)
        shell = current_shell()
        if shell is not None and not {"config", "parent"} & set(settings):
            settings["config"] = shell.config  # what stands in IPython's configuration file holds for every handle
        super().__init__(**settings)
        self._engine: Engine | None = None
        self._derived: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._parts: dict[str, int] = {}
        self._runtime = runtime.current()
        self._holder = self._runtime.holder()
        self._finalizer = weakref.finalize(self, self._runtime.release, self._holder)
        self._finalizer.atexit = False
        self._guard()

    @classmethod
    def from_engine(cls: type[Self], engine: Engine, **settings: Any) -> Self:
        """A handle on an engine that you made, as `jupyter_localllm.engine.scripted.ScriptedEngine`."""
        handle = cls(model=engine.name, **settings)
        handle._engine = engine
        return handle

    @classmethod
    def from_settings(cls: type[Self], path: str | os.PathLike[str], **settings: Any) -> Self:
        """A handle with the settings of a file, and these before them.

        Parameters
        ----------
        path : path
            YAML, TOML or JSON with the section ``inference``; see ``docs/settings.md``.
        **settings
            As in `jupyter_localllm.LocalLLM`; they win over the file.

        Raises
        ------
        SettingsError
            The file cannot be read, or something in it is unknown or wrong; all of it is told.
        """
        handle = cls(**settings)
        given = {name: getattr(handle, name) for name in settings if name in handle.setting_names()}
        handle.apply_file(path)
        handle._apply(given, "argument")
        handle._layer = "set in this session"
        return handle

    def derive(self: Self, **settings: Any) -> Self:
        """A handle with these settings in place of this one's, kept for the next time they are asked for."""
        changed = {name: self.checked(name, value) for name, value in settings.items()}
        changed = {name: value for name, value in changed.items() if value != getattr(self, name)}
        if not changed:
            return self
        base = {name: getattr(self, name) for name in self.setting_names()}
        key = tuple((name, repr(value)) for name, value in sorted({**base, **changed}.items()))
        handle: Self | None = self._derived.pop(key, None)
        if handle is None:
            handle = type(self)(**{**base, **changed})
            handle._engine = None if "model" in changed else self._engine
        self._derived[key] = handle  # the latest one stands last
        while len(self._derived) > _DERIVED:
            self._derived.pop(next(iter(self._derived))).close()
        return handle

    def update_config(self, config: Config) -> None:
        """Take what `%config` sets; what is refused is taken out of the shell's configuration again.

        The shell has merged it there before, and each handle that is made later would be refused for it.
        """
        shell = current_shell()
        try:
            super().update_config(config)
        except LocalLLMError:
            for section in self.section_names() if shell is not None else ():
                kept, there = self.config.get(section, {}), shell.config.get(section, {})
                for name in list(config.get(section, {})):  # the shell may hold this very table
                    if name in kept:
                        there[name] = kept[name]
                    else:
                        there.pop(name, None)
            raise

    def load(self) -> None:
        """Check the model and make it resident; in a notebook or a terminal, with a bar."""
        with self._runtime.shown() as show:
            for status in self._ready():
                show(status)

    def loading(self) -> Generator[Status, None, None]:
        """`load`, telling how far it is."""
        yield from self._ready()

    @property
    def from_file(self) -> bool:
        """Whether the model is one that this handle finds by its name, and not an engine that it was given."""
        return self._engine is None

    def find(self, model: str) -> str:
        """What a name means: a phrase for people. Nothing is loaded, and no server is asked.

        Raises
        ------
        LocalLLMError
            There is no such model, or its address may not be asked.
        """
        target = self._target(model)
        if target is not None:
            backend = backend_of(target)
            permit(target)
            told = backend.check(target)
            for part in getattr(backend, "parts", lambda _: ())(target):
                self.find(part)
            return without_secrets(told)
        memo = self.answers.memo
        name, path = self._runtime.places.locate(model, self.search, memo)
        facts = facts_of(path, memo)
        if why := why_not(facts):
            raise ModelError(f"{name} cannot answer: {why}", "%llm models lists what can.")
        return f"{name} ({memory_words(name, facts, self.wish())})"

    def elsewhere(self) -> tuple[str, ...]:
        """The addresses outside of this machine to which the settings may lead prompts or passages; none is asked."""
        found = str(getattr(self._engine, "remote", "")).split(", ")
        for model in filter(None, ("" if self._engine is not None else self.model, self.embedding_model)):
            with contextlib.suppress(LocalLLMError):  # what cannot be asked is told when it is used
                if (target := self._target(model)) is not None:
                    permit(target)
                    found += backend_of(target).remote(target)
        return tuple(dict.fromkeys(filter(None, found)))

    def wish(self, cores: int = 0) -> Wish:
        """What a model must fit into: the free memory, with the window and the cache that are set."""
        return Wish(available_bytes(), self.n_ctx, KV_BYTES[self.kv_cache_type], cores)

    def unload(self) -> None:
        """Give the memory back; the next question loads it again. A running generation ends with an error."""
        for engine in [self._engine] if self._engine is not None else self._runtime.engines_of(self._holder):
            engine.unload()
        for handle in self._derived.values():
            handle.unload()

    def close(self) -> None:
        """Let go of the engine; the last handle that holds it unloads it."""
        for handle in self._derived.values():
            handle.close()
        self._derived.clear()
        for number in (self._holder, *self._parts.values()):
            self._runtime.release(number)

    @property
    def engine(self) -> Engine | None:
        """The resident engine, or None."""
        return self._engine or self._runtime.engine_of(self._holder)

    def model_sha256(self) -> str:
        """The sha256 of the model's file: from the file, or as the cache remembers it.

        Raises
        ------
        ModelError
            There is no such file here, and no memory of it.
        """
        return self._model().sha256()

    @property
    def answers(self) -> Any:
        """The answer cache (`jupyter_localllm.cache.AnswerCache`)."""
        return self._runtime.cache(Path(self.cache_dir).expanduser(), self.cache_size)

    @property
    def conversations(self) -> Any:
        """The kernel's conversations (`jupyter_localllm.conversation.Conversations`)."""
        return self._runtime.conversations

    def _ready(self) -> Generator[Status, None, Engine]:
        engine = yield from self._model().engine()
        yield from engine.load()  # one that is made of others has loaded nobody yet
        return engine

    def _guard(self) -> None:
        """Put the guard of the offline promise up, unless the settings want none."""
        if self.offline is not False:
            offline.stand()

    def _model(self) -> Model:
        self._guard()
        return runtime.EngineModel(self._engine) if self._engine is not None else self._named(self.model, self._holder)

    def _target(self, model: str) -> Target | None:
        return target_of(model, BackendSettings(**{f.name: getattr(self, f.name) for f in fields(BackendSettings)}))

    def _named(self, model: str, holder: int) -> Model:
        """Any model by its name, with the settings of this handle."""
        target = self._target(model)
        if target is not None:
            # What a backend is made of is held apart, as long as this handle lives.
            def part(name: str) -> Model:
                return self._named(name, self._part(name))

            return runtime.BackendModel(self._runtime, target, self.answers, holder, part, max_models=self.max_models)
        return runtime.FileModel(self._runtime, self._spec(model), self.answers, holder)

    def _spec(self, model: str) -> runtime.ModelSpec:
        """A model in a file, with the settings of this handle."""
        settings = {f.name: getattr(self, f.name) for f in fields(LlamaSettings)}
        return runtime.ModelSpec(
            model,
            self.search,
            LlamaSettings(**{**settings, "n_ctx": self.n_ctx or 0}),
            isolation=self.isolation,
            calibrate=self.calibrate,
            state_cache_size=self.state_cache_size,
            state_memory_size=self.state_memory_size,
            max_models=self.max_models,
        )

    def _part(self, name: str) -> int:
        """The number under which a model that is part of another one is held."""
        if name not in self._parts:
            number = self._parts[name] = self._runtime.holder()
            weakref.finalize(self, self._runtime.release, number).atexit = False
        return self._parts[name]

    def adapter_sha256(self) -> str:
        """The sha256 of the adapter's file; empty without one.

        Raises
        ------
        UsageError, ModelError
            There is no such file, or its name fits several.
        """
        if not self.adapter:
            return ""
        memo = self.answers.memo
        return sha256_of(self._runtime.places.locate(self.adapter, self.search, memo, locate_adapter)[1], memo)


def current_shell() -> Any:
    """The IPython shell of this process, or None."""
    module = sys.modules.get("IPython.core.interactiveshell")  # without IPython imported there is no shell
    shell_class: Any = getattr(module, "InteractiveShell", None)
    if shell_class is None or not shell_class.initialized():
        return None
    return shell_class.instance()


def drive(generator: Generator[Any, None, T]) -> T:
    """Run a generator to its end, drop what it yields and give what it returns."""
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            value: T = stop.value
            return value
