"""Tiny GGUF models of each kind of memory that llama.cpp has: sliding window, recurrent, hybrid, and an encoder.

Like :func:`tests.tiny_models.write_tiny_llama` they are real files with random weights: llama.cpp loads and decodes
them in milliseconds, they say nothing sensible, and the same call always writes the same bytes.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from tests.tiny_models import CHATML, add_byte_tokenizer, put, write_tiny_llama

__all__ = [
    "KINDS",
    "write_tiny_bert",
    "write_tiny_hybrid",
    "write_tiny_llama",
    "write_tiny_mamba",
    "write_tiny_swa",
]

Tensors = dict[str, NDArray[np.float32]]


class _Weights:
    """Random matrices of one seed; a row's product with a vector of unit variance has unit variance."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def matrix(self, rows: int, columns: int) -> NDArray[np.float32]:
        return self._rng.standard_normal((rows, columns), dtype=np.float32) / np.float32(columns**0.5)

    @staticmethod
    def ones(*shape: int) -> NDArray[np.float32]:
        return np.ones(shape, dtype=np.float32)

    def small(self, size: int) -> NDArray[np.float32]:
        """A bias."""
        return self._rng.standard_normal(size, dtype=np.float32) / np.float32(10)


def write_tiny_swa(
    path: str | Path,
    *,
    window: int = 16,
    interleaved: bool = True,
    n_vocab: int = 512,
    n_embd: int = 64,
    n_layer: int = 2,
    n_head: int = 4,
    n_head_kv: int = 2,
    n_ff: int = 128,
    n_ctx: int = 512,
    chat_template: str | None = CHATML,
    seed: int = 0,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write a gemma3-architecture GGUF: attention that looks back `window` tokens only.

    Parameters
    ----------
    window : int
        Tokens that a token sees, itself included, in a layer with a sliding window.
    interleaved : bool
        Whether every second layer sees all tokens (as Gemma does); otherwise none does.
    **others
        As for :func:`tests.tiny_models.write_tiny_llama`.
    """
    fields = {
        **_common(n_ctx=n_ctx, n_embd=n_embd, n_layer=n_layer),
        "feed_forward_length": n_ff,
        "attention.head_count": n_head,
        "attention.head_count_kv": n_head_kv,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "attention.sliding_window": window,
        "attention.sliding_window_pattern": [not interleaved or i % 2 == 0 for i in range(n_layer)],
    }
    weights, head = _Weights(seed), n_embd // n_head
    tensors = _ends(weights, n_vocab, n_embd)
    for i in range(n_layer):
        tensors |= _attention(weights, i, n_embd, head * n_head_kv) | _feed_forward(weights, i, n_embd, n_ff)
        tensors |= {
            f"blk.{i}.attn_q_norm.weight": weights.ones(head),
            f"blk.{i}.attn_k_norm.weight": weights.ones(head),
            f"blk.{i}.post_attention_norm.weight": weights.ones(n_embd),
            f"blk.{i}.post_ffw_norm.weight": weights.ones(n_embd),
        }
    return _write(path, "gemma3", fields, tensors, n_vocab=n_vocab, chat_template=chat_template, metadata=metadata)


def write_tiny_mamba(
    path: str | Path,
    *,
    n_vocab: int = 512,
    n_embd: int = 64,
    n_layer: int = 2,
    n_ctx: int = 512,
    chat_template: str | None = CHATML,
    seed: int = 0,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write a mamba-architecture GGUF: a recurrent model, whose memory is one state per sequence.

    Parameters
    ----------
    **others
        As for :func:`tests.tiny_models.write_tiny_llama`.
    """
    d_conv, d_inner, d_state, dt_rank = 4, 2 * n_embd, 16, 8  # llama.cpp takes an expansion factor of 2 only
    fields = {
        **_common(n_ctx=n_ctx, n_embd=n_embd, n_layer=n_layer),
        "feed_forward_length": 0,
        "attention.head_count": 0,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "ssm.conv_kernel": d_conv,
        "ssm.inner_size": d_inner,
        "ssm.state_size": d_state,
        "ssm.time_step_rank": dt_rank,
    }
    weights = _Weights(seed)
    tensors = _ends(weights, n_vocab, n_embd)
    decay = -np.tile(np.arange(1, d_state + 1, dtype=np.float32) / d_state, (d_inner, 1))
    for i in range(n_layer):
        tensors |= {
            f"blk.{i}.attn_norm.weight": weights.ones(n_embd),
            f"blk.{i}.ssm_in.weight": weights.matrix(2 * d_inner, n_embd),
            f"blk.{i}.ssm_conv1d.weight": weights.matrix(d_inner, d_conv),
            f"blk.{i}.ssm_conv1d.bias": weights.small(d_inner),
            f"blk.{i}.ssm_x.weight": weights.matrix(dt_rank + 2 * d_state, d_inner),
            f"blk.{i}.ssm_dt.weight": weights.matrix(d_inner, dt_rank),
            # softplus(-3) = 0.05: what a token leaves in the state fades over tens of tokens
            f"blk.{i}.ssm_dt.bias": weights.small(d_inner) - np.float32(3),
            f"blk.{i}.ssm_a": decay,
            f"blk.{i}.ssm_d": weights.ones(d_inner),
            f"blk.{i}.ssm_out.weight": weights.matrix(n_embd, d_inner),
        }
    return _write(path, "mamba", fields, tensors, n_vocab=n_vocab, chat_template=chat_template, metadata=metadata)


def write_tiny_hybrid(
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
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write an lfm2-architecture GGUF: short convolutions (a state per sequence) and attention take turns.

    Parameters
    ----------
    **others
        As for :func:`tests.tiny_models.write_tiny_llama`; at least two layers, the second and each second one after it
        with attention.
    """
    d_conv, head = 3, n_embd // n_head
    with_attention = [i % 2 == 1 for i in range(n_layer)]
    fields = {
        **_common(n_ctx=n_ctx, n_embd=n_embd, n_layer=n_layer),
        "feed_forward_length": n_ff,
        "attention.head_count": n_head,
        "attention.head_count_kv": [n_head_kv if attention else 0 for attention in with_attention],
        "attention.layer_norm_rms_epsilon": 1e-5,
        "shortconv.l_cache": d_conv,
    }
    weights = _Weights(seed)
    tensors = _ends(weights, n_vocab, n_embd, norm="token_embd_norm.weight")
    for i, attention in enumerate(with_attention):
        tensors |= _feed_forward(weights, i, n_embd, n_ff)
        if attention:
            tensors |= _attention(weights, i, n_embd, head * n_head_kv)
            tensors |= {f"blk.{i}.attn_{which}_norm.weight": weights.ones(head) for which in "qk"}
            # beside the convolutions, the mean over many tokens would count for nothing
            tensors[f"blk.{i}.attn_output.weight"] *= 4
        else:
            tensors |= {
                f"blk.{i}.attn_norm.weight": weights.ones(n_embd),
                f"blk.{i}.shortconv.conv.weight": weights.matrix(n_embd, d_conv),
                f"blk.{i}.shortconv.in_proj.weight": weights.matrix(3 * n_embd, n_embd),
                f"blk.{i}.shortconv.out_proj.weight": weights.matrix(n_embd, n_embd),
            }
    return _write(path, "lfm2", fields, tensors, n_vocab=n_vocab, chat_template=chat_template, metadata=metadata)


def write_tiny_bert(
    path: str | Path,
    *,
    n_embd: int = 32,
    n_layer: int = 2,
    n_head: int = 2,
    n_ff: int = 64,
    n_ctx: int = 64,
    pooling: gguf.PoolingType = gguf.PoolingType.MEAN,
    seed: int = 0,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write a bert-architecture GGUF with a WordPiece tokenizer of single characters: an encoder for embeddings.

    Parameters
    ----------
    pooling : gguf.PoolingType
        How the tokens' vectors become the text's.
    **others
        As for :func:`tests.tiny_models.write_tiny_llama`; `n_ctx` is how many positions there are.
    """
    tokens = _word_pieces()
    fields = {
        **_common(n_ctx=n_ctx, n_embd=n_embd, n_layer=n_layer),
        "feed_forward_length": n_ff,
        "attention.head_count": n_head,
        "attention.layer_norm_epsilon": 1e-12,
        "attention.causal": False,
        "pooling_type": int(pooling),
    }
    weights = _Weights(seed)

    def norm(name: str) -> Tensors:
        return {f"{name}.weight": weights.ones(n_embd), f"{name}.bias": weights.small(n_embd)}

    def linear(name: str, rows: int, columns: int) -> Tensors:
        return {f"{name}.weight": weights.matrix(rows, columns), f"{name}.bias": weights.small(rows)}

    tensors = {
        "token_embd.weight": weights.matrix(len(tokens), n_embd),
        "token_types.weight": weights.matrix(2, n_embd),
        "position_embd.weight": weights.matrix(n_ctx, n_embd),
        **norm("token_embd_norm"),
    }
    for i in range(n_layer):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors |= linear(f"blk.{i}.{name}", n_embd, n_embd)
        tensors |= linear(f"blk.{i}.ffn_up", n_ff, n_embd) | linear(f"blk.{i}.ffn_down", n_embd, n_ff)
        tensors |= norm(f"blk.{i}.attn_output_norm") | norm(f"blk.{i}.layer_output_norm")
    return _write(path, "bert", fields, tensors, n_vocab=None, chat_template=None, metadata=metadata)


KINDS: dict[str, Callable[..., Path]] = {
    "dense": write_tiny_llama,
    "swa": write_tiny_swa,
    "recurrent": write_tiny_mamba,
    "hybrid": write_tiny_hybrid,
}
"""Generating models by the kind of their memory; all four take the same options and have the same vocabulary."""


def _common(*, n_ctx: int, n_embd: int, n_layer: int) -> dict[str, Any]:
    return {"context_length": n_ctx, "embedding_length": n_embd, "block_count": n_layer}


def _ends(weights: _Weights, n_vocab: int, n_embd: int, norm: str = "output_norm.weight") -> Tensors:
    """The first and the last tensors. They are not tied: the likeliest next token would be the last one again."""
    return {
        "token_embd.weight": weights.matrix(n_vocab, n_embd),
        norm: weights.ones(n_embd),
        "output.weight": weights.matrix(n_vocab, n_embd),
    }


def _attention(weights: _Weights, i: int, n_embd: int, n_kv: int) -> Tensors:
    return {
        f"blk.{i}.attn_norm.weight": weights.ones(n_embd),
        f"blk.{i}.attn_q.weight": weights.matrix(n_embd, n_embd),
        f"blk.{i}.attn_k.weight": weights.matrix(n_kv, n_embd),
        f"blk.{i}.attn_v.weight": weights.matrix(n_kv, n_embd),
        f"blk.{i}.attn_output.weight": weights.matrix(n_embd, n_embd),
    }


def _feed_forward(weights: _Weights, i: int, n_embd: int, n_ff: int) -> Tensors:
    return {
        f"blk.{i}.ffn_norm.weight": weights.ones(n_embd),
        f"blk.{i}.ffn_gate.weight": weights.matrix(n_ff, n_embd),
        f"blk.{i}.ffn_up.weight": weights.matrix(n_ff, n_embd),
        f"blk.{i}.ffn_down.weight": weights.matrix(n_embd, n_ff),
    }


def _word_pieces() -> list[str]:
    """BERT's control tokens, then each character at the start of a word ("▁" is GGUF's mark) and within one."""
    characters = string.ascii_lowercase + string.digits
    return [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *("▁" + c for c in characters + string.punctuation),
        *characters,
    ]


def _add_word_pieces(writer: gguf.GGUFWriter) -> None:
    tokens = _word_pieces()
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    control, normal = int(gguf.TokenType.CONTROL), int(gguf.TokenType.NORMAL)
    writer.add_token_types([control if token.startswith("[") and token != "[" else normal for token in tokens])
    writer.add_token_type_count(2)
    for i, add in enumerate((writer.add_pad_token_id, writer.add_unk_token_id, writer.add_bos_token_id)):
        add(i)
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)


def _write(
    path: str | Path,
    architecture: str,
    fields: Mapping[str, Any],
    tensors: Tensors,
    *,
    n_vocab: int | None,
    chat_template: str | None,
    metadata: Mapping[str, Any] | None,
) -> Path:
    """Write all of it; without `n_vocab` with the encoder's tokenizer."""
    path = Path(path)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("model")
    writer.add_name(f"tiny {architecture}")
    for key, value in fields.items():
        put(writer, f"{architecture}.{key}", value)
    if n_vocab is None:
        _add_word_pieces(writer)
    else:
        add_byte_tokenizer(writer, n_vocab)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    for key, value in (metadata or {}).items():
        put(writer, key, value)
    for name, data in tensors.items():
        writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
