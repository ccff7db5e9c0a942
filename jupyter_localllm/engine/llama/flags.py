"""What the installed build of llama.cpp was made for: asked of a child process, since a wrong build may die of it.

``main()`` prints one line of JSON. Does not import ``llama_cpp`` before that.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_localllm.engine.children import command, death, last_line
from jupyter_localllm.errors import EngineError

__all__ = ["BuildFlags", "build_flags", "main"]


@dataclass(frozen=True)
class BuildFlags:
    """What a build of llama.cpp says of itself.

    Parameters
    ----------
    version : str
        Of llama-cpp-python.
    features : frozenset of str
        ggml's names of what it uses of the CPU: ``"AVX2"``, ``"AMX_INT8"``, ``"DOTPROD"`` …
    offloads : bool
        Whether layers can go to a GPU.
    devices : tuple of str
        The accelerators that it sees, in words.
    """

    version: str
    features: frozenset[str]
    offloads: bool = False
    devices: tuple[str, ...] = ()


def build_flags(*, argv: Sequence[str] | None = None, timeout_seconds: float = 60.0) -> BuildFlags:
    """Ask the installed build, in a child process.

    Parameters
    ----------
    argv : sequence of str, optional
        Another program for the child, for tests.
    timeout_seconds : float

    Raises
    ------
    EngineError
        The library cannot be loaded, or dies of it; the message says how, the hint what to do.
    """
    program = list(argv or command("jupyter_localllm.engine.llama.flags"))
    try:
        done = subprocess.run(
            program, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"llama.cpp's library was not loaded within {timeout_seconds:.0f} s") from None
    except OSError as error:
        raise EngineError(f"no process could be started: {error}") from None
    if died := death(done.returncode):
        raise EngineError(f"loading llama.cpp's library killed the process by {died.cause}: {died.why}", died.hint)
    words = done.stderr.decode("utf-8", "replace")
    try:
        said = json.loads(done.stdout.decode("utf-8", "replace").strip().splitlines()[-1])
        return BuildFlags(
            str(said["version"]), features_in(said["system"]), bool(said["gpu"]), tuple(map(str, said["devices"]))
        )
    except (ValueError, KeyError, IndexError, TypeError):
        raise EngineError(
            f"llama.cpp's library cannot be asked: {last_line(words) or f'exit status {done.returncode}'}",
            'CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install --force-reinstall --no-cache-dir llama-cpp-python',
        ) from None


def features_in(said: str) -> frozenset[str]:
    """The names that ``llama_print_system_info`` gives the value 1.

    Examples
    --------
    >>> sorted(features_in("CPU : AVX2 = 1 | AVX512 = 0 | OPENMP = 1 | "))
    ['AVX2', 'OPENMP']
    """
    return frozenset(name for name, value in re.findall(r"(\w+) = (\d+)", said) if value != "0")


def main() -> int:
    """Print what the build says of itself."""
    from jupyter_localllm.engine.children import be_the_first_to_go
    from jupyter_localllm.engine.llama.devices import accelerators, libraries
    from jupyter_localllm.engine.llama.native import open_library
    from jupyter_localllm.errors import LocalLLMError

    be_the_first_to_go()
    try:
        lib = open_library().lib
    except LocalLLMError as error:
        print(error.message, file=sys.stderr)
        return 1
    gpu = bool(lib.llama_supports_gpu_offload())
    devices = [device.description or device.name for device in accelerators(libraries(lib))] if gpu else []
    system = lib.llama_print_system_info().decode("utf-8", "replace")
    print(json.dumps({"version": lib.__version__, "system": system, "gpu": gpu, "devices": devices}))
    return 0
