"""Whether a file may be given to llama.cpp: what its header alone can tell.

Every failure here would otherwise come from the native loader, as "failed to load model", or as an abort that takes the
kernel along.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from jupyter_localllm.config.reach import reachable
from jupyter_localllm.models.gguf import Header, read_header
from jupyter_localllm.models.kinds import kind_of
from jupyter_localllm.models.mistaken import GET_AGAIN, truncated, unusable
from jupyter_localllm.models.parts import part_names

__all__ = ["check_adapter", "check_alone", "check_file", "check_model", "library_knows"]

_MODELS = ("chat", "completion", "embedding", "reranker")
_CHAT_FILE = "Choose the model's own GGUF file."
_NOT_MODELS = {
    "adapter": ("a LoRA adapter, which changes a model but is none", "Load the base model; an adapter goes with it."),
    "control vector": ("a control vector, which steers a model but is none", _CHAT_FILE),
    "projector": ("a multimodal projector (eyes or ears of a model), not a model", _CHAT_FILE),
    "imatrix": ("an importance matrix, a tool for quantizing, not a model", _CHAT_FILE),
    "vocabulary": ("a vocabulary without weights", _CHAT_FILE),
}
"""By kind: what else comes as GGUF."""


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
        Of a model in several files: that of the first, with the tensors of all.

    Raises
    ------
    ModelFileError
        It is no GGUF, not whole, not a model, lacks other parts of itself, or is of an architecture that the installed
        llama.cpp does not know.
    """
    header = check_model(path, known_architecture=known_architecture)
    found = _NOT_MODELS.get(kind_of(header))
    if found:
        raise unusable(path, f"is {found[0]}", found[1])
    return header


def check_model(path: str | os.PathLike[str], *, known_architecture: Callable[[str], bool] | None = None) -> Header:
    """Do as `check_file`, and let adapters, projectors and what else comes as GGUF pass."""
    header = _whole(path, read_header(path))
    if not header.tensors and kind_of(header) != "vocabulary":
        raise unusable(path, "holds no tensors", _CHAT_FILE)
    architecture = header.metadata.get("general.architecture")
    if kind_of(header) in _NOT_MODELS:
        return header
    if not isinstance(architecture, str) or not architecture:
        raise unusable(path, "does not say its architecture (general.architecture)")
    if not (known_architecture or library_knows)(architecture):
        what = f"has the architecture {architecture[:64]!a}, which the installed llama.cpp does not know"
        hint = "Upgrade it (pip install --upgrade llama-cpp-python), or choose another model."
        raise unusable(path, what, hint)
    return header


def check_alone(path: str | os.PathLike[str]) -> Header:
    """Check that one file is a whole GGUF, whatever it is for; of a split model, this part alone.

    Raises
    ------
    ModelFileError
        It is no GGUF, not whole, or empty.
    """
    header = read_header(path)
    if not header.tensors and not header.metadata.get("split.count") and kind_of(header) != "vocabulary":
        raise unusable(path, "holds no tensors", _CHAT_FILE)
    _check_tensors(path, header)
    return header


def check_adapter(path: str | os.PathLike[str], architecture: str) -> Header:
    """Read an adapter's header and judge it.

    Parameters
    ----------
    path : path
    architecture : str
        Of the model that it shall change.

    Raises
    ------
    ModelFileError
        It is no GGUF, not whole, no LoRA adapter, or made for models of another architecture.
    """
    header = check_model(path)
    kind = kind_of(header)
    if kind != "adapter":
        what = "a model" if kind in _MODELS else f"a {kind}" if kind != "imatrix" else "an importance matrix"
        raise unusable(
            path, f"is {what}, not a LoRA adapter", "Name the adapter's GGUF file; the model is another one."
        )
    form = header.metadata.get("adapter.type")
    if form != "lora":
        raise unusable(path, f"is an adapter of the type {str(form)[:40]!a}, not a LoRA", "Convert a LoRA to GGUF.")
    made_for = header.metadata.get("general.architecture")
    if made_for != architecture:
        what = f"was made for models of the architecture {str(made_for)[:64]!a}, and this one is {architecture!a}"
        raise unusable(path, what, "Choose the adapter's own base model.")
    return header


def _whole(path: str | os.PathLike[str], header: Header) -> Header:
    """Check the tensors of all parts, and give the header of the first with the tensors of all."""
    count = header.metadata.get("split.count", 0)
    if not isinstance(count, int) or count <= 1:
        _check_tensors(path, header)
        return header
    name, parts = Path(path).name, part_names(Path(path).name)
    if len(parts) != count:
        what = f"is one of {count} parts of a model, and its name does not say so"
        raise unusable(
            path, what, f"llama.cpp finds the parts by names as NAME-00001-of-{count:05d}.gguf: restore them."
        )
    files = [Path(path).with_name(part) for part in parts]
    missing = [file.name for file in files if reachable(file) and not file.is_file()]  # silent ones are told below
    if missing:
        listed = f"{', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}"
        what = f"is one of {count} parts of a model, and {len(missing)} of them are not beside it: {listed}"
        raise unusable(path, what, "Get the missing parts into the same folder.")
    headers = [header if file.name == name else read_header(file) for file in files]
    for number, (file, part) in enumerate(zip(files, headers, strict=True)):
        found = (part.metadata.get("split.no", 0), part.metadata.get("split.count", 0))
        if found != (number, count):
            what = f"says it is part {found[0]} of {found[1]}, counted from 0, where part {number} of {count} must be"
            raise unusable(file, what)
        _check_tensors(file, part)
    tensors = tuple(tensor for part in headers for tensor in part.tensors)
    promised = headers[0].metadata.get("split.tensors.count", len(tensors))
    if promised != len(tensors):
        raise unusable(path, f"promises {promised} tensors in {count} parts, and {len(tensors)} are there")
    return replace(headers[0], tensors=tensors, size_bytes=sum(part.size_bytes for part in headers))


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
