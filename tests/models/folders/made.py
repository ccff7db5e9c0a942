"""Folders that look like models, made without any library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.tiny_folders import write_json, write_safetensors

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 8,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "eos_token_id": 2,
}


def looks_like_a_model(folder: Path, **config: Any) -> Path:
    """All files of a model; the weights are ten numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", CONFIG | config)
    write_json(folder / "tokenizer.json", {"version": "1.0"})
    write_json(folder / "tokenizer_config.json", {"chat_template": "{{ 1 }}", "eos_token": {"content": "</s>"}})
    write_safetensors(folder / "model.safetensors", {"a": np.zeros((2, 3), np.float32), "b": np.zeros(4, np.float32)})
    return folder


def in_hub(hub: Path, repository: str, commit: str = "c0ffee", branch: str = "main") -> Path:
    """The folder of a snapshot in a cache of Hugging Face's tools."""
    top = hub / f"models--{repository.replace('/', '--')}"
    (top / "refs").mkdir(parents=True, exist_ok=True)
    (top / "refs" / branch).write_text(commit)
    folder = top / "snapshots" / commit
    folder.mkdir(parents=True)
    return folder
