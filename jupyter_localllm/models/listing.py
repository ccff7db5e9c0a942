"""The models that can be named. No file is opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_localllm.errors import ModelNotFound
from jupyter_localllm.models.catalog import CatalogEntry, catalog, installed_path
from jupyter_localllm.models.found import Machine, Spot, spots, stem
from jupyter_localllm.models.parts import parts_of

__all__ = ["ModelEntry", "available", "not_installed"]


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be named, for `%llm models` and completion.

    Parameters
    ----------
    name : str
    path : str or None
        Its file; ``None`` if it is not installed.
    size_bytes : int
        Of its files, or of those that would be installed; 0 if that is not known.
    license : str
        SPDX identifier, or ``""`` if unknown.
    installed : bool
    install_command : str
        What would install it, or ``""``.
    place : str
        Whose folder it lies in; ``"package"`` for one that a package carries.
    """

    name: str
    path: str | None
    size_bytes: int
    license: str
    installed: bool
    install_command: str = ""
    place: str = ""


def available(model_dirs: Sequence[str | os.PathLike[str]] = (), machine: Machine | None = None) -> list[ModelEntry]:
    """List the models that can be named: the catalog's, then those in the folders.

    Parameters
    ----------
    model_dirs : sequence of paths
        Folders, and words of `jupyter_localllm.models.found.PLACES`.
    machine : Machine, optional
        This one if not given.
    """
    found = list(spots(model_dirs, machine))
    entries = [_of_catalog(entry, found) for entry in catalog()]
    taken = {entry.path for entry in entries}
    for spot in sorted(found, key=lambda spot: (spot.name.casefold(), str(spot.path))):
        if str(spot.path) in taken:
            continue
        try:
            size = sum(part.stat().st_size for part in parts_of(spot.path))
        except OSError:  # a link to nowhere, or gone since
            continue
        entries.append(ModelEntry(spot.name, str(spot.path), size, "", True, place=spot.place))
    return entries


def _of_catalog(entry: CatalogEntry, found: Sequence[Spot]) -> ModelEntry:
    path, place = installed_path(entry), "package"
    if path is None:
        by_name = {spot.name.casefold(): spot for spot in reversed(found)}
        fitting = (by_name.get(stem(Path(file.file)).casefold()) for file in (entry.usual, *entry.files))
        spot = next((spot for spot in fitting if spot is not None and os.path.isfile(spot.path)), None)
        path, place = (spot.path, spot.place) if spot is not None else (None, "")
    size = entry.bytes_of(entry.usual)
    if path is not None:
        size = sum(os.stat(part).st_size for part in parts_of(path))
    return ModelEntry(
        entry.name, str(path) if path else None, size, entry.license, path is not None, entry.install_command, place
    )


def not_installed(entry: CatalogEntry, quantization: str = "") -> ModelNotFound:
    """Make the error of a model that is known and not here, or of one that has no such quantization."""
    if quantization and entry.file_of(quantization) is None:
        known = ", ".join(file.quantization for file in entry.files)
        return ModelNotFound(f"The catalog has no {quantization!r} of {entry.name}.", f"It has: {known}.")
    command = f"%llm pull {entry.name}:{quantization}" if quantization else entry.install_command
    return ModelNotFound(f"The model {entry.name} is known, but not installed here.", f"Install it: {command}")
