"""What llama.cpp's memory does with one model, found out in a child: ``python -m tests.tiny_facts FILE 0|1``.

The child prints one JSON object. ``1`` stands for ``swa_full=True``. The unified cache has eight sequences.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

Logits = NDArray[np.float32]
TOKENS = [int(token) for token in np.random.default_rng(5).integers(5, 261, 400)]
PARTIAL = 1
"""LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: only what cannot be cut (a recurrent state, a sliding window's cells)."""


class Context:
    """A context of one model, with the few calls that matter here."""

    def __init__(self, model: Any, *, swa_full: bool, n_ubatch: int = 512, n_ctx: int = 512, n_rs_seq: int = 0) -> None:
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_seq_max = n_ctx, 512, n_ubatch, 8
        params.kv_unified, params.swa_full, params.n_rs_seq = True, swa_full, n_rs_seq
        params.n_threads = params.n_threads_batch = 1
        params.flash_attn_type = 0
        self._n_vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
        self.pointer = lib.llama_init_from_model(model, params)
        assert self.pointer
        self._memory = lib.llama_get_memory(self.pointer)
        self._batch = lib.llama_batch_init(512, 0, 1)

    def decode(self, rows: Sequence[tuple[int, int, int, bool]]) -> int:
        """Decode rows of (token, position, sequence, wants logits)."""
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, position, 1, wanted
            batch.seq_id[i][0] = sequence
        return int(lib.llama_decode(self.pointer, batch))

    def feed(self, tokens: Sequence[int], start: int, sequence: int = 0) -> Logits | None:
        """The logits after `tokens` in one batch, or None when llama.cpp refuses it."""
        rows = [(token, start + i, sequence, i == len(tokens) - 1) for i, token in enumerate(tokens)]
        if self.decode(rows) != 0:
            return None
        return np.ctypeslib.as_array(lib.llama_get_logits_ith(self.pointer, -1), (self._n_vocab,)).copy()

    def span(self, sequence: int = 0) -> list[int]:
        return [
            lib.llama_memory_seq_pos_min(self._memory, sequence),
            lib.llama_memory_seq_pos_max(self._memory, sequence),
        ]

    def remove(self, start: int, sequence: int = 0) -> bool:
        return bool(lib.llama_memory_seq_rm(self._memory, sequence, start, -1))

    def copy(self, to: int, end: int = -1) -> None:
        lib.llama_memory_seq_cp(self._memory, 0, to, 0 if end >= 0 else -1, end)

    def state(self, flags: int = 0) -> bytes:
        size = lib.llama_state_seq_get_size_ext(self.pointer, 0, flags)
        data = (ctypes.c_uint8 * size)()
        assert lib.llama_state_seq_get_data_ext(self.pointer, data, size, 0, flags) == size
        return bytes(data)

    def restore(self, data: bytes, sequence: int, flags: int = 0) -> int:
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        return int(lib.llama_state_seq_set_data_ext(self.pointer, buffer, len(data), sequence, flags))


class Lab:
    """The experiments with one model."""

    def __init__(self, path: str, swa_full: bool) -> None:
        self.model = lib.llama_model_load_from_file(path.encode(), lib.llama_model_default_params())
        assert self.model, path
        self._swa_full = swa_full

    def context(self, *chunks: Sequence[int], **options: Any) -> Context:
        """A context that has evaluated `chunks` as sequence 0, each as one batch."""
        context = Context(self.model, swa_full=self._swa_full, **options)
        start = 0
        for chunk in chunks:
            assert context.feed(chunk, start) is not None
            start += len(chunk)
        return context

    def logits(self, *chunks: Sequence[int]) -> Logits:
        """The logits after `chunks`, in a context with nothing else in it."""
        *before, last = chunks
        found = self.context(*before).feed(last, sum(map(len, before)))
        assert found is not None
        return found

    def facts(self) -> dict[str, Any]:
        names = ("basics", "tail", "partial_copy", "full_copy", "state", "checkpoint", "aborted", "crowded")
        return {key: value for name in names for key, value in getattr(self, name)().items()}

    def basics(self) -> dict[str, Any]:
        logits, other = self.logits(TOKENS[:40]), self.logits([*TOKENS[:30], 9, *TOKENS[31:40]])
        ordered = np.sort(logits)
        return {
            "n_swa": lib.llama_model_n_swa(self.model),
            "recurrent": bool(lib.llama_model_is_recurrent(self.model)),
            "hybrid": bool(lib.llama_model_is_hybrid(self.model)),
            "finite": bool(np.isfinite(logits).all()),
            "deviation": float(logits.std()),
            "margin": float(ordered[-1] - ordered[-2]),
            "moved by the tenth last token": float(np.abs(logits - other).max()),
        }

    def tail(self) -> dict[str, Any]:
        context = self.context(TOKENS[:60])
        found = {"span": context.span(), "tail removed": context.remove(40), "span then": context.span()}
        if found["tail removed"]:
            found["tail again"] = _same(context.feed(TOKENS[40:60], 40), self.logits(TOKENS[:40], TOKENS[40:60]))
        context.remove(0)
        return {**found, "emptied": context.span(), "snapshots": self.snapshots()}

    def snapshots(self) -> bool:
        """Whether the last four tokens can be taken back with ``n_rs_seq=8``."""
        context = self.context(TOKENS[:60], n_rs_seq=8)
        wanted = self.logits(TOKENS[:56], TOKENS[56:60])
        return context.remove(56) and _same(context.feed(TOKENS[56:60], 56), wanted) != "wrong"

    def partial_copy(self) -> dict[str, Any]:
        context = self.context(TOKENS[:60])
        context.copy(1, 40)
        wanted = self.logits(TOKENS[:40], TOKENS[40:60])
        return {"part copied": context.span(1), "part goes on": _same(context.feed(TOKENS[40:60], 40, 1), wanted)}

    def full_copy(self) -> dict[str, Any]:
        context = self.context(TOKENS[:60])
        context.copy(1)
        source, copy = context.feed(TOKENS[60:70], 60), context.feed(TOKENS[100:110], 60, 1)
        return {
            "all copied: source goes on": _same(source, self.logits(TOKENS[:60], TOKENS[60:70])),
            "all copied: copy goes on": _same(copy, self.logits(TOKENS[:60], TOKENS[100:110])),
        }

    def state(self) -> dict[str, Any]:
        context = self.context(TOKENS[:60])
        data, wanted = context.state(), self.logits(TOKENS[:60], TOKENS[60:70])
        assert context.restore(data, 2) == len(data)
        fresh = self.context()
        assert fresh.restore(data, 5) == len(data)
        span = fresh.span(5)
        found = {
            "state: span": span,
            "state: other sequence": _same(context.feed(TOKENS[60:70], 60, 2), wanted),
            "state: fresh context": _same(fresh.feed(TOKENS[60:70], 60, 5), wanted),
        }
        for back in (59, 58):
            fresh.remove(0, 5)
            fresh.restore(data, 5)
            wanted = self.logits(TOKENS[:back], TOKENS[back:60])
            again = fresh.feed(TOKENS[back:60], back, 5) if fresh.remove(back, 5) else None
            found[f"state: back to {back}"] = _same(again, wanted)
        return {**found, **self.damaged(data)}

    def damaged(self, data: bytes) -> dict[str, Any]:
        context = self.context()
        refused = context.restore(data[:-9], 0) == 0
        found = {"cut state: span": context.span()}
        wanted = self.logits(TOKENS[:60])
        found["cut state: without removing"] = _same(context.feed(TOKENS[:60], 0), wanted)
        context = self.context()
        refused = refused and context.restore(data[:-9], 0) == 0
        context.remove(0)
        return {
            **found,
            "cut state: refused": refused,
            "cut state: removed": _same(context.feed(TOKENS[:60], 0), wanted),
        }

    def checkpoint(self) -> dict[str, Any]:
        """A partial state of 40 tokens, put back after 60."""
        context = self.context(TOKENS[:40])
        data, wanted = context.state(PARTIAL), self.logits(TOKENS[:40], TOKENS[40:60])
        context.feed(TOKENS[40:60], 40)
        context.copy(1, 40)
        context.restore(data, 1, PARTIAL)
        copied = _same(context.feed(TOKENS[40:60], 40, 1), wanted)
        context.remove(0, 1)
        assert context.restore(data, 0, PARTIAL) == len(data)
        removed = context.remove(40)
        again = _same(context.feed(TOKENS[40:60], 40), wanted) if removed else "refused"
        return {"checkpoint: same sequence": again, "checkpoint: copy": copied}

    def aborted(self) -> dict[str, Any]:
        """What an aborted decode leaves of its sequence, and of another that shares the prefix."""
        left = [5]

        @lib.ggml_abort_callback
        def abort(_data: object) -> bool:
            left[0] -= 1
            return left[0] < 0

        context = self.context(TOKENS[:60])
        context.copy(1)
        lib.llama_set_abort_callback(context.pointer, abort, None)
        failed = context.feed(TOKENS[60:70], 60, 1) is None
        lib.llama_set_abort_callback(context.pointer, lib.ggml_abort_callback(), None)
        found = {"aborted": failed, "aborted: span": context.span(1)}
        context.remove(0, 1)
        wanted = self.logits(TOKENS[:60], TOKENS[60:70])
        return {**found, "aborted: other sequence": _same(context.feed(TOKENS[60:70], 60), wanted)}

    def crowded(self) -> dict[str, Any]:
        """400 tokens shared by all eight sequences, then one token for each."""
        chunks = [TOKENS[i : i + 50] for i in range(0, 400, 50)]
        context = self.context(*chunks, n_ctx=2048, n_ubatch=64)
        span = context.span()
        for to in range(1, 8):
            context.copy(to)
        return {"400: span": span, "400: shared": context.decode([(9, 400, i, True) for i in range(8)])}


def _same(found: Logits | None, wanted: Logits) -> str:
    """How the logits compare; cells in another order alone move them by some 1e-5."""
    if found is None:
        return "refused"
    if bool((found == wanted).all()):
        return "equal"
    return "near" if float(np.abs(found - wanted).max()) < 1e-3 else "wrong"


def main(path: str, swa_full: str) -> None:
    silent = lib.llama_log_callback(lambda _level, _text, _data: None)
    lib.llama_log_set(silent, None)
    lib.llama_backend_init()
    print(json.dumps(Lab(path, swa_full == "1").facts()))


if __name__ == "__main__":
    main(*sys.argv[1:])
