"""Native code that gives up stops its own thread; the process, its variables and its exit status stay."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from jupyter_localllm.engine import parking
from tests.tiny_models import add_byte_tokenizer, write_tiny_llama

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="parking is for Linux")


def write_tiny_gpt2(path: Path) -> Path:
    """A model with a table of 64 positions: asking for another one is an assertion in the threads that compute."""
    writer = gguf.GGUFWriter(path, "gpt2")
    n_vocab, width, n_ff, n_ctx = 512, 64, 128, 64
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(n_ff)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-5)
    add_byte_tokenizer(writer, n_vocab)
    rows = {"attn_norm": 0, "ffn_norm": 0, "attn_qkv": 3 * width, "attn_output": width, "ffn_up": n_ff}
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (n_vocab, width),
        "position_embd.weight": (n_ctx, width),
        "output_norm.weight": (width,),
        "output_norm.bias": (width,),
        "blk.0.ffn_down.weight": (width, n_ff),
        "blk.0.ffn_down.bias": (width,),
    }
    for name, n_rows in rows.items():
        shapes[f"blk.0.{name}.weight"] = (n_rows, width) if n_rows else (width,)
        shapes[f"blk.0.{name}.bias"] = (n_rows or width,)
    rng = np.random.default_rng(0)
    for name, shape in shapes.items():
        writer.add_tensor(name, rng.standard_normal(shape, dtype=np.float32) / np.float32(10))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {"llama": write_tiny_llama(folder / "llama.gguf"), "gpt2": write_tiny_gpt2(folder / "gpt2.gguf")}


def child(scenario: str, model: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.engine.parking_child", scenario, str(model)],
        check=False,
        capture_output=True,
        timeout=120,
        text=True,
        # without it ggml starts a debugger to print where an abort came from
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        cwd=Path(__file__).parents[2],
    )


@linux
@pytest.mark.parametrize(
    ("scenario", "model", "words"),
    [
        ("batch_too_large", "llama", "llama-context.cpp:"),
        ("batch_too_large", "llama", "n_tokens_all <= cparams.n_batch"),
        ("exception", "llama", "std::runtime_error: Unexpected empty grammar stack"),
        ("exception_with_the_gil", "llama", "std::runtime_error: Unexpected empty grammar stack"),
        ("position_too_large", "gpt2", "GGML_ASSERT(i01 >= 0 && i01 < ne01)"),
        ("positions_too_large", "gpt2", "GGML_ASSERT(i01 >= 0 && i01 < ne01)"),
    ],
)
def test_the_process_lives(scenario: str, model: str, words: str, models: dict[str, Path]) -> None:
    """After a real abort: the reason is told, variables are there, Ctrl-C works, a new thread loads and decodes the
    same, and the process ends with its own status, saying nothing on stderr."""
    done = child(scenario, models[model])
    assert (done.returncode, done.stderr) == (7, "")
    told: dict[str, Any] = json.loads(done.stdout)
    assert words in told["reason"]
    assert "/" not in told["reason"].split(":")[0]
    assert told == {
        "reason": told["reason"],
        "told": told["reason"],
        "the engine's": True,
        "thread lives": True,
        "other's reason": None,
        "kept": {"hours": "of work"},
        "same logits": True,
        "interrupted": True,
    }


@linux
@pytest.mark.parametrize("beside", ["!", "&"])
@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("batch_too_large", "n_tokens_all <= cparams.n_batch"),
        ("exception", "Unexpected empty grammar stack"),
        ("foreign_thread", "terminate called"),
    ],
)
def test_other_threads_abort_as_before(scenario: str, beside: str, words: str, models: dict[str, Path]) -> None:
    """What is not the engine's thread ends the process as without us and says why, also while the engine works."""
    done = child(scenario + beside, models["llama"])
    assert done.returncode == -signal.SIGABRT
    assert words in done.stderr
    assert done.stdout == ""


def test_engaged_counts() -> None:
    """Leaving an inner mark leaves the outer one; an error leaves none."""
    here = threading.get_ident()
    with parking.engaged():
        with pytest.raises(KeyError), parking.engaged():
            raise KeyError
        assert parking.engines(python=True) == [here]
    assert parking.engines(python=True) == []
    assert parking.reason(here) is None


def test_elsewhere_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """On other systems, and with a build that lacks the symbols, it is a no-op."""
    monkeypatch.setattr(parking, "_handlers", [])
    assert parking.install(object()) is False
    monkeypatch.setattr(sys, "platform", "darwin")
    assert parking.install(object()) is False
