"""The KV cache of a context: sharing, cutting and saving of sequences. Used on the owner's thread only."""

from __future__ import annotations

import ctypes
from typing import Any

from jupyter_localllm.engine.llama.native import Native

__all__ = ["ContextMemory"]


class ContextMemory:
    """What `jupyter_localllm.engine.llama.slots.Slots` needs of a context.

    Parameters
    ----------
    native : Native
    model, context : llama.cpp pointers
    """

    def __init__(self, native: Native, model: Any, context: Any) -> None:
        self._lib, self._quick, self._context = native.lib, native.quick, context
        self._memory = native.quick.llama_get_memory(context)
        self.whole = bool(native.lib.llama_model_is_recurrent(model) or native.lib.llama_model_is_hybrid(model))
        self.window = int(native.lib.llama_model_n_swa(model))

    def copy(self, source: int, target: int, length: int) -> None:
        """Share the first `length` tokens; of a recurrent state, all there is."""
        end = -1 if self.whole else length
        self._quick.llama_memory_seq_cp(self._memory, source, target, -1 if self.whole else 0, end)

    def cut(self, sequence: int, length: int) -> bool:
        """Drop what stands at `length` and behind it."""
        return bool(self._quick.llama_memory_seq_rm(self._memory, sequence, length or -1, -1))

    def first(self, sequence: int) -> int:
        """The lowest position there is, -1 for none."""
        return int(self._quick.llama_memory_seq_pos_min(self._memory, sequence))

    def clear(self) -> None:
        """Empty all of it."""
        self._quick.llama_memory_clear(self._memory, False)

    def size(self, sequence: int) -> int:
        """Bytes of the state of a sequence."""
        return int(self._lib.llama_state_seq_get_size(self._context, sequence))

    def save(self, sequence: int) -> bytes:
        """The state of a sequence, as llama.cpp writes it."""
        size = self.size(sequence)
        buffer = (ctypes.c_uint8 * size)()
        written = self._lib.llama_state_seq_get_data(self._context, buffer, size, sequence)
        return bytes(memoryview(buffer)[:written])

    def load(self, sequence: int, data: bytes) -> bool:
        """Put a saved state into a sequence; False if it does not fit."""
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        return bool(self._lib.llama_state_seq_set_data(self._context, buffer, len(data), sequence))
