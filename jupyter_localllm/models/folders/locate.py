"""From what a person calls a model folder to the folder: a path, or a repository in the cache of Hugging Face's tools.

Source of the cache's layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
"""

from __future__ import annotations

import re
from pathlib import Path

from jupyter_localllm.errors import ModelFileError, ModelNotFound, close_match
from jupyter_localllm.models.found import Machine
from jupyter_localllm.models.found.huggingface import hub_folder

__all__ = ["locate_folder"]

_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")


def locate_folder(name: str, backend: str) -> tuple[str, Path]:
    """Find a model's folder, without reading what is in it. Nothing is fetched.

    Parameters
    ----------
    name : str
        A path, or a repository as ``"org/name"`` or ``"org/name@revision"``, which must have been fetched.
    backend : str
        For errors: ``"transformers"`` or ``"mlx"``.

    Returns
    -------
    name : str
        The repository, or the folder's name.
    path : Path
        Absolute.

    Raises
    ------
    ModelNotFound
        There is no such folder; the hint says how to get it.
    ModelFileError
        It is a file.
    """
    name = name.strip()
    if not name:
        raise ModelNotFound(f"No model is named after {backend}:", f"Write {backend}:org/name, or {backend}:folder.")
    path = Path(name).expanduser()
    if path.is_dir():
        return path.resolve().name, path.absolute()
    if path.is_file():
        raise ModelFileError(f"{name} is a file, and {backend} reads folders.", _for_file(name, path, backend))
    repository = _REPOSITORY.fullmatch(name)
    if repository is None:
        raise ModelNotFound(f"There is no folder {path}.", f"Give a folder with a config.json, or {backend}:org/name.")
    found = _in_hub(repository[1], repository[2] or "main")
    if found is None:
        raise ModelNotFound(f"There is no model {name!r} here.", _how_to_get(repository[1], repository[2]))
    return name, found


def _in_hub(repository: str, revision: str) -> Path | None:
    """The snapshot of a repository; of its main branch, the one that was fetched last."""
    folder = hub_folder(Machine()) / f"models--{repository.replace('/', '--')}"
    try:
        commit = (folder / "refs" / revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        commit = revision
    named = folder / "snapshots" / commit
    return named.absolute() if named.is_dir() else None


def _how_to_get(repository: str, revision: str | None) -> str:
    kept = [path.name[len("models--") :].replace("--", "/") for path in _folders() if path.name.startswith("models--")]
    near = close_match(repository, kept)
    fetch = f"hf download {repository}{f' --revision {revision}' if revision else ''}"
    return f"{near} Nothing is fetched by itself; fetch it once: {fetch}".strip()


def _folders() -> list[Path]:
    try:
        return sorted(hub_folder(Machine()).iterdir())
    except OSError:
        return []


def _for_file(name: str, path: Path, backend: str) -> str:
    if path.suffix.lower() == ".gguf":
        return f"llama.cpp runs GGUF files: leave out {backend}: and write {name}"
    return f"Name the folder that it is in: {backend}:{path.parent}"
