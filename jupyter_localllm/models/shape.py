"""The numbers in a header that decide how much memory a model takes."""

from __future__ import annotations

import os
from dataclasses import dataclass

from jupyter_localllm.models.gguf import Header, LongArray
from jupyter_localllm.models.mistaken import unusable

__all__ = ["ModelShape", "read_shape"]

_MOST = {"block_count": 512, "context_length": 1 << 31, "embedding_length": 1 << 24}  # 512: LLAMA_MAX_LAYERS


@dataclass(frozen=True)
class ModelShape:
    """A model's dimensions; the fields are those of `jupyter_localllm.types.ModelFile`."""

    n_ctx_train: int
    weights_bytes: int
    kv_bytes_per_token: int
    n_vocab: int
    n_embd: int
    n_ff: int
    n_layer: int
    n_head: int


def read_shape(path: str | os.PathLike[str], header: Header) -> ModelShape:
    """Take a model's dimensions from its header.

    Keys and values of one token take, summed over the layers, heads x (key length + value length) numbers of 16 bits
    (``n_embd_k_gqa`` and ``n_embd_v_gqa`` of ``llama-hparams.cpp``). Where a layer has a smaller cache (sliding window)
    or none (recurrent), that is an upper bound.

    Parameters
    ----------
    path : path
        For error messages.
    header : Header
        Of a file that passed `jupyter_localllm.models.checks.check_file`.

    Raises
    ------
    ModelFileError
        A number is missing or senseless.
    """
    numbers = _Numbers(path, header)
    n_layer, n_embd = numbers.needed("block_count"), numbers.needed("embedding_length")
    heads = numbers.by_layer("attention.head_count", n_layer, 0)
    kv_heads = numbers.by_layer("attention.head_count_kv", n_layer, None) or heads
    width = n_embd // max(heads) if max(heads) else 0
    key_length = max(numbers.one("attention.key_length", width), numbers.one("attention.key_length_swa", 0))
    value_length = max(numbers.one("attention.value_length", width), numbers.one("attention.value_length_swa", 0))
    experts = numbers.one("expert_used_count", 0) * numbers.one("expert_feed_forward_length", 0)
    return ModelShape(
        n_ctx_train=numbers.needed("context_length"),
        weights_bytes=sum(tensor.size_bytes for tensor in header.tensors),
        kv_bytes_per_token=2 * (key_length + value_length) * sum(kv_heads),
        n_vocab=_vocabulary_size(header),
        n_embd=n_embd,
        n_ff=max(*numbers.by_layer("feed_forward_length", n_layer, 0), experts),
        n_layer=n_layer,
        n_head=max(heads),
    )


class _Numbers:
    """The header's integers by the name that follows the architecture's."""

    def __init__(self, path: str | os.PathLike[str], header: Header) -> None:
        self._path, self._data = path, header.metadata
        self._prefix = f"{header.metadata.get('general.architecture')}."

    def needed(self, name: str) -> int:
        """Read a number without which there is no model."""
        value = self.one(name, 0)
        if not 0 < value <= _MOST[name]:
            raise unusable(self._path, f"is damaged: its {name} is {self._data.get(self._prefix + name)!r}")
        return value

    def one(self, name: str, default: int) -> int:
        """Read a number that may be left out."""
        value = self._data.get(self._prefix + name, default)
        return self._sensible(name, value)

    def by_layer(self, name: str, n_layer: int, default: int | None) -> tuple[int, ...]:
        """Read a number for each layer, which the file may give once for all of them; empty if left out."""
        value = self._data.get(self._prefix + name, default)
        if value is None:
            return ()
        if isinstance(value, tuple):
            return tuple(self._sensible(name, each) for each in value) or (0,)
        return (self._sensible(name, value),) * n_layer

    def _sensible(self, name: str, value: object) -> int:
        if type(value) is not int or not 0 <= value <= 1 << 32:
            raise unusable(self._path, f"is damaged: its {name} is {str(value)[:40]}")
        return value


def _vocabulary_size(header: Header) -> int:
    """Count the tokens: the rows of the embedding, which decide the size of the logits, or the tokenizer's list."""
    for tensor in header.tensors:
        if tensor.name in ("output.weight", "token_embd.weight"):
            return tensor.shape[-1]
    tokens = header.metadata.get("tokenizer.ggml.tokens", ())
    return len(tokens) if isinstance(tokens, (tuple, LongArray)) else 0
