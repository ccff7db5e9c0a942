"""The backends ``transformers:`` and ``mlx:``: a model folder, and the engine that runs it in this process."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import asdict
from functools import partial
from pathlib import Path

from jupyter_localllm.engine.backends import BackendSettings, Home, Target
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.inprocess import FolderEngine, FolderSettings, Library, open_mlx, open_transformers
from jupyter_localllm.errors import LocalLLMError, UsageError
from jupyter_localllm.models import is_remembered
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.folders import describe_folder, kept_under, locate_folder, plan_folder, read_weights
from jupyter_localllm.runtime.folder_check import check_folder
from jupyter_localllm.runtime.shared import current
from jupyter_localllm.types import ModelFolder, Status

__all__ = ["MLX", "TRANSFORMERS", "FolderBackend", "folder_settings"]

_IN_TURN = 4  # answers that take turns: more would only wait for each other


class FolderBackend:
    """A way to models in folders.

    Parameters
    ----------
    scheme : str
        ``"transformers"`` or ``"mlx"``.
    package : str
        The distribution that runs them.
    library : Library
    """

    local = True  # folders are read, and nobody is asked

    def __init__(self, scheme: str, package: str, library: Library) -> None:
        self.scheme, self.package, self.library = scheme, package, library
        self._judged: dict[Path, tuple[object, ModelFolder]] = {}  # with what the files looked like then

    def called(self, target: Target) -> str:
        """The repository, or the folder's name: answers do not tell where on this machine it lies."""
        name = Path(target.name).expanduser()
        return name.resolve().name if name.is_dir() else target.name

    def check(self, target: Target) -> str:
        """Name and size; only the headers of the weights are read."""
        folder_settings(target.settings)
        name, path = locate_folder(target.name, self.scheme)
        return f"{name} ({size_text(read_weights(path).size_bytes)}, by {self.scheme})"

    def remote(self, target: Target) -> tuple[str, ...]:
        """None: it runs here."""
        return ()

    def identity(self, target: Target, home: Home) -> str:
        """What its files hold, and how the weights are quantized while they are loaded."""
        folder = self._folder(target, home)
        return f"{folder.sha256}:{target.settings.quantization}"

    def engine(self, target: Target, home: Home) -> FolderEngine:
        """The engine; the folder is tried in a child process before it is loaded for the first time."""
        folder, settings = self._folder(target, home), folder_settings(target.settings)
        check = partial(self._check, folder, settings, home)
        return FolderEngine(folder, settings, current().owner, self.library, plan_folder, check=check)

    def holds(self, constraint: Constraint) -> bool:
        """Always, by masks over the tokens."""
        return True

    def reading(self, target: Target, home: Home) -> str:
        """What a person is told while files are hashed for the first time; empty if that is done."""
        try:
            name, path = locate_folder(target.name, self.scheme)
            if self._known(path, name):
                return ""
            new = [file for file in read_weights(path).files if not kept_under(file)]
            total = sum(file.stat().st_size for file in new if not is_remembered(file, home.memo))
        except LocalLLMError:
            return ""  # told where it is in the way
        return f"reading {name} for the first time ({size_text(total)})" if total else ""

    def _folder(self, target: Target, home: Home) -> ModelFolder:
        name, path = locate_folder(target.name, self.scheme)
        found = self._known(path, name)
        if found is None:
            seen = name, _looks(path)
            found = describe_folder(path, name, self.scheme, home.sha256_of)
            self._judged[path] = seen, found
        return found

    def _known(self, path: Path, name: str) -> ModelFolder | None:
        """What a folder was judged to be, if its files look as they did then."""
        judged = self._judged.get(path)
        return judged[1] if judged is not None and judged[0] == (name, _looks(path)) else None

    def _check(self, folder: ModelFolder, settings: FolderSettings, home: Home) -> Generator[Status, None, None]:
        return check_folder(folder, self.scheme, asdict(settings), home.memo)


def folder_settings(settings: BackendSettings) -> FolderSettings:
    """What a person set, as far as it concerns model folders.

    Raises
    ------
    UsageError
        A setting cannot be honoured.
    """
    if settings.adapter:
        raise UsageError(
            "Adapters are GGUF files and for models of llama.cpp",
            "Merge the adapter into its base model (peft's merge_and_unload), and name the result.",
        )
    return FolderSettings(
        n_ctx=settings.n_ctx or 0,
        n_threads=settings.n_threads,
        n_parallel=min(_IN_TURN, settings.n_parallel),
        gpu=settings.n_gpu_layers != 0,
        quantization=settings.quantization,
    )


def _looks(path: Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a folder's files: to look at them is quicker than to read them."""
    with os.scandir(path) as entries:
        found = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
    return sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


TRANSFORMERS = FolderBackend("transformers", "transformers", open_transformers)
MLX = FolderBackend("mlx", "mlx-lm", open_mlx)
