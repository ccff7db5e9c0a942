"""A model file that is cut while it is mapped stops the thread that reads it, not the kernel (Linux).

llama.cpp maps a model's file. Where somebody cuts it, overwrites it in place, or its disk fails, there is nothing to
read at an address that was good before, and the system sends SIGBUS to the thread that reads, which ends the process.
The handler here parks the engine's threads as `jupyter_localllm.engine.parking` does. Any other SIGBUS does what it did
before us: the handler that was there is put back, and the instruction is tried again.

Python's own handlers are no help: they run later, in the main thread, and the instruction would fault for ever.

Sources: sigaction(2), mmap(2); ``struct sigaction`` and ``siginfo_t`` as glibc and musl have them on 64-bit machines.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import platform
import signal
import sys
from pathlib import PurePosixPath

from jupyter_localllm.engine import parking

__all__ = ["install"]

_MACHINES = ("x86_64", "aarch64")  # whose structures are known here
_SA_SIGINFO = 4
_ON_FAULT = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class _Action(ctypes.Structure):
    """``struct sigaction``."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_byte * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


class _Info(ctypes.Structure):
    """The beginning of ``siginfo_t``."""

    _fields_ = (
        ("signal", ctypes.c_int),
        ("errno", ctypes.c_int),
        ("code", ctypes.c_int),
        ("pad", ctypes.c_int),
        ("address", ctypes.c_void_p),
    )


class _Handler:
    """Ours, and the one that was there before."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None)
        self._before = _Action()
        self._function = _ON_FAULT(self._on_fault)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._function))  # as in `parking`
        ours = _Action(ctypes.cast(self._function, ctypes.c_void_p), flags=_SA_SIGINFO)
        if self._libc.sigaction(signal.SIGBUS, ctypes.byref(ours), ctypes.byref(self._before)):
            raise OSError("sigaction")

    def remove(self) -> None:
        """Put back what was there before, if nobody else has come since."""
        last = _Action()
        self._libc.sigaction(signal.SIGBUS, ctypes.byref(self._before), ctypes.byref(last))
        if last.handler != ctypes.cast(self._function, ctypes.c_void_p).value:
            self._libc.sigaction(signal.SIGBUS, ctypes.byref(last), None)

    def _on_fault(self, _number: int, info: int, _context: int) -> None:
        told = _Info.from_address(info)
        python = sys._getframe().f_back is not None
        fault = told.code > 0  # else somebody has sent it, and nothing is wrong with an address
        if fault and (threads := parking.engines(python=python)) and (python or parking.ours_on_the_stack()):
            parking.park(_words(told.address or 0), threads)
        self._libc.sigaction(signal.SIGBUS, ctypes.byref(self._before), None)
        if not fault:
            os.kill(os.getpid(), signal.SIGBUS)  # once more, for whoever is to have it


_handlers: list[_Handler] = []


def install() -> bool:
    """Put the handler in place, once per process; whether it is.

    Not where somebody is told of parked threads already: the child of ``isolation="process"`` ends itself then, and
    its parent learns more from the signal.
    """
    if not sys.platform.startswith("linux") or platform.machine() not in _MACHINES or parking.watched():
        return False
    if not _handlers:
        try:
            _handlers.append(_Handler())
        except OSError:
            return False
    return True


def _words(address: int) -> str:
    return (
        f"{_mapped_at(address) or 'the model file'} cannot be read any more where it is mapped (SIGBUS): it was cut or "
        "overwritten in place, or its disk failed"
    )


def _mapped_at(address: int) -> str:
    """Name of the file that is mapped at an address; ``""`` if it cannot be told."""
    try:
        with open("/proc/self/maps", "rb") as maps:
            for line in maps:
                span, *_, name = line.split(None, 5)
                begin, end = (int(number, 16) for number in span.split(b"-"))
                if begin <= address < end:
                    return PurePosixPath(os.fsdecode(name.strip())).name if b"/" in name else ""
    except (OSError, ValueError):
        pass
    return ""


def _remove() -> None:
    for handler in _handlers:
        handler.remove()


atexit.register(_remove)  # as in `parking`: Python must not be called when it is over
