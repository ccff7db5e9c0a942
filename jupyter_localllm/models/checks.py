"""Whether a file may be given to llama.cpp: what its header alone can tell.

Every failure here would otherwise come from the native loader, as "failed to load model", or as an abort that takes the
kernel along.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from jupyter_localllm.models.gguf import Header, read_header
from jupyter_localllm.models.mistaken import GET_AGAIN, truncated, unusable

__all__ = ["check_file", "library_knows"]

_CHAT_FILE = "Choose the model's own GGUF file."
_NOT_MODELS = {
    "adapter": ("a LoRA adapter, which changes a model but is none", "Load the base model; an adapter goes with it."),
    "controlvector": ("a control vector, which steers a model but is none", _CHAT_FILE),
    "mmproj": ("a multimodal projector (eyes or ears of a model), not a model", _CHAT_FILE),
    "clip": ("a multimodal projector (eyes or ears of a model), not a model", _CHAT_FILE),
    "imatrix": ("an importance matrix, a tool for quantizing, not a model", _CHAT_FILE),
    "vocab": ("a vocabulary without weights", _CHAT_FILE),
}
"""By ``general.type`` or ``general.architecture``: what else comes as GGUF."""


def check_file(path: str | os.PathLike[str], *, known_architecture: Callable[[str], bool] | None = None) -> Header:
    """Read a model file's header and judge it.

    Parameters
    ----------
    path : path
        The file.
    known_architecture : callable, optional
        Whether an architecture can be run; `library_knows` if not given.

    Returns
    -------
    Header

    Raises
    ------
    ModelFileError
        It is no GGUF, not whole, not a model, one of several parts, or of an architecture that the installed llama.cpp
        does not know.
    """
    header = read_header(path)
    _check_kind(path, header)
    _check_tensors(path, header)
    architecture = header.metadata.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise unusable(path, "does not say its architecture (general.architecture)")
    if not (known_architecture or library_knows)(architecture):
        what = f"has the architecture {architecture[:64]!a}, which the installed llama.cpp does not know"
        hint = "Upgrade it (pip install --upgrade llama-cpp-python), or choose another model."
        raise unusable(path, what, hint)
    return header


def _check_kind(path: str | os.PathLike[str], header: Header) -> None:
    """Refuse what is not a whole model."""
    data = header.metadata
    parts = data.get("split.count", 0)
    if isinstance(parts, int) and parts > 1:
        number = data.get("split.no", 0)
        which = f"part {number + 1} of {parts}" if isinstance(number, int) else f"one of {parts} parts"
        hint = (
            "Models in several files come with a later version; join them with llama.cpp's `llama-gguf-split --merge`."
        )
        raise unusable(path, f"is {which} of a split model", hint)
    for key in ("general.type", "general.architecture"):
        found = _NOT_MODELS.get(str(data.get(key, "")).lower())
        if found:
            raise unusable(path, f"is {found[0]}", found[1])
    if not header.tensors:
        what = "is a vocabulary without weights" if "tokenizer.ggml.model" in data else "holds no tensors"
        raise unusable(path, what, _CHAT_FILE)


def _check_tensors(path: str | os.PathLike[str], header: Header) -> None:
    """Refuse tensors that do not follow each other without gap or overlap (llama.cpp's own rule), or leave the file."""
    expected, end = 0, 0
    for tensor in header.tensors:
        if tensor.offset != expected:
            fault = "overlaps the one before it" if tensor.offset < expected else "leaves a gap before it"
            what = f"tensor {tensor.name!a} {fault} (it begins at byte {tensor.offset:,}, not at {expected:,})"
            raise unusable(path, f"is damaged: {what}", GET_AGAIN)
        end = tensor.offset + tensor.size_bytes
        expected = -(-end // header.alignment) * header.alignment
    if header.data_offset + end > header.size_bytes:
        raise truncated(path, "in the weights", header.data_offset + end, header.size_bytes, least=False)


# ---------------------------------------------------------------------------------------------------------------------
# What the installed library can run

_SENTINELS = ("llama", "gemma", "gpt2")


def library_knows(architecture: str) -> bool:
    """Whether the installed llama.cpp knows an architecture, without loading or importing it.

    The names stand in the library as NUL-terminated texts (``LLM_ARCH_NAMES`` of ``llama-arch.cpp``). Linkers merge a
    text with the end of a longer one ("bert" lives in "nomic-bert"), so what stands before a name is not looked at.

    Parameters
    ----------
    architecture : str
        llama.cpp's name, as ``"qwen2"``.

    Returns
    -------
    bool
        True also when no library is found or its names cannot be seen: then the engine will tell.
    """
    library = _find_library()
    if library is None:
        return True
    try:
        found = library.stat()
        return _stands_in(library, found.st_mtime_ns, found.st_size, architecture)
    except OSError:
        return True


@functools.lru_cache(maxsize=256)
def _stands_in(library: Path, mtime_ns: int, size: int, name: str) -> bool:
    """Whether a name stands in a library; remembered for this state of its file."""
    content = library.read_bytes()
    if not all(sentinel.encode() + b"\0" in content for sentinel in _SENTINELS):
        return True  # stripped, packed or compiled in a way that hides texts
    return name.encode("utf-8", "replace") + b"\0" in content


def _find_library() -> Path | None:
    """Find the shared library that ``import llama_cpp`` would load."""
    folders = [Path(folder)] if (folder := os.environ.get("LLAMA_CPP_LIB_PATH")) else []
    try:
        spec = importlib.util.find_spec("llama_cpp")
    except (ImportError, ValueError):
        spec = None
    folders += [Path(place) / "lib" for place in (spec and spec.submodule_search_locations) or ()]
    names = ("libllama.so", "libllama.dylib", "llama.dll", "libllama.dll")
    return next((found for folder in folders for name in names if (found := folder / name).is_file()), None)
