"""Read a few tokens with a model folder: the program of the child process that dies in the kernel's stead."""

from __future__ import annotations

import json
import sys

__all__ = ["NO_ROOM", "main"]

NO_ROOM = 3
"""The exit status that says that memory is short."""


def main(scheme: str, path: str, name: str, settings: str) -> int:
    """Load the folder at `path` as the kernel will, read a prompt and one token; the exit status.

    Returns 1 for an error that the library reported itself, `NO_ROOM` where memory is short: the words are the last
    line of stderr.
    """
    from jupyter_localllm.engine.children import be_the_first_to_go
    from jupyter_localllm.engine.inprocess import FolderSettings, Library, open_mlx, open_transformers
    from jupyter_localllm.engine.inprocess.loaded import LoadedFolder
    from jupyter_localllm.errors import LocalLLMError, ModelMemoryError
    from jupyter_localllm.models.folders import describe_folder, plan_folder

    be_the_first_to_go()
    library: Library = open_transformers if scheme == "transformers" else open_mlx
    try:
        folder = describe_folder(path, name, scheme, lambda _path: "")
        loaded = LoadedFolder(folder, FolderSettings(**json.loads(settings)), library, plan_folder)
        loaded.try_out()
    except LocalLLMError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return NO_ROOM if isinstance(error, ModelMemoryError) else 1
    return 0
