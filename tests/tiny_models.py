"""Tiny GGUF models with random weights: real files which llama.cpp loads and decodes in milliseconds.

They say nothing sensible, and the same call always writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

__all__ = ["CHATML", "SPECIAL", "add_byte_tokenizer", "byte_alphabet", "put", "write_tiny_llama"]

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")
"""Control tokens, ids 0 to 4: padding, start of a turn (BOS), end of a turn (EOS), and two user-defined texts."""

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A plain chat template."""

_USER_DEFINED = ("<think>", "</think>")


def byte_alphabet() -> list[str]:
    """The 256 printable characters that stand for the bytes in a GPT-2 tokenizer, in the order of the bytes.

    Source: ``bytes_to_unicode`` of OpenAI's GPT-2 ``encoder.py``.
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    stand_ins = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(stand_ins)) for byte in range(256)]


def _vocabulary(n_vocab: int) -> tuple[list[str], list[str]]:
    """Tokens and merges: control tokens, all bytes, then pairs of letters."""
    alphabet = byte_alphabet()
    space, letters = alphabet[ord(" ")], "etaoinshrdlucmfwypvbgkqjxz"
    tokens = [*SPECIAL, *alphabet]
    if n_vocab < len(tokens):
        raise ValueError(f"n_vocab must be at least {len(tokens)}: the control tokens and the 256 bytes")
    pairs = [(a, b) for a in (space, *letters) for b in letters][: n_vocab - len(tokens)]
    tokens += [a + b for a, b in pairs]
    filler = [f"<|unused_{i}|>" for i in range(n_vocab - len(tokens))]
    return tokens + filler, [f"{a} {b}" for a, b in pairs]


def _token_types(tokens: list[str]) -> list[int]:
    def kind(token: str) -> gguf.TokenType:
        if token in _USER_DEFINED:
            return gguf.TokenType.USER_DEFINED
        if token in SPECIAL:
            return gguf.TokenType.CONTROL
        return gguf.TokenType.UNUSED if token.startswith("<|unused_") else gguf.TokenType.NORMAL

    return [int(kind(token)) for token in tokens]


def add_byte_tokenizer(writer: gguf.GGUFWriter, n_vocab: int) -> None:
    """Add the metadata of the byte-level BPE tokenizer: 5 control tokens, 256 bytes, then pairs of letters."""
    tokens, merges = _vocabulary(n_vocab)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(_token_types(tokens))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(SPECIAL.index("<|im_start|>"))
    writer.add_eos_token_id(SPECIAL.index("<|im_end|>"))
    writer.add_pad_token_id(SPECIAL.index("<|endoftext|>"))
    writer.add_add_bos_token(False)


def _weights(
    rng: np.random.Generator, *, n_vocab: int, n_embd: int, n_layer: int, n_kv: int, n_ff: int
) -> dict[str, NDArray[np.float32]]:
    """All tensors of a llama with tied embeddings, as numpy has them: (rows, columns)."""

    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        return rng.standard_normal((rows, columns), dtype=np.float32) / np.float32(columns**0.5)

    norm = np.ones(n_embd, dtype=np.float32)
    tensors = {"token_embd.weight": matrix(n_vocab, n_embd), "output_norm.weight": norm}
    for i in range(n_layer):
        tensors |= {
            f"blk.{i}.attn_norm.weight": norm,
            f"blk.{i}.attn_q.weight": matrix(n_embd, n_embd),
            f"blk.{i}.attn_k.weight": matrix(n_kv, n_embd),
            f"blk.{i}.attn_v.weight": matrix(n_kv, n_embd),
            f"blk.{i}.attn_output.weight": matrix(n_embd, n_embd),
            f"blk.{i}.ffn_norm.weight": norm,
            f"blk.{i}.ffn_gate.weight": matrix(n_ff, n_embd),
            f"blk.{i}.ffn_up.weight": matrix(n_ff, n_embd),
            f"blk.{i}.ffn_down.weight": matrix(n_embd, n_ff),
        }
    return tensors


def write_tiny_llama(
    path: str | Path,
    *,
    n_vocab: int = 512,
    n_embd: int = 64,
    n_layer: int = 2,
    n_head: int = 4,
    n_head_kv: int = 2,
    n_ff: int = 128,
    n_ctx: int = 512,
    chat_template: str | None = CHATML,
    seed: int = 0,
    architecture: str = "llama",
    metadata: Mapping[str, Any] | None = None,
    tensors: bool = True,
) -> Path:
    """Write a llama-architecture GGUF (v3, F32, some 0.5 MB) with a byte-level BPE tokenizer.

    Parameters
    ----------
    path : str or Path
        Where to write; an existing file is replaced.
    n_vocab : int
        Tokens: 5 control tokens, 256 bytes, then pairs of letters, then unused ones. At least 261.
    n_embd, n_layer, n_head, n_head_kv, n_ff, n_ctx : int
        The model's shape; ``n_embd`` must be a multiple of ``n_head``.
    chat_template : str or None
        Jinja source; ``None`` leaves it out (a base model).
    seed : int
        Other weights for another seed.
    architecture : str
        What the file claims to be; the tensors stay a llama's.
    metadata : mapping
        More metadata (int, float, bool, str, or a list of them). It replaces what the writer would put under that key.
    tensors : bool
        Whether to write tensors at all.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> write_tiny_llama(tempfile.mkdtemp() + "/tiny.gguf").name
    'tiny.gguf'
    """
    path = Path(path)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("model")
    writer.add_name("tiny")
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(n_embd)
    writer.add_block_count(n_layer)
    writer.add_feed_forward_length(n_ff)
    writer.add_head_count(n_head)
    writer.add_head_count_kv(n_head_kv)
    writer.add_rope_dimension_count(n_embd // n_head)
    writer.add_layer_norm_rms_eps(1e-5)
    add_byte_tokenizer(writer, n_vocab)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    for key, value in (metadata or {}).items():
        put(writer, key, value)
    rng = np.random.default_rng(seed)
    if tensors:
        n_kv = n_head_kv * (n_embd // n_head)
        shape = {"n_vocab": n_vocab, "n_embd": n_embd, "n_layer": n_layer, "n_kv": n_kv, "n_ff": n_ff}
        for name, data in _weights(rng, **shape).items():
            writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def put(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    """Add one value under its natural GGUF type, in the place of one that is there already."""
    for written in writer.kv_data:
        written.pop(key, None)
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        (writer.add_uint32 if 0 <= value < 2**32 else writer.add_int64)(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        writer.add_array(key, list(value))
