"""The child process dies in the kernel's stead, and says of what."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jupyter_localllm.engine.llama.check import build_identity, check_in_child
from jupyter_localllm.errors import ModelCheckFailed

# Each of these children really dies of the signal it is named for.
DEATHS = {
    "SIGSEGV": "import ctypes; ctypes.string_at(8)",
    "SIGILL": "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
    "SIGKILL": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "SIGABRT": "import os; os.abort()",
    "SIGFPE": "import os, signal; os.kill(os.getpid(), signal.SIGFPE)",
}


def child(program: str) -> list[str]:
    quiet = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
    return [sys.executable, "-c", quiet + program]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("name", DEATHS)
def test_a_child_that_dies_is_named(name: str) -> None:
    """The error names the signal, what it means and what to do; this process lives."""
    with pytest.raises(ModelCheckFailed, match=name) as caught:
        list(check_in_child("model.gguf", argv=child(DEATHS[name])))
    assert "model.gguf" in caught.value.message
    assert "untouched" in caught.value.message
    assert caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_want_of_memory_is_not_a_bad_build() -> None:
    """SIGKILL is the out-of-memory killer's, so the advice is about memory; SIGILL is about the build."""
    hints = {}
    for name in ("SIGKILL", "SIGILL"):
        with pytest.raises(ModelCheckFailed) as caught:
            list(check_in_child("model.gguf", argv=child(DEATHS[name])))
        hints[name] = caught.value.hint
    assert "smaller model" in hints["SIGKILL"]
    assert "GGML_NATIVE=OFF" in hints["SIGILL"]
    assert "--no-cache-dir" in hints["SIGILL"]


def test_a_child_that_fails_is_quoted() -> None:
    """A child that ends with an error status is quoted with its last words."""
    with pytest.raises(ModelCheckFailed, match="unknown pre-tokenizer"):
        list(check_in_child("model.gguf", argv=child("import sys; sys.exit('unknown pre-tokenizer')")))


def test_a_child_that_hangs_is_ended() -> None:
    """A child that does not come back is ended, and said to hang."""
    with pytest.raises(ModelCheckFailed, match="did not end within"):
        list(check_in_child("model.gguf", argv=child("import time; time.sleep(60)"), timeout_seconds=0.3))


def test_leaving_ends_the_child(tmp_path: Path) -> None:
    """Who stops waiting leaves no child behind."""
    alive = tmp_path / "alive"
    program = f"import time, pathlib; time.sleep(1.0); pathlib.Path({str(alive)!r}).touch()"
    check = check_in_child("model.gguf", argv=child(program))
    next(check)
    check.close()
    import time

    time.sleep(1.3)
    assert not alive.exists()


@pytest.mark.model
def test_a_good_model_passes(model_path: Path) -> None:
    """The real model decodes a token in the child."""
    assert [status.stage for status in check_in_child(str(model_path))] == ["checking"]


@pytest.mark.model
def test_a_truncated_model_fails_in_the_child(model_path: Path, tmp_path: Path) -> None:
    """A cut file is refused, with a reason, whatever llama.cpp makes of it."""
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model_path.read_bytes()[:40_000_000])
    with pytest.raises(ModelCheckFailed, match=r"cut\.gguf"):
        list(check_in_child(str(cut)))


def test_identity_is_stable() -> None:
    """The same build on the same machine is known again."""
    assert build_identity() == build_identity()


@pytest.mark.model
def test_files_beside_the_notebook_are_not_imported(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's own queue.py or json.py in the working directory has no part in the check."""
    for name in ("queue", "json", "types", "llama_cpp"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('this is mine')")
    monkeypatch.chdir(tmp_path)
    list(check_in_child(str(model_path)))


def test_identity_without_a_folder_of_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Distributions may keep the libraries elsewhere: the version and the CPU are the identity then."""
    (tmp_path / "llama_cpp").mkdir()
    (tmp_path / "llama_cpp" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "llama_cpp", raising=False)
    assert build_identity()
