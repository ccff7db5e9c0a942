"""A LoRA adapter for the tiny models: random, and strong enough to change what they say."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

__all__ = ["write_tiny_adapter"]


def write_tiny_adapter(path: Path, *, n_embd: int = 64, n_ff: int = 128, n_layer: int = 2, rank: int = 4) -> Path:
    """Write a GGUF adapter for `tests.tiny_models.write_tiny_llama`'s default shape.

    The layout is llama.cpp's (``convert_lora_to_gguf.py``): for a weight of shape (out, in) an ``lora_a`` of (rank, in)
    and an ``lora_b`` of (out, rank).
    """
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank * 8))
    rng = np.random.default_rng(5)
    for layer in range(n_layer):
        for name, out, into in (("ffn_down", n_embd, n_ff), ("attn_output", n_embd, n_embd)):
            weight = f"blk.{layer}.{name}.weight"
            writer.add_tensor(f"{weight}.lora_a", rng.normal(size=(rank, into)).astype(np.float32))
            writer.add_tensor(f"{weight}.lora_b", rng.normal(size=(out, rank)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
