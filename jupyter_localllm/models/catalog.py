"""The models that are known by name. The data stand in ``catalog.json``, reviewed like code."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CatalogEntry", "catalog", "entry_named", "installed_path"]


@dataclass(frozen=True)
class CatalogEntry:
    """One model of the catalog.

    Parameters
    ----------
    name : str
        What people call it, in small letters.
    file : str
        Name of the GGUF file.
    quantization : str
        As ``"Q4_1"``.
    size_bytes : int
        Of the file.
    license : str
        SPDX identifier of the weights' license.
    source : str
        Repository of the weights on their hub, as ``"owner/name"``.
    package : str
        Python package that carries the file as data, or ``""``.
    extra : str
        Extra of jupyter_localllm that installs the package, or ``""``.
    """

    name: str
    file: str
    quantization: str
    size_bytes: int
    license: str
    source: str
    package: str = ""
    extra: str = ""

    @property
    def install_command(self) -> str:
        """What a person types to get it, or ``""``."""
        return f'pip install "jupyter_localllm[{self.extra}]"' if self.extra else ""


@functools.cache
def catalog() -> tuple[CatalogEntry, ...]:
    """Read all models that are known by name, the default first."""
    data = json.loads(Path(__file__).with_name("catalog.json").read_text(encoding="utf-8"))
    return tuple(CatalogEntry(**entry) for entry in data)


def entry_named(name: str) -> CatalogEntry | None:
    """Find a model of the catalog; capitals do not matter."""
    return next((entry for entry in catalog() if entry.name == name.casefold()), None)


def installed_path(entry: CatalogEntry) -> Path | None:
    """Find a model's file in the package that carries it, without importing that package.

    Returns
    -------
    Path or None
        ``None`` if the package or the file in it is not there.
    """
    if not entry.package:
        return None
    places = _package_folders(entry.package)
    if not places:  # perhaps installed a moment ago, from a cell of this kernel
        importlib.invalidate_caches()
        places = _package_folders(entry.package)
    return next((path for place in places if (path := Path(place) / entry.file).is_file()), None)


def _package_folders(package: str) -> list[str]:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return []
    return list((spec and spec.submodule_search_locations) or ())
