"""Loading the library itself: quiet, with its complaints kept, and with an abort flag that costs nothing."""

from __future__ import annotations

import collections
import ctypes
import sys
from types import ModuleType
from typing import Any

from jupyter_localllm.errors import DependencyMissing

__all__ = ["Native", "open_library"]

_ERROR, _WARNING = 3, 2  # ggml_log_level


class Native:
    """The ``llama_cpp`` module, with its log caught.

    Attributes
    ----------
    lib : module
        ``llama_cpp``.
    complaints : deque of str
        The last warnings and errors of llama.cpp; they say why a load failed, and never reach the notebook's stderr.
    """

    def __init__(self, lib: ModuleType) -> None:
        self.lib: Any = lib
        self.complaints: collections.deque[str] = collections.deque(maxlen=20)
        # Both objects must outlive every native call.
        self._log = lib.llama_log_callback(self._note)
        self._abort = ctypes.cast(_libc().strlen, lib.ggml_abort_callback)
        lib.llama_log_set(self._log, ctypes.c_void_p(0))
        lib.llama_backend_init()

    def set_abort(self, context: Any, flag: ctypes.Array[ctypes.c_char]) -> None:
        """Let `context` stop its graph when the C string in `flag` is not empty.

        llama.cpp asks after every node of the graph. A Python function would be called thousands of times for a token,
        so the callback is libc's ``strlen``: of an empty string it is 0 (go on), of one character 1 (stop).
        """
        self.lib.llama_set_abort_callback(context, self._abort, ctypes.cast(flag, ctypes.c_void_p))

    def why(self) -> str:
        """The last complaint, for an error message."""
        return next((line for line in reversed(self.complaints) if line), "llama.cpp did not say why")

    def _note(self, level: int, text: bytes, _data: Any) -> None:
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


def _libc() -> Any:
    if sys.platform == "win32":
        return ctypes.cdll.msvcrt
    return ctypes.CDLL(None)
