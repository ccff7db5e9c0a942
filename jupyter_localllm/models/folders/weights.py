"""The headers of safetensors files: what tensors there are, and whether the files are whole.

Source of the format: https://huggingface.co/docs/safetensors (8 bytes of length, JSON, data).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.mistaken import stat_file

__all__ = ["Weights", "read_weights"]

_LONGEST_HEADER = 100_000_000  # bytes; the limit of the reference implementation
_INDEX = "model.safetensors.index.json"
_AGAIN = "Download the folder again; what is whole is not fetched twice."


@dataclass(frozen=True)
class Weights:
    """All tensors of a folder.

    Parameters
    ----------
    files : tuple of Path
    size_bytes : int
        Of their data.
    numbers : int
        In them.
    """

    files: tuple[Path, ...]
    size_bytes: int
    numbers: int


def read_weights(folder: Path) -> Weights:
    """Look at the headers of all weights of a folder.

    Raises
    ------
    ModelFileError
        There are none, one is missing, cut off, or no safetensors file.
    """
    files = _files(folder)
    found = [_read(file) for file in files]
    return Weights(tuple(files), sum(size for size, _ in found), sum(numbers for _, numbers in found))


def _files(folder: Path) -> list[Path]:
    index = folder / _INDEX
    if index.exists():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise ModelFileError(f"{index} cannot be read: {error}", _AGAIN) from None
        missing = [str(name) for name in names if not (folder / str(name)).exists()]
        if missing:
            raise ModelFileError(
                f"{folder} lacks {len(missing)} of its {len(names)} files of weights: {', '.join(missing[:3])}"
                f"{' …' if len(missing) > 3 else ''}",
                f"The download is under way or broke off. {_AGAIN}",
            )
        return [folder / str(name) for name in names]
    files = sorted(path for path in folder.glob("model*.safetensors") if path.name != "model.safetensors.index.json")
    return files or _none(folder)


def _none(folder: Path) -> list[Path]:
    """Say what is there in the place of weights."""
    names = sorted(path.name for path in folder.iterdir())
    pickles = [name for name in names if name.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    ggufs = [name for name in names if name.lower().endswith(".gguf")]
    partial = [name for name in names if name.endswith((".incomplete", ".part", ".crdownload"))]
    if ggufs:
        hint = f"It holds GGUF files, which llama.cpp runs: write {folder / ggufs[0]} without a backend."
    elif "adapter_model.safetensors" in names:
        hint = "It holds a LoRA adapter. Merge it into its base model (peft's merge_and_unload), and name the result."
    elif partial:
        hint = f"{partial[0]} is still downloading, or broke off. {_AGAIN}"
    elif pickles:
        hint = f"{pickles[0]} is a pickle, which may run any code: fetch the model as safetensors, or convert it."
    else:
        hint = _AGAIN
    raise ModelFileError(f"{folder} holds no weights (model.safetensors).", hint)


def _read(file: Path) -> tuple[int, int]:
    """Bytes and numbers of a file's tensors."""
    size = stat_file(file).st_size
    try:
        with open(file, "rb") as opened:
            head = opened.read(8)
            length = int.from_bytes(head, "little")
            if head.startswith(b"version "):
                raise ModelFileError(f"{file} is a Git LFS pointer, not the weights.", "Run `git lfs pull` there.")
            if not 0 < length <= min(_LONGEST_HEADER, max(0, size - 8)):
                raise ModelFileError(f"{file} is no safetensors file: it begins with {head!r}.", _AGAIN)
            header = json.loads(opened.read(length))
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        needed = 8 + length + max((int(entry["data_offsets"][1]) for entry in tensors.values()), default=0)
        numbers = sum(math.prod(map(int, entry["shape"])) for entry in tensors.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFileError(f"{file} cannot be read: {_said(error)}", _AGAIN) from None
    if size < needed:
        raise ModelFileError(
            f"{file} is cut off or still downloading: {size_text(size)} of {size_text(needed)} are there.", _AGAIN
        )
    return needed - 8 - length, numbers


def _said(error: Any) -> str:
    return str(getattr(error, "strerror", None) or error)
