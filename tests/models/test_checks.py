from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import gguf
import pytest

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models import checks
from jupyter_localllm.models.checks import check_file, library_knows
from jupyter_localllm.models.gguf import read_header
from jupyter_localllm.types import ModelFile
from tests.tiny_models import write_tiny_llama


def refused(path: Path, **options: Any) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        check_file(path, **options)
    assert caught.value.hint
    return caught.value


def test_a_whole_model_passes(tiny_path: Path, model_file: ModelFile) -> None:
    """A tiny model and the real one are accepted, and their header comes back."""
    assert check_file(tiny_path) == read_header(tiny_path)
    assert check_file(model_file.path).metadata["general.architecture"] == "llama"


@pytest.mark.parametrize(
    ("metadata", "word"),
    [
        ({"general.type": "adapter", "adapter.type": "lora"}, "is a LoRA adapter"),
        ({"general.type": "mmproj"}, "is a multimodal projector"),
        ({"general.type": "imatrix"}, "is an importance matrix"),
        ({"general.architecture": "clip"}, "is a multimodal projector"),
        ({"general.architecture": "controlvector"}, "is a control vector"),
        ({"general.architecture": ""}, "does not say its architecture"),
        ({"general.architecture": 7}, "does not say its architecture"),
        ({"split.count": 3, "split.no": 1}, "is one of 3 parts of a model, and its name does not say so"),
    ],
)
def test_what_is_a_gguf_but_no_model(tmp_path: Path, metadata: dict[str, Any], word: str) -> None:
    """Adapters, projectors, matrices and parts are called what they are."""
    path = write_tiny_llama(tmp_path / "m.gguf", metadata=metadata)
    assert word in refused(path, known_architecture=lambda _: True).message


def test_a_vocabulary_alone_is_no_model(tmp_path: Path) -> None:
    """llama.cpp ships vocabularies as GGUF for its tests; they hold no tensors."""
    path = write_tiny_llama(tmp_path / "ggml-vocab.gguf", tensors=False)
    assert "is a vocabulary without weights" in refused(path).message


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    """The error names the architecture and the upgrade."""
    path = write_tiny_llama(tmp_path / "m.gguf", architecture="llama99")
    error = refused(path)
    assert "has the architecture 'llama99', which the installed llama.cpp does not know" in error.message
    assert "pip install --upgrade llama-cpp-python" in error.hint
    assert check_file(path, known_architecture=lambda name: name == "llama99")


def test_missing_weights_are_counted(tmp_path: Path, tiny_bytes: bytes) -> None:
    """A file cut within the weights says how many of how many bytes are there."""
    path = tmp_path / "m.gguf"
    for missing in (1, 1000, 200_000):
        path.write_bytes(tiny_bytes[:-missing])
        os.utime(path, (1, 1))
        have, whole = len(tiny_bytes) - missing, len(tiny_bytes)
        message = refused(path).message
        assert "is truncated: it ends in the weights" in message
        assert f"{have:,} bytes of {whole:,} are there" in message


@pytest.mark.parametrize(("change", "word"), [(-32, "overlaps the one before it"), (32, "leaves a gap"), (1, "leaves")])
def test_tensors_lie_side_by_side(tmp_path: Path, tiny_bytes: bytes, change: int, word: str) -> None:
    """An offset that is not the end of the tensor before is refused: llama.cpp would refuse the file without a word."""
    header = read_header(_write(tmp_path / "whole.gguf", tiny_bytes))
    victim = header.tensors[5]
    entry = struct.pack("<Q", len(victim.name)) + victim.name.encode()
    at = tiny_bytes.index(entry) + len(entry) + 4 + 8 * len(victim.shape) + 4
    assert struct.unpack_from("<Q", tiny_bytes, at)[0] == victim.offset
    broken = tiny_bytes[:at] + struct.pack("<Q", victim.offset + change) + tiny_bytes[at + 8 :]
    message = refused(_write(tmp_path / "m.gguf", broken)).message
    assert word in message
    assert repr(victim.name) in message


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_knows_what_the_library_knows() -> None:
    """Every architecture of the gguf package that the installed library lists is found in it, and invented ones not."""
    library = checks._find_library()
    if library is None:
        pytest.skip("llama-cpp-python is not installed")
    known = [name for name in gguf.MODEL_ARCH_NAMES.values() if library_knows(name)]
    assert {"llama", "bert", "qwen2", "qwen3", "gemma3", "phi3"} <= set(known)
    assert not any(library_knows(name) for name in ("llama99", "flux", "qwen-of-tomorrow", "sd3"))


def test_asks_the_library_without_importing_it() -> None:
    """library_knows leaves llama_cpp unimported: importing it can already fail or take seconds."""
    code = (
        "import sys\nfrom jupyter_localllm.models.checks import library_knows\n"
        "assert library_knows('llama')\nassert 'llama_cpp' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def fake_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, name: str = "libllama.so") -> Path:
    (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    return tmp_path / name


def test_an_upgrade_in_the_same_place_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a library knows is remembered for one state of its file only."""
    base = b"\0llama\0gemma\0gpt2\0nomic-bert\0"
    library = fake_library(tmp_path, monkeypatch, base)
    assert not library_knows("new")
    assert library_knows("bert")  # merged by the linker with the end of "nomic-bert"
    library.write_bytes(base + b"new\0")
    assert library_knows("new")


@pytest.mark.parametrize("name", ["libllama.so", "libllama.dylib", "llama.dll", "libllama.dll"])
def test_finds_the_library_of_every_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Linux, macOS and both Windows compilers name it differently."""
    fake_library(tmp_path, monkeypatch, b"\0llama\0gemma\0gpt2\0" + name.encode(), name)
    assert library_knows("llama")
    assert not library_knows("other")


def test_no_verdict_without_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a library, or when its texts are hidden, the engine decides."""
    for content in (b"packed", b"\0llama\0"):
        fake_library(tmp_path, monkeypatch, content)
        assert library_knows("anything")
    monkeypatch.setattr(checks, "_find_library", lambda: None)
    assert library_knows("anything")
    monkeypatch.setattr(checks, "_find_library", lambda: tmp_path / "gone")
    assert library_knows("anything")
