"""Loading the library itself: quiet, with its complaints kept, and with an abort flag that costs nothing."""

from __future__ import annotations

import collections
import contextlib
import ctypes
import sys
from types import ModuleType
from typing import Any

from jupyter_localllm.engine import parking, torn
from jupyter_localllm.errors import DependencyMissing, printable

__all__ = ["Native", "open_library"]

_BLOCK_BYTES, _BLOCKS = 1 << 20, 60  # an arena grows by pieces of 64 MB
_WARNING, _ERROR = 3, 4  # ggml_log_level


class Native:
    """The ``llama_cpp`` module, with its log caught.

    Attributes
    ----------
    lib : module
        ``llama_cpp``.
    quick : ctypes.PyDLL
        The same library for calls that take microseconds. They keep the GIL: to let it go and wait for it again takes
        up to 5 ms each time when another thread runs Python.
    verbose : bool
        Whether the log is written to stderr as well; the latest model that was loaded decides.
    complaints : deque of str
        The last warnings and errors of llama.cpp; they say why a load failed, and never reach the notebook's stderr.
    """

    def __init__(self, lib: ModuleType) -> None:
        self.lib: Any = lib
        self.quick = _quick(lib)
        self.verbose = False
        self.complaints: collections.deque[str] = collections.deque(maxlen=20)
        # Both objects must outlive every native call.
        self._log = lib.llama_log_callback(self._note)
        self._abort = ctypes.cast(_libc().strlen, lib.ggml_abort_callback)
        lib.llama_log_set(self._log, ctypes.c_void_p(0))
        lib.llama_backend_init()
        parking.install(lib)
        torn.install()

    def set_abort(self, context: Any, flag: ctypes.Array[ctypes.c_char]) -> None:
        """Let `context` stop its graph when the C string in `flag` is not empty.

        llama.cpp asks after every node of the graph. A Python function would be called thousands of times for a token,
        so the callback is libc's ``strlen``: of an empty string it is 0 (go on), of one character 1 (stop).
        """
        self.quick.llama_set_abort_callback(context, self._abort, ctypes.addressof(flag))

    def trim(self) -> None:
        """Give freed memory back to the system (glibc; elsewhere nothing).

        ``malloc_trim`` leaves alone what lies free at the end of a thread's own arena, 20 MB and more after a model.
        So that end is taken in blocks, which costs nothing while nobody writes there, and freed before a small block
        that is still in use: then it lies in the middle, and is given back.
        """
        libc = _libc()
        if not hasattr(libc, "malloc_trim"):
            return
        libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
        blocks = [libc.malloc(_BLOCK_BYTES) for _ in range(_BLOCKS)]
        guard = libc.malloc(64)
        for block in blocks:
            libc.free(block)
        libc.malloc_trim(0)
        libc.free(guard)

    def why(self) -> str:
        """The last complaint that tells more than that it failed, for an error message."""
        lines = [line for line in reversed(self.complaints) if line] or ["llama.cpp did not say why"]
        return next((line for line in lines if not line.endswith("failed to load model")), lines[0])

    def _note(self, level: int, text: bytes, _data: Any) -> None:
        if self.verbose:
            with contextlib.suppress(Exception):  # no stderr, or one that is closed: llama.cpp must not hear of it
                sys.stderr.write(printable(text.decode("utf-8", "replace")))
        if level in (_ERROR, _WARNING):
            self.complaints.append(text.decode("utf-8", "replace").strip())


_opened: list[Native] = []  # the library is one per process, whoever asks


def open_library() -> Native:
    """Import ``llama_cpp`` once.

    Raises
    ------
    DependencyMissing
        It is not installed, or its native library cannot be loaded here.
    """
    if not _opened:
        try:
            import llama_cpp
        except (ImportError, OSError, RuntimeError) as error:
            raise DependencyMissing(
                f"llama-cpp-python cannot be imported: {error}",
                'Run: CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install llama-cpp-python',
            ) from error
        _opened.append(Native(llama_cpp))
    return _opened[0]


def _quick(lib: Any) -> Any:
    """The library once more, for calls that keep the GIL, with the types of those that are made for each token."""
    pointer, number = ctypes.c_void_p, ctypes.c_int32
    quick = ctypes.PyDLL(lib.llama_cpp._lib._name)
    signatures: dict[str, tuple[list[Any], Any]] = {
        "llama_get_logits_ith": ([pointer, number], pointer),
        "llama_set_abort_callback": ([pointer, lib.ggml_abort_callback, pointer], None),
        "llama_set_n_threads": ([pointer, number, number], None),
        "llama_get_memory": ([pointer], pointer),
        "llama_memory_clear": ([pointer, ctypes.c_bool], None),
        "llama_memory_seq_rm": ([pointer, number, number, number], ctypes.c_bool),
        "llama_memory_seq_cp": ([pointer, number, number, number, number], None),
        "llama_memory_seq_pos_min": ([pointer, number], number),
        "llama_memory_seq_pos_max": ([pointer, number], number),
        "llama_sampler_apply": ([pointer, pointer], None),
        "llama_sampler_accept": ([pointer, number], None),
        "llama_sampler_clone": ([pointer], pointer),
        "llama_sampler_free": ([pointer], None),
        "llama_vocab_get_attr": ([pointer, number], number),
        "llama_vocab_is_eog": ([pointer, number], ctypes.c_bool),
    }
    for name, (arguments, result) in signatures.items():
        function = getattr(quick, name)
        function.argtypes, function.restype = arguments, result
    return quick


def _libc() -> Any:
    if sys.platform == "win32":
        return ctypes.cdll.msvcrt
    return ctypes.CDLL(None)
