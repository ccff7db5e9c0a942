"""Models that are no GGUF in this process: from ``"ollama:llama3.2:3b"`` to what makes an engine of it.

A backend is one object with a few methods. Those of this package stand in `BUILT_IN`, by the place where they are
defined, so that nothing is imported before it is named. Other packages bring theirs by an entry point of the group
``jupyter_localllm.engines``: its name is the scheme, and it leads to a `Backend`, or to a class or function without
arguments that gives one.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import re
from collections.abc import Callable, Generator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.errors import DependencyMissing, EngineError, ModelNotFound, OfflineError
from jupyter_localllm.offline import open_for
from jupyter_localllm.types import Message, ModelInfo, Prompt, Status

__all__ = [
    "BUILT_IN",
    "GROUP",
    "Backend",
    "BackendSettings",
    "Home",
    "Target",
    "backend_of",
    "needed",
    "permit",
    "target_of",
]

GROUP = "jupyter_localllm.engines"
BUILT_IN = {
    "mlx": "jupyter_localllm.runtime.folders:MLX",
    "ollama": "jupyter_localllm.engine.ollama:BACKEND",
    "openai": "jupyter_localllm.engine.openai:BACKEND",
    "router": "jupyter_localllm.engine.router:BACKEND",
    "transformers": "jupyter_localllm.runtime.folders:TRANSFORMERS",
}
"""Schemes of this package, and where their backends are defined."""

_NAMED = re.compile(r"([A-Za-z][\w+-]+):(?!//)(.*)", re.DOTALL)  # two letters at least: C:\models is a drive


@dataclass(frozen=True)
class BackendSettings:
    """What a person set that decides how a model of a backend is reached or loaded; the names are those of the traits.

    A backend takes what concerns it. Everything is part of what engines are shared by.

    Parameters
    ----------
    n_ctx : int or None
    n_gpu_layers : int or None
    n_threads, n_parallel : int
    adapter : str
    endpoint : str
        Address of a server; empty for the backend's usual one.
    allow_remote : bool
        Whether an address outside of this machine may be asked.
    api_key_env : str
        Names of the environment variables that hold keys: ``"host=VARIABLE"``, several with commas between them, or
        one alone for `endpoint`; empty for the backend's rule.
    server_timeout : float
        Longest silence of a server, in seconds.
    keep_alive : str
        How long Ollama keeps the model after a request (``"5m"``); empty for its own rule.
    quantization : {"auto", "4bit", "none"}
        Of a model folder's weights while Transformers loads them.
    offline : bool or None
        True if nobody may be asked over a connection.
    """

    n_ctx: int | None = None
    n_gpu_layers: int | None = None
    n_threads: int = 0
    n_parallel: int = 32
    adapter: str = ""
    endpoint: str = ""
    allow_remote: bool = False
    api_key_env: str = ""
    server_timeout: float = 600.0
    keep_alive: str = ""
    quantization: Literal["auto", "4bit", "none"] = "auto"
    offline: bool | None = None


@dataclass(frozen=True)
class Target:
    """A model of a backend, and how it is to be loaded: equal targets share one engine.

    Parameters
    ----------
    scheme : str
        The backend's name.
    name : str
        What stands behind the colon, as the person wrote it.
    settings : BackendSettings
    """

    scheme: str
    name: str
    settings: BackendSettings = field(default_factory=BackendSettings)

    @property
    def known_as(self) -> str:
        """As the person named it, with the address if that was set apart."""
        return f"{self.scheme}:{self.name}" + (f"@{self.settings.endpoint}" if self.settings.endpoint else "")


@dataclass(frozen=True)
class Home:
    """What a backend may ask of those who keep its engines.

    Parameters
    ----------
    sha256_of : callable
        The sha256 of a file, remembered.
    engine : callable
        The loaded engine of another model, by its name: for backends that are made of others. Tells how far it is.
    identity : callable
        What names the weights of another model.
    render : callable
        Messages as an engine reads them that does not render by itself.
    memo : MutableMapping
        What is remembered between kernels.
    versions : callable
        Versions of what runs another model.
    """

    sha256_of: Callable[[Path], str]
    engine: Callable[[str], Generator[Status, None, Engine]]
    identity: Callable[[str], str]
    render: Callable[[Sequence[Message], ModelInfo], Prompt]
    memo: MutableMapping[str, str] = field(default_factory=dict)
    versions: Callable[[str], Mapping[str, str]] = lambda _name: {}


@runtime_checkable
class Backend(Protocol):
    """A way to models that are no GGUF in this process."""

    @property
    def package(self) -> str:
        """The distribution whose version belongs to the provenance of answers; empty for none."""
        ...

    def check(self, target: Target) -> str:
        """A phrase for people that says what the target is; contacts nobody and loads nothing.

        Raises
        ------
        LocalLLMError
            It cannot be one: no name, no such address, an address that may not be asked.
        """
        ...

    def remote(self, target: Target) -> tuple[str, ...]:
        """The addresses outside of this machine that the target may lead prompts to; contacts nobody.

        Raises
        ------
        LocalLLMError
            As `check`.
        """
        ...

    def identity(self, target: Target, home: Home) -> str:
        """A text that names the weights for good: answers are cached under it.

        May look into files or ask a server, but loads nothing. Where that cannot be done, answers from the cache need
        the identity as it was remembered: so it raises.

        Raises
        ------
        LocalLLMError
            The model is not there, or cannot be asked for.
        """
        ...

    def engine(self, target: Target, home: Home) -> Engine:
        """The engine, not loaded yet."""
        ...

    def holds(self, constraint: Constraint) -> bool:
        """As `Engine.holds`, of every model behind it: it decides what the model is told, so it must not change."""
        ...


def target_of(model: str, settings: BackendSettings) -> Target | None:
    """The target that a model's name means; None if it names a file or an entry of the catalog.

    Raises
    ------
    ModelNotFound
        A backend is named, and no model.

    Examples
    --------
    >>> target_of("ollama:llama3.2:3b", BackendSettings()).name
    'llama3.2:3b'
    >>> target_of("smollm2-135m-instruct", BackendSettings()) is None
    True
    """
    named = _NAMED.fullmatch(model.strip())
    if named is None or (scheme := named[1].lower()) not in _schemes():
        return None
    if not named[2].strip():
        raise ModelNotFound(f"{model!r} names a backend and no model.", f"Write the model behind it: {scheme}:NAME")
    return Target(scheme, named[2].strip(), settings)


@functools.cache
def _schemes() -> dict[str, Any]:
    """Where the backend of each scheme is: a text for ours, an entry point for others. Ours cannot be replaced."""
    found = importlib.metadata.entry_points(group=GROUP)
    return {**{point.name.lower(): point for point in found}, **BUILT_IN}


def backend_of(target: Target) -> Backend:
    """The backend of a target.

    A package that brings one may open connections while it is loaded, if its target may: then a person named it.

    Raises
    ------
    EngineError
        There is none, or the package that brings it is broken.
    OfflineError
        It cannot be loaded without a connection, and nothing may be opened.
    """
    place = _schemes().get(target.scheme)
    if place is not None and not isinstance(place, str) and not target.settings.offline:
        open_for(place.module)
    return _loaded(target.scheme)


@functools.cache
def _loaded(scheme: str) -> Backend:
    place = _schemes().get(scheme)
    if place is None:
        raise EngineError(f"there is no backend {scheme!r}", f"There are: {', '.join(sorted(_schemes()))}.")
    if isinstance(place, str):
        module, _, name = place.partition(":")
        ours: Backend = getattr(importlib.import_module(module), name)
        return ours
    try:
        made = place.load()
        made = made if isinstance(made, Backend) and not isinstance(made, type) else made()
    except OfflineError:
        raise
    except Exception as error:  # somebody else's package
        raise EngineError(
            f"the backend {scheme!r} of {_of(place)} cannot be loaded: {type(error).__name__}: {error}",
            "Update that package, or take it out.",
        ) from error
    if not isinstance(made, Backend):
        raise EngineError(
            f"the backend {scheme!r} of {_of(place)} is {type(made).__name__}, and no backend",
            "See jupyter_localllm.engine.backends.Backend.",
        )
    return made


def permit(target: Target) -> None:
    """Refuse what may need a connection, where the person wants none.

    A backend that opens none has an attribute ``local`` that is true.

    Raises
    ------
    OfflineError
        ``offline`` is set, and the backend is not known to be local.
    """
    if target.settings.offline and not getattr(backend_of(target), "local", False):
        model = f"{target.scheme}:{target.name.partition('@')[0]}"
        raise OfflineError(
            f"offline is on: {model} is answered by a server, and none is asked",
            "Name a model of this machine, or %config LocalLLM.offline = None",
        )


def _of(point: importlib.metadata.EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def needed(module: str, extra: str, what: str) -> Any:
    """A package of an extra.

    Parameters
    ----------
    module : str
        Its name in Python.
    extra : str
        The extra of this package that installs it.
    what : str
        Who needs it, for the error.

    Raises
    ------
    DependencyMissing
        It is not installed, or cannot be imported; the hint is the pip command.
    """
    how = f'pip install "jupyter_localllm[{extra}]"'
    with DependencyMissing.unless_imported(f"{what} needs the package {module}", how):
        return importlib.import_module(module)
