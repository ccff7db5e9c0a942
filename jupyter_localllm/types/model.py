"""What a model is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "FolderPlan",
    "ModelFile",
    "ModelFolder",
    "ModelInfo",
    "Precision",
]


@dataclass(frozen=True)
class ModelFile:
    """A model file that was found, read and judged, without any of it having been loaded.

    Parameters
    ----------
    name : str
        What people call it: the catalog's name or the file's stem.
    path : str
        Absolute path of the GGUF.
    sha256 : str
        Of the whole file, in hex.
    size_bytes : int
    architecture : str
        llama.cpp's name of it (``general.architecture``).
    n_ctx_train : int
        Training context in tokens.
    weights_bytes : int
        Size of all tensors.
    kv_bytes_per_token : int
        Size of keys and values of one token at 16 bits, over all layers (an upper bound for sliding-window, recurrent
        and hybrid models).
    n_vocab, n_embd, n_ff, n_layer, n_head : int
        For the estimate of the compute buffer.
    kind : str
        What it is for: ``"chat"``, ``"completion"`` (it has no chat template), ``"embedding"`` or ``"reranker"``.
    """

    name: str
    path: str
    sha256: str
    size_bytes: int
    architecture: str
    n_ctx_train: int
    weights_bytes: int
    kv_bytes_per_token: int
    n_vocab: int
    n_embd: int
    n_ff: int
    n_layer: int
    n_head: int
    kind: str = "chat"


@dataclass(frozen=True)
class ModelFolder:
    """A model as Transformers and MLX keep it: a folder of safetensors and JSON, read and judged, nothing loaded.

    Parameters
    ----------
    name : str
        What people call it: the repository or the folder's name.
    path : str
        Absolute path of the folder.
    sha256 : str
        Of all that decides its answers: the names and contents of its files.
    size_bytes : int
        Of its weights, as they lie on disk.
    n_weights : int
        Numbers in them (parameters), as far as they are not packed.
    architecture : str
        Of the class that runs it, as ``"LlamaForCausalLM"``.
    n_ctx_train : int
        Training context in tokens.
    n_embd : int
        Width of its hidden states.
    kv_numbers_per_token : int
        Numbers in keys and values of one token over all layers (an upper bound for sliding windows and the like).
    writes : bool
        Whether it writes text; an embedding model does not.
    packed : str
        How its weights are quantized, as ``"mlx"``, ``"gptq"``; empty if they are not.
    pooling : {"mean", "cls", "last"}
        What stands for a whole text when it embeds.
    chat_template : str
    special : Mapping of str to str
        ``bos_token``, ``eos_token`` …
    ends : tuple of int
        Tokens that end an answer, by its generation settings.
    """

    name: str
    path: str
    sha256: str
    size_bytes: int
    n_weights: int
    architecture: str
    n_ctx_train: int
    n_embd: int
    kv_numbers_per_token: int
    writes: bool = True
    packed: str = ""
    pooling: Literal["mean", "cls", "last"] = "mean"
    chat_template: str = ""
    special: Mapping[str, str] = field(default_factory=dict)
    ends: tuple[int, ...] = ()


@dataclass(frozen=True)
class Precision:
    """How the numbers of a model folder lie in memory.

    Parameters
    ----------
    name : str
        As ``"float32"``, ``"4-bit"``; ``"stored"``: as they lie on disk.
    weight_bytes : float
        Of one weight; 0: as on disk.
    cache_bytes : float
        Of one number in keys and values.
    """

    name: str
    weight_bytes: float
    cache_bytes: float


@dataclass(frozen=True)
class FolderPlan:
    """How a model folder is loaded.

    Parameters
    ----------
    n_ctx : int
        Window in tokens.
    precision : Precision
    total_bytes : int
        Weights and a full window.
    """

    n_ctx: int
    precision: Precision
    total_bytes: int


@dataclass(frozen=True)
class ModelInfo:
    """What an engine tells about the model it holds.

    Parameters
    ----------
    name : str
    n_ctx : int
        Window in tokens.
    chat_template : str
        Jinja source of the chat template; empty if the model has none, or if the engine renders by itself.
    renders : bool
        Whether the engine renders messages by itself (servers), so that no pieces are needed.
    special : Mapping of str to str
        Texts for the template's variables: ``bos_token``, ``eos_token`` …
    control : tuple of str
        Texts that the tokenizer would turn into control tokens; data that holds one of them must be cut there.
    details : Mapping
        For ``%llm status``: threads, batch sizes, bytes, build; of a server its address.
    tools : bool
        Whether the engine takes tools and gives calls by itself (`Job.tools`, `Result.calls`); otherwise they are part
        of prompt and text.
    remote : str
        Addresses outside of this machine that it may ask, as `united` writes them; empty if there is none.
    """

    name: str
    n_ctx: int
    chat_template: str = ""
    renders: bool = False
    special: Mapping[str, str] = field(default_factory=dict)
    control: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    tools: bool = False
    remote: str = ""
