"""A model of a backend (``"ollama:llama3.2:3b"``), as the pipeline knows a model."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping

from jupyter_localllm.cache import AnswerCache, content_sha256
from jupyter_localllm.engine.backends import Home, Target, backend_of, permit
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.errors import LocalLLMError, without_secrets
from jupyter_localllm.models import sha256_of
from jupyter_localllm.pipeline import Model, version_of
from jupyter_localllm.prompt.chat import render_chat
from jupyter_localllm.runtime.shared import Runtime
from jupyter_localllm.types import Status

__all__ = ["BackendModel"]


class BackendModel:
    """A model of a backend.

    Parameters
    ----------
    runtime : Runtime
    target : Target
    cache : AnswerCache
    holder : int
    others : callable
        Any other model by its name, for backends that are made of others.
    max_models : int
        Most models in memory at the same time.
    """

    def __init__(
        self,
        runtime: Runtime,
        target: Target,
        cache: AnswerCache,
        holder: int,
        others: Callable[[str], Model],
        *,
        max_models: int,
    ) -> None:
        self._runtime, self._target, self._cache, self._holder = runtime, target, cache, holder
        self._max_models = max_models
        self._backend = backend_of(target)
        self._home = Home(
            sha256_of=lambda path: sha256_of(path, cache.memo),
            engine=lambda name: others(name).engine(),
            identity=lambda name: others(name).sha256(),
            render=render_chat,
            memo=cache.memo,
            versions=lambda name: others(name).versions(),
        )
        self._sha256 = ""

    @property
    def name(self) -> str:
        """Scheme and name; where a backend calls its models otherwise, as it does."""
        called = getattr(self._backend, "called", None)
        name = f"{self._target.scheme}:{self._target.name if called is None else called(self._target)}"
        return without_secrets(name)  # it is saved with answers, and shown

    @property
    def known_as(self) -> str:
        """The same, with the address if it was set apart."""
        return self._target.known_as

    def sha256(self) -> str:
        """Of what names the weights; as it was remembered where that cannot be found out."""
        if not self._sha256:
            try:
                permit(self._target)
                weights = self._backend.identity(self._target, self._home)
                self._sha256 = content_sha256(f"{self._target.scheme}:{weights}")
            except LocalLLMError:
                remembered = self._cache.model_sha256(self.known_as)
                if not remembered:
                    raise
                self._sha256 = remembered
        return self._sha256

    def identify(self) -> Generator[Status, None, None]:
        """Tell what takes long, where a backend has to read large files for it."""
        reading = getattr(self._backend, "reading", None)
        if reading is not None and (words := reading(self._target, self._home)):
            yield Status("checking", words)
            self.sha256()

    def engine(self) -> Generator[Status, None, Engine]:
        """The shared engine, loaded."""
        permit(self._target)

        def make() -> Engine:
            return self._backend.engine(self._target, self._home)

        engine = yield from self._runtime.backend(self._target, make, self._holder, self._max_models)
        self._sha256 = ""  # an answer will be made, and a server may turn out to have another model now
        return engine

    def versions(self) -> Mapping[str, str]:
        """Of the package that the backend goes through."""
        package = self._backend.package
        return {package: version_of(package)} if package else {}

    def holds(self, constraint: Constraint) -> bool:
        """What the backend says of all its models: whether there is a server may not change what is asked."""
        return self._backend.holds(constraint)
