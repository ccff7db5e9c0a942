"""Let a child process run a model folder before the kernel does: what kills it must not kill the user's variables.

PyTorch and MLX choose instructions by what the processor says it has. On some virtual machines it says more than it
has; and a GPU's driver may abort where an error would do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping, MutableMapping, Sequence
from typing import Any

from jupyter_localllm.engine.children import command, death, last_line, tried
from jupyter_localllm.engine.processor import cpu_identity
from jupyter_localllm.errors import ModelCheckFailed, ModelMemoryError
from jupyter_localllm.pipeline import version_of
from jupyter_localllm.runtime.folder_probe import NO_ROOM
from jupyter_localllm.types import ModelFolder, Status

__all__ = ["check_folder"]

_PACKAGES = {"transformers": ("torch", "transformers", "bitsandbytes"), "mlx": ("mlx", "mlx-lm")}


def check_folder(
    folder: ModelFolder,
    scheme: str,
    settings: Mapping[str, Any],
    memo: MutableMapping[str, str],
    *,
    argv: Sequence[str] | None = None,
    timeout_seconds: float = 1200.0,
) -> Generator[Status, None, None]:
    """Read a few tokens with `folder` in a child process, unless that went well before.

    Parameters
    ----------
    folder : ModelFolder
    scheme : {"transformers", "mlx"}
    settings : Mapping
        All fields of `jupyter_localllm.engine.inprocess.FolderSettings`.
    memo : MutableMapping
        Where it is remembered.
    argv : sequence of str, optional
        Another program for the child, for tests.
    timeout_seconds : float
        After which the child counts as hung.

    Raises
    ------
    ModelMemoryError
        It does not fit.
    ModelCheckFailed
        With the signal or the words of the child, and what to do.
    """
    versions = ",".join(version_of(package) for package in _PACKAGES[scheme])
    what = json.dumps([scheme, versions, cpu_identity(), folder.sha256, settings["gpu"], settings["quantization"]])
    key = f"check:{hashlib.sha256(what.encode()).hexdigest()}"
    if memo.get(key) == "ok":
        return
    program = argv or command(
        "jupyter_localllm.runtime.folder_probe", scheme, folder.path, folder.name, json.dumps(dict(settings))
    )
    told = yield from tried(
        program,
        timeout_seconds,
        saying=f"first use of {folder.name} with {scheme}: checking it in a child process",
        doing=f"reading a few tokens with {folder.name}",
        slow="A smaller model may do; a folder on a slow disk may need a second try.",
    )
    if told.code == NO_ROOM:
        raise ModelMemoryError(last_line(told.words))
    if told.code:
        raise _failure(folder.name, scheme, told.code, told.words)
    memo[key] = "ok"


def _failure(name: str, scheme: str, code: int, words: str) -> ModelCheckFailed:
    died = death(code)
    if died is None:
        said = last_line(words) or f"exit status {code}"
        return ModelCheckFailed(f"{name} cannot be used with {scheme}: {said}")
    hint = "Another version of PyTorch may do." if scheme == "transformers" else "Another version of mlx may do."
    if died.cause in ("SIGKILL", "SIGTERM"):
        hint = died.hint
    return ModelCheckFailed(
        f"reading a few tokens with {name} killed the child process by {died.cause}. "
        "Your kernel and its variables are untouched.",
        f"{hint} A GGUF file of the model runs by llama.cpp.",
    )
