"""A llama of a billion random weights: it says nothing, at the speed of one that does.

``python -m benchmarks.random_model FILE [--type Q4_0|F16] [--shape 1B|tiny]``

The shape is that of Llama 3.2 1B. Control tokens have no weight, so it never ends an answer by itself.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from tests.tiny_models import CHATML, SPECIAL, byte_alphabet

__all__ = ["SHAPES", "Shape", "write_random_model"]

_BLOCK = 32  # weights of one Q4_0 block: a scale of 16 bits and 16 bytes of two weights each
_SPREAD = 4.6  # standard deviation of an even choice from -8 … 7


@dataclass(frozen=True)
class Shape:
    """Sizes of a llama with tied embeddings."""

    n_vocab: int = 128_256
    n_embd: int = 2048
    n_layer: int = 16
    n_head: int = 32
    n_head_kv: int = 8
    n_ff: int = 8192
    n_ctx: int = 16_384

    def tensors(self) -> Iterator[tuple[str, int, int]]:
        """Names, rows and columns; one row for a norm."""
        n_kv = self.n_embd // self.n_head * self.n_head_kv
        yield "token_embd.weight", self.n_vocab, self.n_embd
        yield "output_norm.weight", 1, self.n_embd
        for i in range(self.n_layer):
            yield f"blk.{i}.attn_norm.weight", 1, self.n_embd
            yield f"blk.{i}.attn_q.weight", self.n_embd, self.n_embd
            yield f"blk.{i}.attn_k.weight", n_kv, self.n_embd
            yield f"blk.{i}.attn_v.weight", n_kv, self.n_embd
            yield f"blk.{i}.attn_output.weight", self.n_embd, self.n_embd
            yield f"blk.{i}.ffn_norm.weight", 1, self.n_embd
            yield f"blk.{i}.ffn_gate.weight", self.n_ff, self.n_embd
            yield f"blk.{i}.ffn_up.weight", self.n_ff, self.n_embd
            yield f"blk.{i}.ffn_down.weight", self.n_embd, self.n_ff


SHAPES = {"1B": Shape(), "tiny": Shape(n_vocab=1024, n_embd=64, n_layer=2, n_head=4, n_head_kv=2, n_ff=128)}


def write_random_model(path: str | Path, shape: Shape = SHAPES["1B"], kind: str = "Q4_0", seed: int = 0) -> Path:
    """Write it, one tensor at a time; the same call writes the same bytes.

    Parameters
    ----------
    path : str or Path
    shape : Shape
    kind : {"Q4_0", "F16"}
        Of the matrices; norms are F32.
    seed : int

    Raises
    ------
    ValueError
        No such kind.
    """
    if kind not in ("Q4_0", "F16"):
        raise ValueError(f"the kind cannot be {kind!r}: Q4_0 or F16")
    path, rng = Path(path), np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    _metadata(writer, shape, kind, path.stem)
    for name, rows, columns in shape.tensors():
        if rows == 1:
            writer.add_tensor_info(name, (columns,), np.dtype(np.float32), columns * 4)
        elif kind == "F16":
            writer.add_tensor_info(name, (rows, columns), np.dtype(np.float16), rows * columns * 2)
        else:  # gguf takes the shape in bytes of what is quantised
            stored = (rows, columns // _BLOCK * 18)
            writer.add_tensor_info(
                name, stored, np.dtype(np.uint8), stored[0] * stored[1], raw_dtype=gguf.GGMLQuantizationType.Q4_0
            )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, rows, columns in shape.tensors():
        writer.write_tensor_data(_tensor(rng, rows, columns, kind, silent=name == "token_embd.weight"))
    writer.close()
    return path


def _metadata(writer: gguf.GGUFWriter, shape: Shape, kind: str, name: str) -> None:
    writer.add_name(name)
    writer.add_vocab_size(shape.n_vocab)
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layer)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_head)
    writer.add_head_count_kv(shape.n_head_kv)
    writer.add_rope_dimension_count(shape.n_embd // shape.n_head)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0 if kind == "Q4_0" else gguf.LlamaFileType.MOSTLY_F16)
    tokens = _tokens(shape.n_vocab)
    control = [int(gguf.TokenType.CONTROL)] * len(SPECIAL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(control + [int(gguf.TokenType.NORMAL)] * (len(tokens) - len(control)))
    writer.add_token_merges([f"{a} {b}" for a, b in itertools.product("etaoinshr", repeat=2)])
    writer.add_bos_token_id(SPECIAL.index("<|im_start|>"))
    writer.add_eos_token_id(SPECIAL.index("<|im_end|>"))
    writer.add_pad_token_id(SPECIAL.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)


def _tokens(n_vocab: int) -> list[str]:
    """Control tokens, the 256 bytes, then words of two and more letters, each with a space before it or without."""
    alphabet = byte_alphabet()
    letters, space = "etaoinshrdlucmfwypvbgkqjxz", alphabet[ord(" ")]
    words = (
        mark + "".join(word)
        for length in itertools.count(2)
        for word in itertools.product(letters, repeat=length)
        for mark in ("", space)
    )
    return [*SPECIAL, *alphabet, *itertools.islice(words, n_vocab - len(SPECIAL) - len(alphabet))]


def _tensor(rng: np.random.Generator, rows: int, columns: int, kind: str, *, silent: bool) -> NDArray[Any]:
    """Weights of the variance 1/columns; `silent` takes the weight of the control tokens away."""
    if rows == 1:
        return np.ones(columns, dtype=np.float32)
    if kind == "F16":
        exact = rng.standard_normal((rows, columns), dtype=np.float32) / np.float32(columns**0.5)
        weights: NDArray[Any] = exact.astype(np.float16)
        weights[: len(SPECIAL) if silent else 0] = 0
        return weights
    # https://github.com/ggml-org/llama.cpp, ggml-common.h, block_q4_0
    blocks = rng.integers(0, 256, (rows, columns // _BLOCK, 18), dtype=np.uint8)
    blocks[:, :, :2] = np.frombuffer(np.float16(1 / (_SPREAD * columns**0.5)).tobytes(), dtype=np.uint8)
    blocks[: len(SPECIAL) if silent else 0, :, :2] = 0
    packed: NDArray[Any] = blocks.reshape(rows, -1)
    return packed


def main() -> None:
    """Write one."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.random_model",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--type", choices=("Q4_0", "F16"), default="Q4_0")
    parser.add_argument("--shape", choices=list(SHAPES), default="1B")
    options = parser.parse_args()
    path = write_random_model(options.file, SHAPES[options.shape], options.type)
    print(f"{path}: {path.stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
