"""What a folder is: read from its settings and headers, and refused with the next step."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.folders import describe_folder
from jupyter_localllm.types import ModelFolder
from tests.models.folders.made import looks_like_a_model
from tests.tiny_folders import write_json, write_safetensors


def described(folder: Path, backend: str = "transformers") -> ModelFolder:
    return describe_folder(folder, "mine", backend, lambda path: path.read_bytes().hex())


def test_a_folder_is_described(tmp_path: Path) -> None:
    """Sizes, window, keys and values, template, control tokens."""
    model = described(looks_like_a_model(tmp_path))
    assert (model.size_bytes, model.n_weights, model.n_embd, model.n_ctx_train) == (40, 10, 8, 512)
    assert model.kv_numbers_per_token == 2 * 3 * 2 * 2  # keys and values, layers, heads, numbers of a head
    assert (model.architecture, model.writes, model.packed) == ("LlamaForCausalLM", True, "")
    assert (model.chat_template, model.special, model.ends) == ("{{ 1 }}", {"eos_token": "</s>"}, (2,))


def test_nested_settings_are_read(tmp_path: Path) -> None:
    """Models that see as well keep the settings of their texts one level down."""
    text = {"hidden_size": 16, "max_position_embeddings": 99, "eos_token_id": [5, 6]}
    model = described(looks_like_a_model(tmp_path, text_config=text))
    assert (model.n_embd, model.n_ctx_train, model.ends) == (16, 99, (5, 6))


def test_templates_are_found_where_they_lie(tmp_path: Path) -> None:
    """A file of its own counts before the tokenizer's settings, of several the one named default."""
    folder = looks_like_a_model(tmp_path)
    several = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]
    write_json(folder / "tokenizer_config.json", {"chat_template": several})
    assert described(folder).chat_template == "D"
    (folder / "chat_template.jinja").write_text("J", encoding="utf-8")
    assert described(folder).chat_template == "J"
    (folder / "chat_template.jinja").unlink()
    write_json(folder / "tokenizer_config.json", {})
    assert described(folder).chat_template == ""  # a base model


def test_embedding_models_are_known(tmp_path: Path) -> None:
    """By sentence-transformers' files, whatever the architecture; with their pooling."""
    folder = looks_like_a_model(tmp_path)
    write_json(folder / "modules.json", {})
    (folder / "1_Pooling").mkdir()
    write_json(folder / "1_Pooling" / "config.json", {"pooling_mode_lasttoken": True})
    assert (described(folder).writes, described(folder).pooling) == (False, "last")
    write_json(folder / "1_Pooling" / "config.json", {"pooling_mode_cls_token": True})
    assert described(folder).pooling == "cls"
    assert not described(looks_like_a_model(tmp_path / "bert", architectures=["BertModel"])).writes


def test_what_decides_answers_is_in_the_hash(tmp_path: Path) -> None:
    """Weights, template and settings change it; the folder's place and a README do not."""
    folder, twin = looks_like_a_model(tmp_path / "a"), looks_like_a_model(tmp_path / "b")
    first = described(folder).sha256
    assert described(twin).sha256 == first
    (twin / "README.md").write_text("new")
    assert described(twin).sha256 == first
    seen = {first}
    write_json(twin / "generation_config.json", {"eos_token_id": 7})
    seen.add(described(twin).sha256)
    (twin / "chat_template.jinja").write_text("J")
    seen.add(described(twin).sha256)
    write_safetensors(twin / "model.safetensors", {"a": np.ones(10, np.float32)})
    seen.add(described(twin).sha256)
    assert len(seen) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="links")
def test_files_kept_under_their_hash_are_not_read(tmp_path: Path) -> None:
    """In Hugging Face's cache large files are called by their sha256: nothing of gigabytes is hashed again."""
    folder, asked = looks_like_a_model(tmp_path / "snapshots"), []
    blob = tmp_path / "blobs" / ("ab" * 32)
    blob.parent.mkdir()
    (folder / "model.safetensors").rename(blob)
    (folder / "model.safetensors").symlink_to(blob)
    describe_folder(folder, "mine", "mlx", lambda path: asked.append(path.name) or "x")  # type: ignore[func-returns-value]
    assert sorted(asked) == ["config.json", "tokenizer.json", "tokenizer_config.json"]


def adapter(folder: Path) -> None:
    (folder / "config.json").unlink()
    write_json(folder / "adapter_config.json", {"base_model_name_or_path": "org/base"})


def change(**config: Any) -> Callable[[Path], None]:
    return lambda folder: looks_like_a_model(folder, **config) and None


BAD: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "no config.json", "Download"),
    "empty config": (lambda f: write_json(f / "config.json", {}), "is empty", "Download"),
    "half a config": (lambda f: (f / "config.json").write_text('{"a"') and None, "cannot be read", "Download"),
    "a page": (lambda f: (f / "config.json").write_text("<html>") and None, "cannot be read", "Download"),
    "a list": (lambda f: (f / "config.json").write_text("[1]") and None, "no JSON object", "Download"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.json", "save_pretrained"),
    "own file": (change(model_file="x.py"), "code of its own", "Newer versions"),
    "adapter": (adapter, "LoRA adapter of org/base", "merge"),
    "reranker": (change(architectures=["XForSequenceClassification"]), "reranker", "chat model"),
    "two halves": (change(is_encoder_decoder=True), "encoder and a decoder", "only has a decoder"),
    "for mlx": (change(quantization={"group_size": 64, "bits": 4}), "quantized for MLX", "mlx:"),
    "kernels": (change(attn_implementation="org/kernels"), "kernels to be fetched", "attn_implementation"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no weights", "Download"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_model_is_refused(what: str, tmp_path: Path) -> None:
    """Each with what it is, and the next step."""
    spoil, message, hint = BAD[what]
    folder = looks_like_a_model(tmp_path)
    spoil(folder)
    with pytest.raises(ModelFileError, match=message) as caught:
        described(folder)
    assert any(words in caught.value.hint for words in hint.split("|"))


def test_quantized_folders_go_to_who_reads_them(tmp_path: Path) -> None:
    """MLX's own to MLX, bitsandbytes' not."""
    assert described(looks_like_a_model(tmp_path, quantization={"group_size": 64, "bits": 4}), "mlx").packed == "mlx"
    folder = looks_like_a_model(tmp_path, quantization_config={"quant_method": "bitsandbytes"})
    with pytest.raises(ModelFileError, match="bitsandbytes"):
        described(folder, "mlx")
    assert described(folder).packed == "bitsandbytes"


def test_any_json_is_an_error_or_a_description(tmp_path: Path) -> None:
    """Settings of a wrong kind never raise anything of Python's own."""
    for name in ("config.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json"):
        for value in ({"eos_token_id": "x", "chat_template": 3}, {"eos_token_id": [None, 2.5, True]}, [], 3, None, "x"):
            folder = looks_like_a_model(tmp_path)
            config = json.loads((folder / "config.json").read_text())
            full = config | value if isinstance(value, dict) and name == "config.json" else value
            write_json(folder / name, full)
            with contextlib.suppress(ModelFileError):
                assert described(folder).name == "mine"
            (folder / name).unlink()
    for wrong in ({"text_config": 1}, {"num_attention_heads": 0}, {"hidden_size": "x"}, {"architectures": [3]}):
        assert described(looks_like_a_model(tmp_path, **wrong)).name == "mine"
