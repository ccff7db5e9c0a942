from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.gguf import read_header
from jupyter_localllm.models.shape import ModelShape, read_shape
from jupyter_localllm.types import ModelFile
from tests.tiny_models import write_tiny_llama


def shape_of(path: Path, **metadata: Any) -> ModelShape:
    written = {f"llama.{name}": value for name, value in metadata.items()}
    write_tiny_llama(path, metadata={name.replace("__", "."): value for name, value in written.items()})
    return read_shape(path, read_header(path))


def test_a_models_numbers(tmp_path: Path) -> None:
    """Layers, widths, vocabulary and bytes come from the header."""
    path = tmp_path / "m.gguf"
    found = shape_of(path)
    weights = 4 * (512 * 64 + 64 + 2 * (2 * 64 + 2 * 64 * 64 + 2 * 32 * 64 + 3 * 128 * 64))
    kv = 2 * 2 * (2 * 16) * 2  # layers x (keys and values) x (heads x width) x bytes
    assert found == ModelShape(512, weights, kv, 512, 64, 128, 2, 4)


def test_the_real_models_numbers(model_file: ModelFile) -> None:
    """SmolLM2: what llama.cpp prints when it loads the file."""
    assert (model_file.n_ctx_train, model_file.n_layer, model_file.n_embd, model_file.n_head) == (8192, 30, 576, 9)
    assert (model_file.n_vocab, model_file.n_ff, model_file.kv_bytes_per_token) == (49_152, 1536, 23_040)
    assert model_file.weights_bytes / 2**20 == pytest.approx(92.10, abs=0.01)


@pytest.mark.parametrize(
    ("metadata", "bytes_per_token"),
    [
        ({"attention__head_count_kv": [2, 0]}, 2 * 2 * (2 * 16)),  # hybrid: a layer without attention
        ({"attention__key_length": 32}, 2 * 2 * 2 * (32 + 16)),
        ({"attention__key_length": 24, "attention__value_length": 8}, 2 * 2 * 2 * (24 + 8)),
        ({"attention__key_length": 8, "attention__key_length_swa": 20}, 2 * 2 * 2 * (20 + 16)),
        ({"attention__head_count": [4, 2]}, 2 * 2 * 2 * (16 + 16)),
        ({"attention__head_count": 0, "attention__head_count_kv": 0}, 0),  # recurrent
    ],
)
def test_keys_and_values_by_layer(tmp_path: Path, metadata: dict[str, Any], bytes_per_token: int) -> None:
    """Heads may differ by layer, and keys and values may have widths of their own."""
    assert shape_of(tmp_path / "m.gguf", **metadata).kv_bytes_per_token == bytes_per_token


def test_the_widest_layer_decides(tmp_path: Path) -> None:
    """The compute buffer is that of the widest feed-forward block; of experts, those used together."""
    assert shape_of(tmp_path / "m.gguf", feed_forward_length=[128, 256]).n_ff == 256
    assert shape_of(tmp_path / "m.gguf", expert_used_count=4, expert_feed_forward_length=100).n_ff == 400


@pytest.mark.parametrize(
    "metadata",
    [
        {"block_count": 0},
        {"block_count": 100_000},
        {"block_count": "two"},
        {"context_length": -1},
        {"context_length": 2**40},
        {"embedding_length": 0},
        {"embedding_length": 1.5},
        {"attention__head_count": -1},
        {"attention__head_count": ["a", "b"]},
        {"attention__head_count": list(range(2000))},
        {"attention__head_count_kv": True},
        {"feed_forward_length": 2**60},
    ],
)
def test_senseless_numbers_are_refused(tmp_path: Path, metadata: dict[str, Any]) -> None:
    """A number that no model has is an error about the file, not a crash further on."""
    with pytest.raises(ModelFileError, match="is damaged: its"):
        shape_of(tmp_path / "m.gguf", **metadata)
