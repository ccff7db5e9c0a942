"""Why a name led to no model, and what to do."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from jupyter_localllm.config.reach import reachable
from jupyter_localllm.errors import ModelNotFound, close_match
from jupyter_localllm.models.found import spots, too_large
from jupyter_localllm.models.listing import available

__all__ = ["is_path", "known_names", "not_found"]

Folders = Sequence["str | os.PathLike[str]"]

_BACKEND = re.compile(r"([A-Za-z][\w.+-]+):(?!\\)(.*)")  # two letters at least: C:\models is a drive
_BACKENDS = ("mlx", "ollama", "openai", "router", "transformers")  # of engine.backends, the room beside this one


def is_path(name: str) -> bool:
    """Whether a name is written as a path."""
    separators = [os.sep, os.altsep or os.sep]
    return name.startswith("~") or name.lower().endswith(".gguf") or any(mark in name for mark in separators)


def not_found(name: str, path: Path, model_dirs: Folders) -> ModelNotFound:
    """Make the error of a name that led nowhere."""
    if backend := _BACKEND.fullmatch(name):
        return _other_backend(name, backend[1])
    if not is_path(name):
        return ModelNotFound(
            f"There is no model {name!r} here.{_silent(model_dirs)}", _near(name, model_dirs) + _unseen(model_dirs)
        )
    message = f"There is no file {os.fspath(path)}."
    if (
        re.fullmatch(r"[\w.-]+/[\w.-]+", name)
        and not name.lower().endswith(".gguf")
        and not os.path.exists(path.parent)
    ):
        return ModelNotFound(message, f"If it is a repository of the model hub, fetch it: %llm pull {name}")
    if not os.path.isdir(path.parent):
        return ModelNotFound(message, f"Its folder does not exist either. {_here()}")
    beside = [spot.path.name for spot in spots([path.parent]) if spot.path.parent == path.parent.absolute()]
    return ModelNotFound(message, close_match(path.name, beside) or f"Check the path. {_here()}")


def _silent(model_dirs: Folders) -> str:
    """Name the folders that do not answer, as a network mount that hangs does not."""
    silent = [os.fspath(one) for one in model_dirs if not reachable(os.path.expanduser(one))]
    return f" {' and '.join(silent)} could not be looked at: it does not answer." if silent else ""


def _unseen(model_dirs: Folders) -> str:
    """Name the folders that were looked at in part."""
    return "".join(
        f"\nNot all of {folder} was looked at: too much is in it. Name a folder further in."
        for folder in too_large(model_dirs)
    )


def _other_backend(name: str, backend: str) -> ModelNotFound:
    if backend.lower() in ("http", "https", "hf", "file"):
        return ModelNotFound(f"{name} is an address.", f"Fetch it: %llm pull {name}")
    if backend.lower() in _BACKENDS:
        message = f"{name} is a model of the backend {backend.lower()}, and a file is wanted here."
        return ModelNotFound(message, "Give a name of %llm models or the path to a GGUF file.")
    hint = close_match(backend.lower(), _BACKENDS) or f"There are {', '.join(_BACKENDS)}. Or give a GGUF file."
    return ModelNotFound(f"There is no backend {backend!r} (in {name!r}).", hint)


def _here() -> str:
    """Say where relative paths begin."""
    try:
        return f"The kernel's directory is {Path.cwd()}."
    except OSError:  # it was removed
        return "The kernel's directory is gone."


def _near(name: str, model_dirs: Folders) -> str:
    """Name the nearest models and, for one that is not installed, the command that installs it."""
    entries = {entry.name.casefold(): entry for entry in available(model_dirs)}
    wanted = name.casefold()
    keys = sorted((key for key in entries if wanted in key), key=lambda key: not entries[key].installed)
    keys = keys or difflib.get_close_matches(wanted, entries, n=3, cutoff=0.5)
    if not keys:
        return known_names(model_dirs)
    near = [entries[key] for key in keys[:3]]
    first = near[0]
    command = f" Install {first.name}: {first.install_command}" if not first.installed else ""
    return f"Did you mean {' or '.join(entry.name for entry in near)}?{command}"


def known_names(model_dirs: Folders) -> str:
    """Name what is here, or how to get the default."""
    entries = available(model_dirs)
    here = [entry.name for entry in entries if entry.installed]
    if here:
        return f"Here are: {', '.join(here[:8])}{' …' if len(here) > 8 else ''}. Or give the path to a GGUF file."
    commands = [entry.install_command for entry in entries if entry.install_command]
    return f"None is installed. Get the default model: {commands[0]}" if commands else "Give the path to a GGUF file."
