"""The batch that goes into ``llama_decode``, filled without a loop over its elements."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

__all__ = ["Batch"]


class Batch:
    """Tokens of several sequences, for one native call.

    The arrays behind llama.cpp's ``llama_batch`` are numpy's, so that a prompt's chunk is one assignment.

    Parameters
    ----------
    lib : module
        ``llama_cpp``.
    size : int
        Most tokens.
    """

    def __init__(self, lib: Any, size: int) -> None:
        import numpy as np

        self.size = size
        self.count = 0
        self._tokens = np.zeros(size, dtype=np.int32)
        self._positions = np.zeros(size, dtype=np.int32)
        self._ids = np.zeros(size, dtype=np.int32)
        self._counts = np.ones(size, dtype=np.int32)  # each token belongs to one sequence
        self._wanted = np.zeros(size, dtype=np.int8)
        rows = self._ids.ctypes.data + 4 * np.arange(size, dtype=np.uintp)
        self._rows = rows  # kept: the batch holds its address only
        native = lib.llama_batch()
        for name, array in (
            ("token", self._tokens),
            ("pos", self._positions),
            ("n_seq_id", self._counts),
            ("seq_id", rows),
            ("logits", self._wanted),
        ):
            kind = dict(native._fields_)[name]
            setattr(native, name, ctypes.cast(array.ctypes.data, kind))
        self.native = native

    def clear(self) -> None:
        """Begin a new one."""
        self.count = 0

    def add(self, tokens: Sequence[int], position: int, sequence: int, *, wanted: int) -> int:
        """Append tokens of one sequence that stand at `position` and after it.

        Parameters
        ----------
        wanted : int
            For how many of them, counted from the last, logits are needed.

        Returns
        -------
        int
            The row of the first of them.
        """
        first, end = self.count, self.count + len(tokens)
        if end - first == 1:  # one token of a running answer: by far the most frequent case
            self._tokens[first] = tokens[0]
            self._positions[first] = position
            self._ids[first] = sequence
            self._wanted[first] = wanted
        else:
            self._tokens[first:end] = tokens
            self._positions[first:end] = range(position, position + end - first)
            self._ids[first:end] = sequence
            self._wanted[first:end] = 0
            self._wanted[end - wanted : end] = 1
        self.count = self.native.n_tokens = end
        return first

    def abandon(self, first: int) -> None:
        """Take off everything from row `first` on."""
        self.count = self.native.n_tokens = first
