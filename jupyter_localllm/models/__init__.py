"""Model files: finding them, reading their headers, judging them before llama.cpp may touch them.

Nothing here imports ``llama_cpp`` or loads a model.
"""

from jupyter_localllm.models.checks import check_adapter, check_file, library_knows
from jupyter_localllm.models.facts import Facts, facts_of
from jupyter_localllm.models.gguf import Header, TensorInfo, read_header
from jupyter_localllm.models.identity import is_remembered, sha256_of
from jupyter_localllm.models.listing import ModelEntry, available
from jupyter_localllm.models.locate import adapters, describe, find, locate, locate_adapter
from jupyter_localllm.models.memory import (
    KV_BYTES,
    MemoryEstimate,
    available_bytes,
    estimate,
    plan_context,
    plan_layers,
)

__all__ = [
    "KV_BYTES",
    "Facts",
    "Header",
    "MemoryEstimate",
    "ModelEntry",
    "TensorInfo",
    "adapters",
    "available",
    "available_bytes",
    "check_adapter",
    "check_file",
    "describe",
    "estimate",
    "facts_of",
    "find",
    "is_remembered",
    "library_knows",
    "locate",
    "locate_adapter",
    "plan_context",
    "plan_layers",
    "read_header",
    "sha256_of",
]
