"""Measure a model on this machine: the program of a child process, see `jupyter_localllm.engine.llama.calibration`.

``main(FILE, N_THREADS, N_GPU_LAYERS, BUDGET_SECONDS)`` prints a `Calibration` as one line of JSON and returns 0, or
returns 1. What matters most comes first; when time is over, llama.cpp is stopped in the middle of its graph and what is
left is left out.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from jupyter_localllm.engine.llama.calibration import (
    LEAST_CPU_SHARE,
    USUAL_UBATCH,
    Measured,
    conclude,
    prefer,
    thread_candidates,
)
from jupyter_localllm.engine.llama.native import Native, open_library
from jupyter_localllm.engine.llama.settings import usable_cores

__all__ = ["main"]

_TABLE = (2, 4, 8, 16, 32)
_PIECE, _COPIES = 64, 8  # so many tokens are read and then copied: a long context costs little
_PROMPT = 128
_N_CTX = 1024


def main(path: str, n_threads: str = "0", n_gpu_layers: str = "0", budget_seconds: str = "4") -> int:
    """Measure `path` and print what follows."""
    from jupyter_localllm.engine.children import be_the_first_to_go

    be_the_first_to_go()
    native = open_library()
    params = native.lib.llama_model_default_params()
    params.n_gpu_layers = int(n_gpu_layers)
    model = native.lib.llama_model_load_from_file(path.encode(), params)
    if not model or not native.lib.llama_model_has_decoder(model):
        print(native.why(), file=sys.stderr)
        return 1
    given = int(n_threads)
    threads = (given,) if given else thread_candidates(usable_cores(), usable_cores(logical=True))
    course = _Course(native, model, threads, float(budget_seconds), offloaded=int(n_gpu_layers) != 0)
    try:
        print(conclude(course.run()).to_json())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class _LeftOut(Exception):
    """This cannot be measured, or not in time."""


class _Course:
    """All measurements, in order of their worth."""

    def __init__(
        self, native: Native, model: Any, threads: Sequence[int], budget_seconds: float, *, offloaded: bool
    ) -> None:
        self._native, self._model, self._threads, self._offloaded = native, model, threads, offloaded
        self._begun, self._budget = time.perf_counter(), budget_seconds
        self._flag = ctypes.create_string_buffer(2)
        self._contexts: list[_Context] = []
        self._left_out: list[str] = []
        self._by_threads: dict[int, list[float]] = {}
        self._batch_threads: dict[int, list[float]] = {}
        self._flash: dict[bool, list[float]] = {}
        self._flash_prompt: dict[bool, list[float]] = {}
        self._prompt: dict[int, list[float]] = {}
        self._steps: dict[int, list[float]] = {}

    def run(self) -> Measured:
        """Measure until all is done or the time is up."""
        alarm = threading.Timer(self._left(), self._ring)
        alarm.daemon = True
        if self._left() > 0:
            alarm.start()
        else:
            self._ring()
        with self._or_leave_out("decoding"):
            context = self._open(flash=True)
            self._decoding(context)
            self._prompts(context)
        with self._or_leave_out("flash attention against none"):
            self._with_and_without()
        with self._or_leave_out("larger pieces of prompts"):
            self._larger(self._contexts[0])
        alarm.cancel()
        return Measured(
            threads=self._by_threads,
            threads_batch=self._batch_threads,
            flash=self._flash,
            flash_prompt=self._flash_prompt,
            prompt=self._prompt,
            steps=self._steps,
            cpu_share=self._cpu_share(),
            elapsed_ms=(time.perf_counter() - self._begun) * 1000,
            left_out=tuple(self._left_out),
        )

    def _decoding(self, context: _Context) -> None:
        context.decode(1, 0)  # reads the weights from the disk
        for count in self._threads:
            context.use_threads(count)
            with self._or_leave_out(f"{count} threads"):
                context.decode(1, 0)  # starts the threads
                if count == self._threads[0]:
                    context.wanted_cpu = context.got_cpu = 0.0  # disks and starts are not the machine's business
                self._collect(self._by_threads.setdefault(count, []), partial(context.decode, 1, 0), 9, 0.3)
        if (share := self._cpu_share()) is not None and share < LEAST_CPU_SHARE:
            self._ring()  # the machine is busy: nothing that follows would be right
        context.use_threads(self._chosen())
        for tokens in _TABLE:
            with self._or_leave_out(f"steps of {tokens} tokens"):
                self._collect(self._steps.setdefault(tokens, []), partial(context.decode, tokens, 0), 3, 0.2)

    def _prompts(self, context: _Context) -> None:
        chosen = self._chosen()
        for count in dict.fromkeys((chosen, self._threads[0], self._threads[-1])):
            context.use_threads(count)
            with self._or_leave_out(f"a prompt with {count} threads"):
                self._collect(self._batch_threads.setdefault(count, []), partial(context.decode, _PROMPT, 0), 3, 0.3)
        context.use_threads(chosen)
        self._prompt[_PROMPT] = self._batch_threads[chosen]

    def _with_and_without(self) -> None:
        """Steps behind some 512 tokens, and pieces of a prompt there if the steps speak for a change."""
        for flash in (True, False):
            context = self._contexts[0] if flash else self._open(flash=False)
            context.use_threads(self._chosen())
            context.decode(_PIECE, 0)
            context.multiply(_PIECE, _COPIES)
            context.decode(1, _PIECE)
            self._collect(self._flash.setdefault(flash, []), partial(context.decode, 1, _PIECE), 9, 0.3)
        if not prefer(self._flash, True):
            for flash, context in zip((True, False), self._contexts, strict=True):
                context.decode(_PIECE, 0)
                context.multiply(_PIECE, _COPIES)
                samples = self._flash_prompt.setdefault(flash, [])
                self._collect(samples, partial(context.decode, _PIECE, _PIECE), 2, 0.3)

    def _larger(self, context: _Context) -> None:
        """Pieces of a prompt that take long: only if they will be done in time."""
        for tokens in (USUAL_UBATCH, USUAL_UBATCH // 2):
            expected = min(self._prompt[_PROMPT], default=float("inf")) * tokens / _PROMPT
            with self._or_leave_out(f"pieces of prompts of {tokens} tokens"):
                if expected > 900 * self._left():
                    raise _LeftOut
                self._collect(self._prompt.setdefault(tokens, []), partial(context.decode, tokens, 0), 3, 0.6)

    def _open(self, *, flash: bool) -> _Context:
        self._contexts.append(_Context(self._native, self._model, self._threads[0], self._flag, flash=flash))
        return self._contexts[-1]

    def _chosen(self) -> int:
        return prefer(self._by_threads, self._threads[0])

    def _collect(self, into: list[float], sample: Callable[[], float], most: int, seconds: float) -> None:
        """Take samples, `most` at most and no more when `seconds` are over; one at least, or it is left out."""
        end = time.perf_counter() + seconds
        while len(into) < most and (not into or time.perf_counter() < end):
            try:
                into.append(sample())
            except _LeftOut:
                if not into:
                    raise
                return

    @contextmanager
    def _or_leave_out(self, what: str) -> Iterator[None]:
        try:
            yield
        except (_LeftOut, IndexError, KeyError):  # the latter: what it builds on was left out
            self._left_out.append(what)

    def _left(self) -> float:
        """Seconds."""
        return self._begun + self._budget - time.perf_counter()

    def _cpu_share(self) -> float | None:
        """CPU time that the threads got, of what they wanted: they spin when they wait for each other."""
        wanted = sum(context.wanted_cpu for context in self._contexts)
        if self._offloaded or not wanted:
            return None
        return sum(context.got_cpu for context in self._contexts) / wanted

    def _ring(self) -> None:
        self._flag[0] = b"\x01"


class _Context:
    """A context for 1,024 tokens; the process ends before it is freed."""

    def __init__(self, native: Native, model: Any, threads: int, flag: ctypes.Array[ctypes.c_char], *, flash: bool):
        self._lib, lib = native.lib, native.lib
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = _N_CTX, USUAL_UBATCH, USUAL_UBATCH
        params.n_seq_max, params.kv_unified, params.no_perf = _COPIES, True, True
        params.n_threads = params.n_threads_batch = self._threads = self._usual = threads
        params.flash_attn_type = int(flash)
        self._context = lib.llama_init_from_model(model, params)
        if not self._context:
            raise _LeftOut
        native.set_abort(self._context, flag)
        self._batch = lib.llama_batch_init(USUAL_UBATCH, 0, 1)
        self._memory = lib.llama_get_memory(self._context)
        self._copies = not lib.llama_model_is_recurrent(model) and not lib.llama_model_is_hybrid(model)
        self._n_vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
        self.wanted_cpu = self.got_cpu = 0.0  # seconds

    def use_threads(self, count: int) -> None:
        """Compute with so many threads."""
        self._lib.llama_set_n_threads(self._context, count, count)
        self._threads = count

    def decode(self, count: int, position: int) -> float:
        """Milliseconds of a step of `count` tokens from `position` on; what stands there is dropped before."""
        self._drop(position)
        batch = self._batch
        batch.n_tokens = count
        for i in range(count):
            batch.token[i], batch.pos[i], batch.logits[i] = (31 * i + 7) % self._n_vocab, position + i, i == count - 1
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
        cpu, begun = time.process_time(), time.perf_counter()
        status = self._lib.llama_decode(self._context, batch)
        self._lib.llama_synchronize(self._context)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        if status != 0:
            raise _LeftOut
        if self._threads == self._usual:
            self.wanted_cpu, self.got_cpu = self.wanted_cpu + seconds * self._threads, self.got_cpu + cpu
        return seconds * 1000

    def multiply(self, count: int, copies: int) -> None:
        """Let the first `count` tokens stand `copies` times, all in sequence 0, so that the next one sees them all."""
        lib, context = self._lib, self._context
        if not self._copies:
            raise _LeftOut  # a memory of one state
        size = lib.llama_state_seq_get_size(context, 0)
        state = (ctypes.c_uint8 * size)()
        lib.llama_state_seq_get_data(context, state, size, 0)
        for copy in range(1, copies):
            if lib.llama_state_seq_set_data(context, state, size, copy) == 0:
                raise _LeftOut
        for copy in range(1, copies):
            lib.llama_memory_seq_cp(self._memory, copy, 0, 0, count)

    def _drop(self, position: int) -> None:
        if position == 0:
            self._lib.llama_memory_clear(self._memory, False)
        elif not self._lib.llama_memory_seq_rm(self._memory, 0, position, -1):
            raise _LeftOut
