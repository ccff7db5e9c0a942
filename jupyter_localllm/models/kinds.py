"""What a GGUF is for, by its header."""

from __future__ import annotations

from typing import Final, Literal

from jupyter_localllm.models.gguf import Header

__all__ = ["FILE_TYPES", "Kind", "kind_of", "quantization_of"]

Kind = Literal[
    "chat", "completion", "embedding", "reranker", "adapter", "projector", "control vector", "imatrix", "vocabulary"
]

_OTHERS: Final[dict[str, Kind]] = {
    "adapter": "adapter",
    "controlvector": "control vector",
    "mmproj": "projector",
    "clip": "projector",
    "imatrix": "imatrix",
    "vocab": "vocabulary",
}
"""By ``general.type`` or ``general.architecture``: what else comes as GGUF."""

_ENCODERS = frozenset(
    {
        *("bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "eurobert"),
        *("jina-bert-v2", "jina-bert-v3", "gemma-embedding", "llama-embed", "t5encoder"),
    }
)
_RANK = 4  # LLAMA_POOLING_TYPE_RANK; 0 is none, the others make vectors

FILE_TYPES: Final[dict[int, str]] = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S"},
    **{12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K"},
    **{19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL"},
    **{26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16"},
    **{36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE"},
}
"""Names of ``general.file_type`` (``llama_ftype`` in ``llama.h``)."""


def kind_of(header: Header) -> Kind:
    """Tell what a file is for.

    Models that write and have a chat template are for ``"chat"``, the others for ``"completion"``; models whose pooling
    makes vectors or scores are for ``"embedding"`` and ``"reranker"``.
    """
    data = header.metadata
    for key in ("general.type", "general.architecture"):
        other = _OTHERS.get(str(data.get(key, "")).lower())
        if other is not None:
            return other
    if not header.tensors and "tokenizer.ggml.model" in data:
        return "vocabulary"
    architecture = str(data.get("general.architecture", ""))
    pooling = data.get(f"{architecture}.pooling_type", 0)
    if pooling == _RANK:
        return "reranker"
    if architecture in _ENCODERS or pooling not in (0, -1):
        return "embedding"
    return "chat" if data.get("tokenizer.chat_template") else "completion"


def quantization_of(header: Header) -> str:
    """Name the quantization: what the file says of itself, else the type of most of its bytes."""
    stated = header.metadata.get("general.file_type")
    if type(stated) is int and stated in FILE_TYPES:
        return FILE_TYPES[stated]
    by_type: dict[str, int] = {}
    for tensor in header.tensors:
        by_type[tensor.type_name] = by_type.get(tensor.type_name, 0) + tensor.size_bytes
    return max(by_type, key=lambda name: by_type[name], default="")
