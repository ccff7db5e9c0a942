"""A model and its context in memory: load, decode, free. Used on the owner's thread only."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jupyter_localllm.engine.llama.native import Native
from jupyter_localllm.engine.llama.settings import LlamaSettings, usable_cores
from jupyter_localllm.engine.llama.vocab import Vocab
from jupyter_localllm.errors import EngineError

__all__ = ["Aborted", "Resident"]

_ABORTED = 2  # llama_decode's status when the abort callback stopped it


class Aborted(Exception):
    """The abort flag stopped a native call."""


class Resident:
    """What llama.cpp holds for one model.

    Parameters
    ----------
    native : Native
    path : str
        The GGUF.
    settings : LlamaSettings
    on_progress : callable
        Gets the loaded part from 0 to 1; returns whether to go on.

    Raises
    ------
    EngineError
        llama.cpp could not load the file or make the context.
    Aborted
        `on_progress` said stop.
    """

    def __init__(
        self, native: Native, path: str, settings: LlamaSettings, on_progress: Callable[[float], bool]
    ) -> None:
        self._native, self._lib, self.settings = native, native.lib, settings
        self._model: Any = None
        self._adapter: Any = None
        self.context: Any = None
        self._batch: Any = None
        self.threads = settings.n_threads or usable_cores()
        try:
            self._load_model(path, on_progress)
            self._make_context()
            if settings.adapter:
                self._apply_adapter(settings.adapter)
        except BaseException:
            self.free()
            raise

    @property
    def device(self) -> str:
        """Where the layers are: ``"CPU"``, or the GPU's share as far as the build has one."""
        layers = self.settings.n_gpu_layers
        if layers == 0 or not self._lib.llama_supports_gpu_offload():
            return "CPU"
        return "GPU" if layers < 0 else f"{layers} layers on the GPU"

    def decode(self, tokens: Sequence[int], position: int, *, logits: bool) -> None:
        """Evaluate at most ``n_batch`` tokens at `position`; `logits` asks for those of the last one."""
        batch, count = self._batch, len(tokens)
        batch.n_tokens = count
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = position + i
            batch.logits[i] = 0
        batch.logits[count - 1] = 1 if logits else 0
        status = self._lib.llama_decode(self.context, batch)
        if status == _ABORTED:
            raise Aborted
        if status != 0:
            raise EngineError(
                f"llama.cpp could not decode {count} tokens at position {position} (status {status}): "
                f"{self._native.why()}"
            )

    def forget(self) -> None:
        """Empty the context: the next token is the first."""
        self._lib.llama_memory_clear(self._lib.llama_get_memory(self.context), False)

    def watch(self, flag: ctypes.Array[ctypes.c_char]) -> None:
        """Let `flag` stop native calls from now on."""
        self._native.set_abort(self.context, flag)

    def free(self) -> None:
        """Give everything back; safe to call twice."""
        if self._batch is not None:
            self._lib.llama_batch_free(self._batch)
        if self.context is not None:
            self._lib.llama_free(self.context)
        if self._model is not None:
            self._lib.llama_model_free(self._model)  # frees its adapters, too
        self._batch = self.context = self._model = self._adapter = None

    def _load_model(self, path: str, on_progress: Callable[[float], bool]) -> None:
        lib = self._lib
        params = lib.llama_model_default_params()
        params.n_gpu_layers = self.settings.n_gpu_layers
        stopped = False

        def progress(fraction: float, _data: Any) -> bool:
            nonlocal stopped
            stopped = not on_progress(fraction)
            return not stopped

        callback = lib.llama_progress_callback(progress)
        params.progress_callback = callback
        self._native.complaints.clear()
        self._model = lib.llama_model_load_from_file(path.encode(), params) or None
        if stopped:
            raise Aborted
        if self._model is None:
            raise EngineError(f"llama.cpp could not load {path}: {self._native.why()}")
        if not lib.llama_model_has_decoder(self._model):
            raise EngineError(
                f"{Path(path).name} is an encoder (an embedding model or a reranker): it cannot write text",
                "Choose a chat model: %llm models",
            )
        template = lib.llama_model_chat_template(self._model, None)
        self.chat_template = template.decode("utf-8", "replace") if template else ""
        self.vocab = Vocab(self._native, self._model, self.chat_template)
        self.bytes = int(lib.llama_model_size(self._model))
        self.n_ctx_train = int(lib.llama_model_n_ctx_train(self._model))

    def _make_context(self) -> None:
        lib, settings = self._lib, self.settings
        params = lib.llama_context_default_params()
        params.n_ctx = settings.n_ctx
        params.n_batch = min(settings.n_batch, settings.n_ctx)
        params.n_ubatch = min(params.n_batch, 512)  # llama.cpp's default; the compute buffer grows with it
        params.n_seq_max = 1
        params.n_threads = params.n_threads_batch = self.threads
        params.no_perf = True
        self.context = lib.llama_init_from_model(self._model, params) or None
        if self.context is None:
            raise EngineError(
                f"llama.cpp could not make a context of {settings.n_ctx} tokens: {self._native.why()}",
                "Try a smaller window: %config LocalLLM.n_ctx = 2048",
            )
        self.n_ctx = int(lib.llama_n_ctx(self.context))
        self.n_batch = int(lib.llama_n_batch(self.context))
        self._batch = lib.llama_batch_init(self.n_batch, 0, 1)
        for i in range(self.n_batch):
            self._batch.n_seq_id[i] = 1
            self._batch.seq_id[i][0] = 0

    def _apply_adapter(self, path: str) -> None:
        lib = self._lib
        self._native.complaints.clear()
        self._adapter = lib.llama_adapter_lora_init(self._model, path.encode()) or None
        adapters = (lib.llama_adapter_lora_p_ctypes * 1)(self._adapter) if self._adapter else None
        if adapters is None or lib.llama_set_adapters_lora(self.context, adapters, 1, (ctypes.c_float * 1)(1.0)) != 0:
            raise EngineError(
                f"the adapter {path} does not fit this model: {self._native.why()}",
                "An adapter works with the base model it was trained on, converted to GGUF.",
            )
