"""A model and its context in memory: load, decode, free. Used on the owner's thread only."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_localllm.config.threads import room_for
from jupyter_localllm.engine.llama.batch import Batch
from jupyter_localllm.engine.llama.embedder import Embedder
from jupyter_localllm.engine.llama.memory import ContextMemory
from jupyter_localllm.engine.llama.native import Native
from jupyter_localllm.engine.llama.settings import LlamaSettings, usable_cores
from jupyter_localllm.engine.llama.vocab import Vocab
from jupyter_localllm.errors import EngineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Aborted", "NoRoom", "Resident"]

_NO_ROOM, _ABORTED = 1, 2  # llama_decode's status: no cells found; the abort callback stopped it
_MEMORY = re.compile(r"memory|alloc", re.IGNORECASE)
_NO_MEMORY = "Memory ran out. Free some (%llm unload, other programs), or take a smaller model: %llm models"
_RECURRENT_SEQUENCES = 8
_KEPT, _KEPT_RECURRENT = 8, 2


class Aborted(Exception):
    """The abort flag stopped a native call."""


class NoRoom(Exception):
    """The KV cache has no cells for the batch."""


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
        native.verbose = settings.verbose
        self._model: Any = None
        self._adapter: Any = None
        self.context: Any = None
        self.embedder: Embedder | None = None
        self._quick = native.quick
        self._views: dict[int, NDArray[np.float32]] = {}
        self._flag: object = None
        self.device = "CPU"  # in words; whoever chose the layers knows better
        self.threads = self._threads_now = room_for(settings.n_threads or usable_cores())
        try:
            self._load_model(path, on_progress)
            self._make_context()
            if self.writes and settings.adapter:
                self._apply_adapter(settings.adapter)
        except BaseException:
            self.free()
            raise

    def decode(self) -> None:
        """Evaluate what stands in `batch`.

        Raises
        ------
        Aborted
            The abort flag stopped it.
        NoRoom
            The cache has no place for it; nothing was evaluated.
        EngineError
            It failed; part of it may have been evaluated.
        """
        status = self._lib.llama_decode(self.context, self.batch.native)
        if status == _ABORTED:
            raise Aborted
        if status == _NO_ROOM:
            raise NoRoom
        if status != 0:
            raise EngineError(
                f"llama.cpp could not decode a batch of {self.batch.count} tokens (status {status}): "
                f"{self._native.why()}"
            )

    def logits(self, row: int) -> NDArray[np.float32]:
        """The logits after the batch's row `row`: an array of shape (n_vocab,) over llama.cpp's own memory."""
        import numpy as np

        address = self._quick.llama_get_logits_ith(self.context, row)
        if address not in self._views:
            if len(self._views) > 4 * self.batch.size:  # llama.cpp has moved its buffer
                self._views.clear()
            memory = (ctypes.c_float * self.vocab.size).from_address(address)
            self._views[address] = np.ctypeslib.as_array(memory)
        return self._views[address]

    def watch(self, flag: ctypes.Array[ctypes.c_char]) -> None:
        """Let `flag` stop native calls from now on."""
        if flag is not self._flag:
            self._native.set_abort(self.context, flag)
            self._flag = flag  # it must outlive the calls

    def use_threads(self, count: int) -> None:
        """Compute with so many threads from now on, or with as many as there may be."""
        count = min(count, self.threads)
        if count > self._threads_now and (room := room_for(count)) < count:
            count = self.threads = room
        if count != self._threads_now:
            self._quick.llama_set_n_threads(self.context, count, count)
            self._threads_now = count

    def free(self) -> None:
        """Give everything back; safe to call twice."""
        self._views.clear()
        if self.embedder is not None:
            self.embedder.free()
        if self.context is not None:
            self._lib.llama_free(self.context)
        if self._model is not None:
            self._lib.llama_model_free(self._model)  # frees its adapters, too
        self.context = self._model = self._adapter = None

    def _load_model(self, path: str, on_progress: Callable[[float], bool]) -> None:
        lib = self._lib
        params = lib.llama_model_default_params()
        params.n_gpu_layers = self.settings.n_gpu_layers or 0
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
            why = self._native.why()
            raise EngineError(f"llama.cpp could not load {path}: {why}", _NO_MEMORY if _MEMORY.search(why) else "")
        if lib.llama_model_is_diffusion(self._model) or lib.llama_model_has_encoder(self._model):
            raise EngineError(
                f"{Path(path).name} is not a model that writes one token after the other (it is a diffusion model, or "
                "has an encoder before its decoder): it cannot be used here",
                "Choose another model: %llm models",
            )
        template = lib.llama_model_chat_template(self._model, None)
        self.chat_template = template.decode("utf-8", "replace") if template else ""
        self.vocab = Vocab(self._native, self._model, self.chat_template)
        self.bytes = int(lib.llama_model_size(self._model))
        self.n_ctx_train = int(lib.llama_model_n_ctx_train(self._model))
        self.embedder = Embedder(self._native, self._model, threads=self.threads, most=self.n_ctx_train)

    def _make_context(self) -> None:
        lib, settings = self._lib, self.settings
        params = lib.llama_context_default_params()
        params.n_ctx = settings.n_ctx
        self.n_parallel, self.n_sequences = self._sequences()
        params.n_seq_max = self.n_sequences
        # llama.cpp ends the process if a batch cannot hold a token of each sequence.
        params.n_batch = max(min(settings.n_batch, settings.n_ctx), params.n_seq_max)
        params.n_ubatch = min(params.n_batch, settings.n_ubatch or 512)
        params.swa_full = True  # the small cache of sliding windows runs out of room when sequences share a prefix
        params.kv_unified = True  # sequences share the window, and a prefix costs nothing to share
        params.n_threads = params.n_threads_batch = self.threads
        params.type_k = params.type_v = {"f16": lib.GGML_TYPE_F16, "q8_0": lib.GGML_TYPE_Q8_0}[settings.kv_cache_type]
        if settings.flash_attn != "auto":
            params.flash_attn_type = int(settings.flash_attn == "on")
        params.no_perf = True
        self.context = lib.llama_init_from_model(self._model, params) or None
        if self.context is None:
            raise EngineError(
                f"llama.cpp could not make a context of {settings.n_ctx} tokens: {self._native.why()}",
                f"Try a smaller window: %config LocalLLM.n_ctx = {max(256, settings.n_ctx // 2)}"
                + ("" if settings.kv_cache_type == "f16" else ", or kv_cache_type = 'f16'"),
            )
        self.writes = bool(self._quick.llama_get_memory(self.context))
        if not self.writes:  # an encoder: it remembers nothing, and has no use for this context
            lib.llama_free(self.context)
            self.context, self.n_ctx, self.n_batch = None, self.n_ctx_train, int(params.n_batch)
            return
        self.n_ctx = int(lib.llama_n_ctx(self.context))
        self.n_batch = int(lib.llama_n_batch(self.context))
        self.batch = Batch(lib, self.n_batch)
        self.memory = ContextMemory(self._native, self._model, self.context)

    def _sequences(self) -> tuple[int, int]:
        """How many answers at a time, and how many sequences in all: some are kept for what was read before.

        A recurrent model keeps a whole state for each of them, so it gets fewer.
        """
        lib, wanted = self._lib, self.settings.n_parallel
        recurrent = lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model)
        kept = _KEPT_RECURRENT if recurrent else _KEPT
        if recurrent:
            wanted = min(wanted, _RECURRENT_SEQUENCES)
        most = int(lib.llama_max_parallel_sequences())
        return min(wanted, max(1, most - kept)), min(wanted + kept, most)

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
