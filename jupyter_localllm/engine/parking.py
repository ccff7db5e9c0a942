"""Native code that gives up stops its own thread, not the kernel (Linux).

llama.cpp checks itself with ``GGML_ASSERT`` and throws C++ exceptions, and ctypes catches neither: both end the
process, and the person's variables with it. Both ask a handler first, though (``ggml_set_abort_callback`` and
``std::set_terminate``), and a handler that never returns leaves one thread asleep and everything else alive. The memory
of its model is lost until the kernel ends; a model loaded in a new thread works, with new OpenMP threads.

Only the engine's threads are parked: a thread inside `engaged`, and the OpenMP threads that compute for it. Everybody
else's aborts and exceptions do what they did before. Elsewhere than on Linux nothing is installed and an abort ends the
process, as do SIGSEGV and the system's out-of-memory killer anywhere: `isolation="process"` is for those. A model file
that is cut while it is mapped is parked as well: `jupyter_localllm.engine.torn`.

Sources: ``ggml_abort`` in ggml.c and ggml.cpp of llama.cpp; [except.terminate] of the C++ standard.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NoReturn

from jupyter_localllm.engine.thrown import describe_thrown

__all__ = ["Parked", "engaged", "engines", "install", "ours_on_the_stack", "park", "reason", "watch", "watched"]

_ON_ABORT = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
_ON_TERMINATE = ctypes.CFUNCTYPE(None)
_OURS = ("libggml", "libllama", "libmtmd")


@dataclass(frozen=True)
class Parked:
    """A thread that will not come back.

    Parameters
    ----------
    reason : str
        What llama.cpp said.
    thread : int
        The engine's thread, as `threading.get_ident` names it: the one that failed, or whose OpenMP threads failed.
    """

    reason: str
    thread: int


_engaged: dict[int, int] = {}  # threads inside `engaged`, with its depth; each thread writes its own entry only
_parked: dict[int, Parked] = {}
_watchers: list[Callable[[Parked], object]] = []
_handlers: list[_Handlers] = []  # one at most: they are the process's
_mutexes: list[Any] = []  # those that parked threads wait for


@contextlib.contextmanager
def engaged() -> Iterator[None]:
    """Mark this thread as the engine's: native code that gives up inside parks it.

    Examples
    --------
    >>> with engaged():
    ...     reason(threading.get_ident()) is None
    True
    """
    here = threading.get_ident()
    _engaged[here] = _engaged.get(here, 0) + 1
    try:
        yield
    finally:
        _engaged[here] -= 1
        if not _engaged[here]:
            del _engaged[here]


def reason(thread: int | None = None) -> str | None:
    """Why `thread` is parked (without one: why the first that is parked is), or None."""
    found = _parked.get(thread) if thread is not None else next(iter(list(_parked.values())), None)
    return found.reason if found else None


def watch(callback: Callable[[Parked], object]) -> None:
    """Have `callback` told of each parked thread. It runs on a dying thread: it must be short and must not wait."""
    _watchers.append(callback)


def watched() -> bool:
    """Whether somebody is told of parked threads."""
    return bool(_watchers)


def install(lib: Any) -> bool:
    """Put the handlers in place, once per process.

    Parameters
    ----------
    lib : module
        ``llama_cpp``.

    Returns
    -------
    bool
        Whether they are: False elsewhere than on Linux, and for a build that does not offer both.
    """
    if not sys.platform.startswith("linux"):
        return False
    if not _handlers:
        try:
            _handlers.append(_Handlers(ctypes.CDLL(lib.llama_cpp._lib._name)))
        except (AttributeError, OSError):  # a build with other symbols: an abort is an abort
            return False
    return True


class _Handlers:
    """The two handlers, and those that were there before."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library, self._libc = library, ctypes.CDLL(None)
        self._set_abort, self._set_terminate = library.ggml_set_abort_callback, library._ZSt13set_terminatePFvvE
        for setter in (self._set_abort, self._set_terminate):
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
        self._abort, self._terminate = _ON_ABORT(self._on_abort), _ON_TERMINATE(self._on_terminate)
        for handler in (self._abort, self._terminate):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(handler))  # native code may hold them longer than Python lives
        self._abort_before: int | None = self._set_abort(self._abort)
        self._terminate_before: int | None = self._set_terminate(self._terminate)

    def remove(self) -> None:
        """Put back what was there before, if nobody else has come since."""
        for setter, ours, before in (
            (self._set_abort, self._abort, self._abort_before),
            (self._set_terminate, self._terminate, self._terminate_before),
        ):
            last = setter(before)
            if last != ctypes.cast(ours, ctypes.c_void_p).value:
                setter(last)

    def _on_abort(self, message: bytes | None) -> None:
        text = (message or b"").decode("utf-8", "replace")
        if threads := engines(python=sys._getframe().f_back is not None):
            park(_without_folder(text), threads)
        elif self._abort_before:
            _ON_ABORT(self._abort_before)(message)
        else:  # what ggml does without a callback; it aborts when this returns
            os.write(2, text.encode() + b"\n")
            self._library.ggml_print_backtrace()

    def _on_terminate(self) -> None:
        python = sys._getframe().f_back is not None
        if (threads := engines(python=python)) and (python or ours_on_the_stack()):
            park(f"an uncaught C++ exception: {describe_thrown(self._library)}", threads)
        elif self._terminate_before:
            _ON_TERMINATE(self._terminate_before)()
        else:
            self._libc.abort()


def park(text: str, threads: list[int]) -> NoReturn:
    """Put this thread to sleep for ever, and tell why the engine's `threads` are lost."""
    try:
        for thread in threads:
            if thread not in _parked:  # the others of a team may fail, too: the first word counts
                _parked[thread] = Parked(text, thread)
                for callback in list(_watchers):
                    with contextlib.suppress(Exception):
                        callback(_parked[thread])
    finally:
        # A mutex that is locked twice by the same thread: unlike a sleep, no signal wakes it, so that the thread
        # never runs Python again, which could be over by then. All zeros is PTHREAD_MUTEX_INITIALIZER, in glibc and
        # musl.
        mutex, libc = ctypes.create_string_buffer(128), ctypes.CDLL(None)
        _mutexes.append(mutex)
        while True:
            libc.pthread_mutex_lock(mutex)


def ours_on_the_stack() -> bool:
    """Whether llama.cpp is among the callers: any library's thread may fail while the engine works."""
    addresses, libc = (ctypes.c_void_p * 64)(), ctypes.CDLL(None)
    try:
        count = libc.backtrace(addresses, len(addresses))
    except AttributeError:  # musl has none
        return False
    return any(_library_of(address, libc).startswith(_OURS) for address in addresses[:count])


def _library_of(address: int | None, libc: ctypes.CDLL) -> str:
    found = _SharedObject()
    known = libc.dladdr(ctypes.c_void_p(address), ctypes.byref(found)) and found.name
    return PurePosixPath(os.fsdecode(found.name)).name if known else ""


class _SharedObject(ctypes.Structure):
    """``Dl_info`` of dladdr(3)."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def engines(*, python: bool) -> list[int]:
    """The engine's threads that this thread stands for: itself, those it computes for, or none.

    Parameters
    ----------
    python : bool
        Whether it runs Python below the native call. OpenMP's threads do not.
    """
    if python:
        here = threading.get_ident()
        return [here] if here in _engaged else []
    return list(_engaged)


def _without_folder(text: str) -> str:
    """The message without the folder of the machine that built the library."""
    place, colon, rest = text.partition(":")
    return f"{PurePosixPath(place).name}{colon}{rest}"


def _remove() -> None:
    for handlers in _handlers:
        handlers.remove()


# Python must not be called when it is over. Registered when this is imported, so it runs after what was registered
# later (`jupyter_localllm.runtime`), which still calls the library.
atexit.register(_remove)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_engaged.clear)  # the engine's threads are not in the child
