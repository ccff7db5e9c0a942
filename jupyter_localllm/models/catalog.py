"""The models that are known by name. The data stand in ``catalog.json``, reviewed like code, with their sources.

What is not known stands nowhere: a file without ``sha256`` has none in the catalog's sources, and one with
``about_bytes`` in place of ``size_bytes`` was listed there with a rounded size.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_localllm.models.shape import ModelShape

__all__ = ["CatalogEntry", "CatalogFile", "catalog", "entry_named", "installed_path", "named"]

_BITS_PER_WEIGHT = {
    **{"Q2_K": 3.16, "Q3_K_S": 3.64, "Q3_K_M": 4.00, "Q3_K_L": 4.30, "IQ4_XS": 4.46, "Q4_0": 4.64, "Q4_K_S": 4.67},
    **{"Q4_K_M": 4.89, "Q5_K_S": 5.57, "Q5_K_M": 5.70, "Q6_K": 6.56, "Q8_0": 8.50, "F16": 16.0, "BF16": 16.0},
}
"""Of Llama 3.1 8B, as the README of llama.cpp's ``quantize`` gives them (Q4_0: by a file's size)."""
_TABLE_SHARE = 0.1  # of the parameters: from here on the table of embeddings counts by itself
_TABLE_BITS = (6.56, 8.50)
"""Of a weight in it, at least, where it is the last matrix as well: Q6_K, or Q8_0 where 256 do not divide its rows
(``llama_tensor_get_type`` of llama.cpp)."""
_DEFAULT_QUANTIZATIONS = ("Q4_K_M", "Q4_0", "Q4_1", "Q8_0", "F16")


@dataclass(frozen=True)
class CatalogFile:
    """One file of a model.

    Parameters
    ----------
    file : str
        Its path in the repository.
    quantization : str
        As ``"Q4_K_M"``.
    repository : str
        On the hub, as ``"owner/name"``; empty for one that only a package carries.
    revision : str
        Commit of the repository at which the other facts were seen; ``"main"`` where that is not known.
    size_bytes : int
        Exact, or 0.
    about_bytes : int
        Rounded as the hub shows it, or 0.
    sha256 : str
        As published, or ``""``.
    """

    file: str
    quantization: str
    repository: str = ""
    revision: str = "main"
    size_bytes: int = 0
    about_bytes: int = 0
    sha256: str = ""

    @property
    def stem(self) -> str:
        """What the file is called on disk, without its end."""
        return Path(self.file).stem


@dataclass(frozen=True)
class CatalogEntry:
    """One model of the catalog.

    Parameters
    ----------
    name : str
        What people call it, in small letters.
    source : str
        Repository of the original weights, as ``"owner/name"``.
    license : str
        SPDX identifier of the weights' license, or its usual name.
    files : tuple of CatalogFile
    kind : {"chat", "embedding"}
    architecture : str
        llama.cpp's name of it.
    parameters : int
    shape : ModelShape or None
        Dimensions of the model; `weights_bytes` is 0, for it depends on the file.
    template : str
        Its chat format, for people.
    tools : str
        The format in which it calls tools (`jupyter_localllm.tools.formats`), or ``""``.
    good_at : str
    package, extra : str
        Python package that carries the first file as data, and the extra of jupyter_localllm that installs it.
    sources : tuple of str
        Where these facts come from.
    """

    name: str
    source: str
    license: str
    files: tuple[CatalogFile, ...]
    kind: str = "chat"
    architecture: str = ""
    parameters: int = 0
    shape: ModelShape | None = None
    template: str = ""
    tools: str = ""
    good_at: str = ""
    package: str = ""
    extra: str = ""
    sources: tuple[str, ...] = field(default=())

    @property
    def install_command(self) -> str:
        """What a person types to get it."""
        return f'pip install "jupyter_localllm[{self.extra}]"' if self.extra else f"%llm pull {self.name}"

    @property
    def usual(self) -> CatalogFile:
        """The file for who does not choose: Q4_K_M if there is one."""
        by_quantization = {file.quantization: file for file in reversed(self.files)}
        return next((by_quantization[q] for q in _DEFAULT_QUANTIZATIONS if q in by_quantization), self.files[0])

    def file_of(self, quantization: str) -> CatalogFile | None:
        """Find a file by its quantization; capitals do not matter."""
        return next((file for file in self.files if file.quantization.casefold() == quantization.casefold()), None)

    def bytes_of(self, file: CatalogFile) -> int:
        """Size of a file: exact, rounded, or estimated by the usual bits of a weight; 0 if nothing is known."""
        return file.size_bytes or file.about_bytes or self._estimated(_BITS_PER_WEIGHT.get(file.quantization, 0.0))

    def _estimated(self, bits: float) -> int:
        """Bytes by the bits of a weight; 0 if those are not known."""
        table = self.shape.n_vocab * self.shape.n_embd if self.shape is not None and bits else 0
        if self.shape is None or table < self.parameters * _TABLE_SHARE:
            return int(self.parameters * bits / 8)
        own = max(bits, _TABLE_BITS[self.shape.n_embd % 256 != 0])
        return int((table * own + (self.parameters - table) * bits) / 8)


@functools.cache
def catalog() -> tuple[CatalogEntry, ...]:
    """Read all models that are known by name, the default first."""
    data = json.loads(Path(__file__).with_name("catalog.json").read_text(encoding="utf-8"))
    return tuple(_entry(entry) for entry in data)


def _entry(data: Mapping[str, Any]) -> CatalogEntry:
    return CatalogEntry(
        **{
            **data,
            "files": tuple(CatalogFile(**file) for file in data["files"]),
            "shape": _shape(**data["shape"]),
            "sources": tuple(data.get("sources", ())),
        }
    )


def _shape(*, n_layer: int, n_head: int, n_head_kv: int, head_dim: int, **others: int) -> ModelShape:
    """Make a model's dimensions from those that its original's ``config.json`` gives."""
    kv = 2 * 2 * head_dim * n_head_kv * n_layer  # keys and values of 16 bits
    return ModelShape(weights_bytes=0, kv_bytes_per_token=kv, n_layer=n_layer, n_head=n_head, **others)


def entry_named(name: str) -> CatalogEntry | None:
    """Find a model of the catalog; capitals do not matter."""
    return next((entry for entry in catalog() if entry.name == name.casefold()), None)


def named(name: str) -> tuple[CatalogEntry, str] | None:
    """Find a model of the catalog by ``NAME`` or ``NAME:QUANTIZATION``; the quantization is not looked at.

    Returns
    -------
    tuple or None
        The entry, and the quantization as it was written, ``""`` if none was.
    """
    entry = entry_named(name)
    if entry is not None:
        return entry, ""
    called, colon, quantization = name.rpartition(":")
    entry = entry_named(called) if colon else None
    return None if entry is None else (entry, quantization.strip())


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
    return next((path for place in places if os.path.isfile(path := Path(place) / entry.files[0].file)), None)


def _package_folders(package: str) -> list[str]:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return []
    return list((spec and spec.submodule_search_locations) or ())
