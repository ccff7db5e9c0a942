"""Let a child process decode one token before the kernel does.

A build of llama.cpp that uses instructions this CPU does not have, or a file that breaks it, kills the process it runs
in. That process must not be the one that holds the user's variables. Does not import ``llama_cpp``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import platform
from collections.abc import Generator, Sequence
from pathlib import Path

from jupyter_localllm.engine.children import command, death, last_line, tried
from jupyter_localllm.engine.processor import cpu_identity
from jupyter_localllm.errors import DependencyMissing, ModelCheckFailed
from jupyter_localllm.types import Status

__all__ = ["build_identity", "check_in_child"]


def build_identity() -> str:
    """What a check holds for: the version and file of llama.cpp's library, and the CPU with its features.

    Raises
    ------
    DependencyMissing
        llama-cpp-python is not installed.
    """
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        raise DependencyMissing(
            "llama-cpp-python is not installed", 'Run: CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install llama-cpp-python'
        )
    parts = [_version(), platform.machine(), cpu_identity()]
    for library in sorted(
        (Path(next(iter(spec.submodule_search_locations))) / "lib").glob("*")
    ):  # none if it is elsewhere
        stat = library.stat()
        parts.append(f"{library.name}:{stat.st_size}:{stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def check_in_child(
    path: str,
    adapter: str = "",
    *,
    n_gpu_layers: int | None = 0,
    argv: Sequence[str] | None = None,
    timeout_seconds: float = 600.0,
) -> Generator[Status, None, None]:
    """Decode one token with `path` in a child process; no error means that it worked.

    Parameters
    ----------
    path : str
        The GGUF.
    adapter : str
        A LoRA adapter to apply, or ``""``.
    n_gpu_layers : int or None
        As the engine will load it; None where it decides by itself.
    argv : sequence of str, optional
        Another program for the child, for tests.
    timeout_seconds : float
        After which the child counts as hung.

    Raises
    ------
    ModelCheckFailed
        With the signal or the words of the child, and what to do.
    """
    program = list(
        argv
        or command(
            "jupyter_localllm.engine.llama.probe", path, adapter, "auto" if n_gpu_layers is None else str(n_gpu_layers)
        )
    )
    name = f"{Path(path).name} and {Path(adapter).name}" if adapter else Path(path).name
    told = yield from tried(
        program,
        timeout_seconds,
        saying=f"first use of {name} with this build: checking it in a child process",
        doing=f"decoding one token with {name}",
        slow="A smaller model or quantization may do; a file on a slow disk may need a second try.",
    )
    if told.code != 0:
        raise _failure(name, told.code, told.words)


def _failure(name: str, code: int, words: str) -> ModelCheckFailed:
    died = death(code)
    if died is None:
        return ModelCheckFailed(f"llama.cpp cannot use {name}: {last_line(words) or f'exit status {code}'}")
    return ModelCheckFailed(
        f"decoding one token with {name} killed the child process by {died.cause}: {died.why}. "
        "Your kernel and its variables are untouched.",
        died.hint,
    )


def _version() -> str:
    try:
        return importlib.metadata.version("llama-cpp-python")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
