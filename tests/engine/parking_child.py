"""A process in which native code gives up; run by test_parking.py as ``python -m … SCENARIO MODEL``.

It prints one JSON object when it lived, and ends with status 7.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import mmap
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from typing import Any

from jupyter_localllm.engine import parking
from jupyter_localllm.engine.llama.native import open_library

LIB: Any = open_library().lib
LIBRARY = ctypes.CDLL(LIB.llama_cpp._lib._name)


class Model:
    """A model of our own with a batch of 64 tokens: `Resident` would not let the mistakes through."""

    def __init__(self, path: str, n_threads: int) -> None:
        self._model = LIB.llama_model_load_from_file(path.encode(), LIB.llama_model_default_params())
        params = LIB.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = 256, 64, 64
        params.n_threads = params.n_threads_batch = n_threads
        self.context = LIB.llama_init_from_model(self._model, params)
        self.vocab = LIB.llama_model_get_vocab(self._model)

    def decode(self, count: int, position: int = 0) -> list[float]:
        """Read `count` tokens from `position` on; some of the last one's logits."""
        batch = LIB.llama_batch_init(256, 0, 1)
        batch.n_tokens = count
        for i in range(count):
            batch.token[i], batch.pos[i], batch.logits[i] = 5 + i, position + i, 1
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
        assert LIB.llama_decode(self.context, batch) == 0
        return list(LIB.llama_get_logits_ith(self.context, -1)[:32])


def batch_too_large(path: str) -> None:
    """GGML_ASSERT on the calling thread."""
    Model(path, 1).decode(100)


def _throwing_sampler(path: str) -> Any:
    sampler = LIB.llama_sampler_init_grammar(Model(path, 1).vocab, b'root ::= "a"', b"root")
    return sampler, 60  # a token that the grammar does not allow


def exception(path: str) -> None:
    """A C++ exception through ctypes."""
    LIB.llama_sampler_accept(*_throwing_sampler(path))


def exception_with_the_gil(path: str) -> None:
    """The same in a call that keeps the GIL: the thread must sleep without it."""
    sampler, token = _throwing_sampler(path)
    ctypes.PyDLL(LIB.llama_cpp._lib._name).llama_sampler_accept(sampler, ctypes.c_int32(token))


def position_too_large(path: str) -> None:
    """GGML_ASSERT in OpenMP's threads: the last of 8 rows is beyond the table of positions, 64 long."""
    Model(path, 2).decode(8, position=57)


def positions_too_large(path: str) -> None:
    """The same in all threads of a team at once, the calling one included."""
    Model(path, 4).decode(8, position=100)


def torn_file(path: str, n_threads: int = 1) -> None:
    """The file of a loaded model is cut."""
    with tempfile.TemporaryDirectory() as folder:
        torn = shutil.copy(path, folder)
        model = Model(torn, n_threads)
        os.truncate(torn, 4096)
        model.decode(10)


def torn_file_of_a_team(path: str) -> None:
    """The same where several threads compute."""
    torn_file(path, 4)


def torn_map(path: str) -> None:
    """A file that somebody else has mapped is cut."""
    with tempfile.TemporaryFile() as file:
        file.truncate(1 << 16)
        mapped = mmap.mmap(file.fileno(), 0)
        file.truncate(0)
        mapped[5000]


def sent(_path: str) -> None:
    """Somebody sends the signal, and nothing is wrong."""
    os.kill(os.getpid(), signal.SIGBUS)
    time.sleep(60)


def foreign_thread(_path: str) -> None:
    """A thread of another library terminates: it has neither Python nor llama.cpp on its stack."""
    libc = ctypes.CDLL(None)
    thread = ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, ctypes.cast(LIBRARY._ZSt9terminatev, ctypes.c_void_p), None)
    time.sleep(60)


def main(scenario: str, path: str) -> None:
    """Run the scenario on an engine's thread (``name``), on this one (``name!``), or here beside one (``name&``)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    failing = globals()[scenario.rstrip("!&")]
    kept = {"hours": "of work"}
    before = Model(path, 1).decode(10)
    if scenario[-1] in "!&":
        if scenario.endswith("&"):
            _engaged_thread(lambda: time.sleep(60))
        failing(path)
        return
    heard = threading.Event()
    found: list[parking.Parked] = []

    def hear(parked: parking.Parked) -> None:
        found.append(parked)
        heard.set()

    parking.watch(hear)
    thread = _engaged_thread(lambda: failing(path))
    assert heard.wait(30)
    after: list[list[float]] = []
    again = _engaged_thread(lambda: after.append(Model(path, 2).decode(10)))
    again.join(30)
    print(
        json.dumps(
            {
                "reason": parking.reason(),
                "told": found[0].reason,
                "the engine's": found[0].thread == thread.ident,
                "thread lives": thread.is_alive(),
                "other's reason": parking.reason(threading.get_ident()),
                "kept": kept,
                "same logits": max(abs(a - b) for a, b in zip(before, after[0], strict=True)) < 1e-3,
                "interrupted": _interrupted(),
            }
        )
    )
    sys.exit(7)


def _engaged_thread(work: Any) -> threading.Thread:
    def run() -> None:
        with parking.engaged():
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _interrupted() -> bool:
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job
        signal.raise_signal(signal.SIGINT)
        time.sleep(5)
    except KeyboardInterrupt:
        return True
    return False


if __name__ == "__main__":
    main(*sys.argv[1:])
