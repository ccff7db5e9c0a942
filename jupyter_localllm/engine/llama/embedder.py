"""Texts to vectors: a context of its own beside the one that writes. Used on the owner's thread only."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm.engine.llama.batch import Batch
from jupyter_localllm.engine.llama.native import Native
from jupyter_localllm.errors import EngineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embedder", "batches"]

_NONE, _MEAN, _RANK = 0, 1, 4  # llama_pooling_type
_LEAST = 512  # tokens of the smallest context
_SEQUENCES = 64  # texts in one call


class Embedder:
    """Pooled vectors of texts.

    The pooling is the model's own; a model that has none (one that writes) gets the mean over its tokens.

    Parameters
    ----------
    native : Native
    model : llama.cpp pointer
    threads : int
    most : int
        Tokens that the model can read at once.
    """

    def __init__(self, native: Native, model: Any, *, threads: int, most: int) -> None:
        self._native, self._lib, self._model, self._threads = native, native.lib, model, threads
        self._most = most
        self._context: Any = None
        self._batch: Batch | None = None
        self.dimensions = int(self._lib.llama_model_n_embd_out(model))

    def embed(
        self, texts: Sequence[Sequence[int]], abort: ctypes.Array[ctypes.c_char] | None = None
    ) -> NDArray[np.float32]:
        """Vectors of texts that are given as tokens, at most 64 and together within a batch (see `batches`).

        Parameters
        ----------
        texts : sequence of sequence of int
        abort : ctypes array, optional
            A flag that stops it (see `Native.set_abort`).

        Returns
        -------
        ndarray of shape (len(texts), dimensions)
            Of length 1 each.
        """
        import numpy as np

        self._reserve(sum(map(len, texts)))
        batch = self._batch
        assert batch is not None
        self._flag = abort if abort is not None else ctypes.create_string_buffer(2)  # it must outlive the call
        self._native.set_abort(self._context, self._flag)
        lib, memory = self._lib, self._lib.llama_get_memory(self._context)
        if memory:  # an encoder has none
            lib.llama_memory_clear(memory, False)
        batch.clear()
        for number, tokens in enumerate(texts):
            batch.add(tokens, 0, number, wanted=len(tokens))
        status = lib.llama_decode(self._context, batch.native)
        if status != 0:
            raise EngineError(f"llama.cpp could not embed {len(texts)} texts (status {status}): {self._native.why()}")
        rows = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for number in range(len(texts)):
            found = lib.llama_get_embeddings_seq(self._context, number)
            rows[number] = np.ctypeslib.as_array(found, (self.dimensions,))
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.isfinite(lengths).all():
            raise EngineError("the model gave vectors that are no numbers", "The file may be damaged: fetch it again.")
        return np.asarray(rows / np.maximum(lengths, np.float32(1e-12)), dtype=np.float32)

    def free(self) -> None:
        """Give everything back; safe to call twice."""
        if self._context is not None:
            self._lib.llama_free(self._context)
            self._context = self._batch = None

    def _reserve(self, tokens: int) -> None:
        """Have a context of that size; larger than before only if need be, because its buffers grow with it."""
        if self._batch is not None and self._batch.size >= tokens:
            return
        self.free()
        size = min(max(_LEAST, 1 << (tokens - 1).bit_length()), max(self._most, _LEAST))
        params = self._parameters(size)
        self._context = self._lib.llama_init_from_model(self._model, params) or None
        if self._context is not None and self._lib.llama_pooling_type(self._context) == _NONE:
            self._lib.llama_free(self._context)
            params.pooling_type = _MEAN
            self._context = self._lib.llama_init_from_model(self._model, params) or None
        if self._context is None:
            raise EngineError(f"llama.cpp could not make a context for embeddings: {self._native.why()}")
        if self._lib.llama_pooling_type(self._context) == _RANK:
            self.free()
            raise EngineError(
                "this model is a reranker: it scores texts, and writes none",
                "For an answer choose a chat model, for vectors an embedding model (%llm models).",
            )
        self._batch = Batch(self._lib, size)

    def _parameters(self, size: int) -> Any:
        params = self._lib.llama_context_default_params()
        # A pooled text must be read in one piece.
        params.n_ctx = params.n_batch = params.n_ubatch = size
        params.n_seq_max = _SEQUENCES
        params.kv_unified = True
        params.embeddings = True
        params.n_threads = params.n_threads_batch = self._threads
        params.no_perf = True
        return params


def batches(lengths: Sequence[int], most: int) -> Iterator[range]:
    """Runs of texts that are embedded together: at most 64 texts and `most` tokens, a longer text alone.

    Examples
    --------
    >>> list(batches([3, 3, 9, 1], 6))
    [range(0, 2), range(2, 3), range(3, 4)]
    """
    first = tokens = 0
    for i, length in enumerate(lengths):
        if i > first and (tokens + length > most or i - first == _SEQUENCES):
            yield range(first, i)
            first, tokens = i, 0
        tokens += length
    if first < len(lengths):
        yield range(first, len(lengths))
