"""A model as the pipeline knows it: a file on disk, or an engine that somebody made."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path

from jupyter_localllm.cache import AnswerCache, content_sha256
from jupyter_localllm.engine.base import Engine, Routing
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.errors import ModelNotFound
from jupyter_localllm.models import is_remembered, sha256_of
from jupyter_localllm.pipeline import version_of
from jupyter_localllm.runtime.prepare import ModelSpec, stamp
from jupyter_localllm.runtime.shared import Runtime
from jupyter_localllm.types import Status

__all__ = ["EngineModel", "FileModel"]


class FileModel:
    """A GGUF on disk, as the pipeline knows a model."""

    def __init__(self, runtime: Runtime, spec: ModelSpec, cache: AnswerCache, holder: int) -> None:
        self._runtime, self._spec, self._cache, self._holder = runtime, spec, cache, holder
        self._sha256 = ""
        self._file: tuple[str, int, int] | None = None  # what it is of
        self._found: tuple[str, Path] | None = None

    def _locate(self) -> tuple[str, Path]:
        """The file, looked for once for each request."""
        if self._found is None:
            self._found = self._runtime.places.locate(self._spec.model, self._spec.model_dirs, self._cache.memo)
        return self._found

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
        """From the file, or remembered by name where the file is not (replaying on another machine).

        A file that was overwritten meanwhile has another one: what llama.cpp maps has changed under it.
        """
        if not self._sha256 or self._changed():
            try:
                _, path = self._locate()
                self._file = stamp(path)
                self._sha256 = sha256_of(path, self._cache.memo)
            except ModelNotFound:
                remembered = self._cache.model_sha256(self.known_as)
                if not remembered:
                    raise
                self._sha256 = remembered
        return self._sha256

    def _changed(self) -> bool:
        if self._file is None or self._found is None:
            return False
        try:
            return stamp(self._found[1]) != self._file
        except OSError:  # deleted: what is mapped stays
            return False

    def identify(self) -> Generator[Status, None, None]:
        """Tell that a file is read as a whole, the first time it is used."""
        try:
            name, path = self._locate()
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

    def holds(self, constraint: Constraint) -> bool:
        """Always: our own engine masks tokens."""
        return True


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
        """The engine, loaded, unless it chooses among others who is."""
        if not isinstance(self._engine, Routing):
            yield from self._engine.load()
        return self._engine

    def versions(self) -> Mapping[str, str]:
        """Nothing more to tell."""
        return {}

    def holds(self, constraint: Constraint) -> bool:
        """What the engine says."""
        return self._engine.holds(constraint)
