"""What a model is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "ModelFile",
    "ModelInfo",
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
        Address of the server, if it is not on this machine; empty otherwise.
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
