"""What lies on this machine, judged by its headers: each content once, however often it lies there."""

from __future__ import annotations

import os
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.catalog import CatalogEntry, CatalogFile, catalog, installed_path
from jupyter_localllm.models.facts import Facts, facts_of
from jupyter_localllm.models.found import Machine, Spot, spots, stem
from jupyter_localllm.models.samples import known_sha256, same_content

__all__ = ["OnDisk", "survey"]


@dataclass(frozen=True)
class OnDisk:
    """A model file on this machine.

    Parameters
    ----------
    name : str
        The shortest way to name it: the catalog's name, a file's, or Ollama's tag.
    path : Path
        Of a model in several files the first.
    place : str
        Whose folder it lies in.
    facts : Facts
    sha256 : str
        Where it is known without reading the file; else ``""``.
    entry : CatalogEntry or None
        What the catalog says of it.
    also : tuple of str
        Where else the same content lies, and what else the same file is called.
    """

    name: str
    path: Path
    place: str
    facts: Facts
    sha256: str = ""
    entry: CatalogEntry | None = None
    also: tuple[str, ...] = ()

    @property
    def files(self) -> frozenset[str]:
        """Real paths of all places in which it lies."""
        places = (str(self.path), *filter(os.path.isabs, self.also))
        return frozenset(os.path.realpath(place) for place in places)


def survey(
    search: Sequence[str | os.PathLike[str]], memo: MutableMapping[str, str], machine: Machine | None = None
) -> list[OnDisk]:
    """List what lies on this machine, by name.

    Only headers are read, and samples of files that have the same size; both are remembered. Two files are the same
    where their sha256 are known and equal; where one of them is not known, size and samples decide.

    Parameters
    ----------
    search : sequence of paths
        Folders, and words of `jupyter_localllm.models.found.PLACES`.
    memo : MutableMapping
        Where headers and hashes are remembered.
    machine : Machine, optional
        This one if not given.
    """
    files = {stem(Path(file.file)).casefold(): (entry, file) for entry in catalog() for file in entry.files}
    named: set[str] = set()
    found: list[OnDisk] = []
    by_real: dict[str, int] = {}
    by_size: dict[int, list[int]] = {}  # of those with the same content one
    for spot in (*_carried(), *spots(search, machine)):
        try:
            facts = facts_of(spot.path, memo)
            sha256 = spot.sha256 or known_sha256(spot.path, memo)
        except ModelFileError:  # gone since, or a link to nowhere
            continue
        entry, file = files.get(spot.name.casefold(), (None, None))
        name = spot.name if entry is None or file is None else _name(entry, file)
        if name in named and entry is not None:
            name = spot.name  # the second file that could be meant is named by itself
        one = OnDisk(name, spot.path, spot.place, facts, sha256, entry)
        real = os.path.realpath(one.path)
        alike = by_size.setdefault(facts.size_bytes, [])
        same = by_real.get(real, next((i for i in alike if _same(one, found[i], memo)), None))
        if same is None:
            same = len(found)
            named.add(name)
            found.append(one)
            alike.append(same)
        else:
            found[same] = _merged(found[same], one, same_file=real in by_real)
        by_real[real] = same
    return sorted(found, key=lambda one: (one.name.casefold(), str(one.path)))


def _carried() -> list[Spot]:
    carried = ((entry, installed_path(entry)) for entry in catalog())
    return [Spot(path.absolute(), stem(path), "package") for _entry, path in carried if path is not None]


def _name(entry: CatalogEntry, file: CatalogFile) -> str:
    return entry.name if file is entry.usual else f"{entry.name}:{file.quantization}"


def _merged(kept: OnDisk, other: OnDisk, *, same_file: bool) -> OnDisk:
    also = dict.fromkeys((*kept.also, other.name if same_file else str(other.path)))
    return replace(kept, sha256=kept.sha256 or other.sha256, also=tuple(name for name in also if name != kept.name))


def _same(one: OnDisk, other: OnDisk, memo: MutableMapping[str, str]) -> bool:
    if one.sha256 and other.sha256:
        return one.sha256 == other.sha256
    return not (one.facts.problem or other.facts.problem) and same_content(one.path, other.path, memo)
