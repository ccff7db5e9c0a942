"""Model folders small enough to be made in a test: a Llama of two layers with random weights, and its own tokenizer.

The weights are written with numpy, so that MLX is tested without PyTorch. What such a model says means nothing, but it
is always the same, and it never stops by itself: the rows of the control tokens are zero.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

TEXT = (
    "What is the capital of Japan? The capital of Japan is Tokyo. Tell me a long story, please. Once upon a time there "
    "was a small model that said hello to everybody. You are a helpful assistant. Tell me something else. "
) * 3
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tokenizer(folder: Path) -> Any:
    """A byte-level BPE with the control tokens of ChatML."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    tokenizer.add_tokens([AddedToken("<think>", special=False), AddedToken("</think>", special=False)])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def make_folder(folder: Path, *, seed: int = 7, **config: Any) -> Path:
    """A whole model folder; `config` changes what stands in ``config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(folder)
    settings: dict[str, Any] = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": tokenizer.get_vocab_size() + 6,  # as real models, more logits than tokens
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    } | config
    write_json(folder / "config.json", settings)
    write_json(folder / "generation_config.json", {"eos_token_id": [2]})
    write_json(
        folder / "tokenizer_config.json",
        {"chat_template": TEMPLATE, "eos_token": "<|im_end|>", "bos_token": "<|endoftext|>"},
    )
    write_safetensors(folder / "model.safetensors", llama_weights(settings, tokenizer, seed))
    return folder


def llama_weights(config: dict[str, Any], tokenizer: Any, seed: int) -> dict[str, np.ndarray]:
    """Random weights of a Llama, large enough that what it says depends on what it read."""
    random = np.random.default_rng(seed)
    width, inner, kv = config["hidden_size"], config["intermediate_size"], config["num_key_value_heads"] * 16

    def drawn(*shape: int, scale: float = 0.3) -> np.ndarray:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    head = drawn(config["vocab_size"], width)
    names = {token: name.lstrip("Ġ") for name, token in tokenizer.get_vocab().items()}
    plain = {token for token, name in names.items() if name.isascii() and name.isalpha()}
    head[[token for token in range(config["vocab_size"]) if token not in plain]] = 0.0
    weights = {
        "model.embed_tokens.weight": drawn(config["vocab_size"], width, scale=1.0),
        "model.norm.weight": np.ones(width, dtype=np.float32),
        "lm_head.weight": head,
    }
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        weights |= {
            f"{at}self_attn.q_proj.weight": drawn(width, width),
            f"{at}self_attn.k_proj.weight": drawn(kv, width),
            f"{at}self_attn.v_proj.weight": drawn(kv, width),
            f"{at}self_attn.o_proj.weight": drawn(width, width),
            f"{at}mlp.gate_proj.weight": drawn(inner, width),
            f"{at}mlp.up_proj.weight": drawn(inner, width),
            f"{at}mlp.down_proj.weight": drawn(width, inner),
            f"{at}input_layernorm.weight": np.ones(width, dtype=np.float32),
            f"{at}post_attention_layernorm.weight": np.ones(width, dtype=np.float32),
        }
    return weights


def write_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """The format in numpy: 8 bytes of length, JSON, data."""
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, tensor in tensors.items():
        entries[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [start, start + tensor.nbytes]}
        start += tensor.nbytes
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for tensor in tensors.values():
            file.write(tensor.tobytes())


def write_json(path: Path, value: Any) -> None:
    """A settings file."""
    path.write_text(json.dumps(value), encoding="utf-8")
