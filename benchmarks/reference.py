"""llama.cpp's own tools: built from llama-cpp-python's source distribution, run, and their output read."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["TARGETS", "Reference", "build", "linked", "parse_batched", "parse_bench", "reference"]

TARGETS = ("llama-bench", "llama-batched-bench", "llama-server")
_FLAGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DGGML_NATIVE=OFF",  # as the library itself is built: see scripts/setup_env.py
    *("-DLLAMA_CURL=OFF", "-DLLAMA_OPENSSL=OFF", "-DLLAMA_BUILD_UI=OFF", "-DLLAMA_BUILD_WEBUI=OFF"),
    *("-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_TOOLS=ON", "-DLLAMA_BUILD_SERVER=ON"),
)


@dataclass(frozen=True)
class Reference:
    """The tools in a folder.

    Parameters
    ----------
    folder : Path
        Holds `TARGETS`.
    library : Path or None
        Folder of the libraries that the tools load in place of the ones they were built with: those of the installed
        ``llama_cpp``, so that both sides run the very same code. None: their own.
    """

    folder: Path
    library: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """In which the tools run."""
        if self.library is None:
            return dict(os.environ)
        path = os.pathsep.join(filter(None, (str(self.library), os.environ.get("LD_LIBRARY_PATH", ""))))
        return {**os.environ, "LD_LIBRARY_PATH": path}

    def command(self, name: str) -> str:
        """Path of a tool."""
        return str(self.folder / (name + (".exe" if os.name == "nt" else "")))

    def run(self, name: str, arguments: Sequence[object]) -> str:
        """What a tool prints."""
        command = [self.command(name), *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout

    def generation(self, common: Sequence[object], *, tokens: int, depth: int) -> float:
        """Tokens a second of ``llama-bench``: `tokens` of them after `depth` others, once."""
        options = ("-p", 0, "-n", tokens, "-d", depth, "-fa", "on", "-r", 1, "-o", "json")
        return parse_bench(self.run("llama-bench", [*common, *options]), tokens=tokens, depth=depth)[0]

    def batched(self, common: Sequence[object], *, prompt: int, tokens: int, sequences: int) -> Batched:
        """Speeds of ``llama-batched-bench`` with a shared prompt in one unified cache."""
        window = prompt + sequences * tokens + 256
        shape = ("-npp", prompt, "-ntg", tokens, "-npl", sequences, "-c", window, "-b", 2048, "-ub", 512)
        options = ("-pps", "-kvu", "-fa", "on", "--output-format", "jsonl")
        return parse_batched(self.run("llama-batched-bench", [*common, *shape, *options]))

    def described(self) -> dict[str, Any]:
        """For the report: which build, and whose libraries."""
        version = subprocess.run(
            [self.command("llama-bench"), "--version"], env=self.environment, capture_output=True, text=True, check=True
        )
        text = (version.stdout + version.stderr).strip().splitlines()
        own = "the installed llama_cpp's: both sides run the same library files"
        return {"version": text, "library": "as built with the tools" if self.library is None else own}


@dataclass(frozen=True)
class Batched:
    """What ``llama-batched-bench`` says about one shape, in tokens a second."""

    prompt_per_second: float
    generated_per_second: float
    shape: dict[str, int] = field(default_factory=dict)


def parse_bench(text: str, *, tokens: int, depth: int) -> list[float]:
    """Tokens a second of each repeat, from the JSON of ``llama-bench``.

    Raises
    ------
    ValueError
        It measured something else.
    """
    for test in json.loads(text):
        if (test["n_prompt"], test["n_gen"], test["n_depth"], test["flash_attn"]) == (0, tokens, depth, 1):
            return [float(speed) for speed in test["samples_ts"]]
    raise ValueError(f"llama-bench told nothing of {tokens} tokens at depth {depth} with flash attention:\n{text}")


def parse_batched(text: str) -> Batched:
    """The figures of the one shape in the JSON lines of ``llama-batched-bench``; other lines are passed over."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    if len(lines) != 1:
        raise ValueError(f"llama-batched-bench told of {len(lines)} shapes, not of one:\n{text}")
    shape = {name: int(lines[0][name]) for name in ("pp", "tg", "pl", "flash_attn", "is_pp_shared")}
    return Batched(float(lines[0]["speed_pp"]), float(lines[0]["speed_tg"]), shape)


def linked(text: str) -> dict[str, Path]:
    """Library names and the files that stand for them, from what ``ldd`` prints."""
    return {name: Path(path) for name, path in re.findall(r"^\s*(\S+) => (/\S+)", text, flags=re.MULTILINE)}


def reference(folder: Path, *, own_library: bool = False) -> Reference:
    """The tools in `folder` or below it, with the installed library if they can load it.

    Raises
    ------
    FileNotFoundError
        They are not there.
    """
    for place in (folder, folder / "bin", folder / "build" / "bin"):
        tools = Reference(place.resolve())
        if all(Path(tools.command(name)).is_file() for name in TARGETS):
            break
    else:
        raise FileNotFoundError(f"no {', '.join(TARGETS)} in {folder}: --build-reference {folder} makes them")
    library = _installed_library()
    if own_library or library is None or not sys.platform.startswith("linux"):
        return tools
    same = Reference(tools.folder, library)
    found = subprocess.run(
        ["ldd", tools.command("llama-bench")], env=same.environment, capture_output=True, text=True, check=False
    )
    ours = {name: path for name, path in linked(found.stdout).items() if name.startswith(("libllama.", "libggml"))}
    return same if ours and all(path.parent == library for path in ours.values()) else tools


def build(folder: Path, *, gpu: bool = False) -> Reference:
    """Make the tools in `folder` from the source distribution of the installed llama-cpp-python.

    Takes minutes; needs a C++ compiler and CMake. ``CMAKE_ARGS`` is passed on.
    """
    version = importlib.metadata.version("llama-cpp-python")
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"llama_cpp_python-{version}.tar.gz"
    if not archive.is_file():
        # pip asks the build backend for metadata; with the backend installed it need not fetch one
        here = ["--no-build-isolation"] if importlib.util.find_spec("scikit_build_core") else []
        pip = [sys.executable, "-m", "pip", "download", "--no-binary", ":all:", "--no-deps", *here]
        subprocess.run([*pip, "--dest", str(folder), f"llama-cpp-python=={version}"], check=True)
    source = folder / f"llama_cpp_python-{version}" / "vendor" / "llama.cpp"
    if not source.is_dir():
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    made = folder / "build"
    cuda = ["-DGGML_CUDA=ON"] if gpu else []
    more = [*cuda, *shlex.split(os.environ.get("CMAKE_ARGS", ""))]
    subprocess.run(["cmake", "-S", source, "-B", made, *_FLAGS, *more], check=True)
    jobs = str(os.cpu_count() or 2)
    subprocess.run(["cmake", "--build", made, "--config", "Release", "-j", jobs, "--target", *TARGETS], check=True)
    return reference(made)


def _installed_library() -> Path | None:
    spec = importlib.util.find_spec("llama_cpp")
    library = Path(spec.origin).parent / "lib" if spec and spec.origin else None
    return library.resolve() if library is not None and library.is_dir() else None
