"""What the C++ exception says that is ending this thread.

Read in a terminate handler, where C++ code would rethrow it and catch ``std::exception``. Sources: the Itanium C++ ABI,
"Exception Handling" 2.2.1 (``__cxa_exception``), and libstdc++'s ``unwind-cxx.h`` and ``type_info::__do_catch``.
"""

from __future__ import annotations

import ctypes
from typing import Any

__all__ = ["describe_thrown"]

# Of __cxa_exception on 64-bit machines: where the unwinder's header stands, and the whole, after which the object lies.
_UNWIND_HEADER, _WHOLE = 80, 112
_THROWN_HERE = b"GNUCC++\0"[::-1]  # the class of an exception that libstdc++ threw, as a little-endian number
_UPCAST = "_ZNK10__cxxabiv117__class_type_info10__do_catchEPKSt9type_infoPPvj"


def describe_thrown(library: Any) -> str:
    """Type and words of the exception that is being handled on this thread.

    Parameters
    ----------
    library : ctypes.CDLL
        A library that is linked with libstdc++.

    Returns
    -------
    str
        ``"std::runtime_error: no such thing"``, its type alone where it has no words, or that it is not known.
    """
    try:
        kind = _function(library, "__cxa_current_exception_type", ctypes.c_void_p)()
        if not kind:
            return "terminate was called without one"
        name = _demangled(library, ctypes.string_at(_pointer(kind + ctypes.sizeof(ctypes.c_void_p))))
        words = _words(library, kind)
    except (AttributeError, ValueError):  # another C++ library
        return "of an unknown type"
    return f"{name}: {words}" if words else name


def _words(library: Any, kind: int) -> str:
    header = _pointer(_function(library, "__cxa_get_globals", ctypes.c_void_p)())
    if ctypes.sizeof(ctypes.c_void_p) != 8 or ctypes.string_at(header + _UNWIND_HEADER, 8) != _THROWN_HERE:
        return ""
    thrown = ctypes.c_void_p(header + _WHOLE)
    standard = ctypes.addressof(ctypes.c_char.in_dll(library, "_ZTISt9exception"))
    is_one = _function(library, _UPCAST, ctypes.c_bool)(
        ctypes.c_void_p(standard), ctypes.c_void_p(kind), ctypes.byref(thrown), ctypes.c_uint(1)
    )
    if not is_one or not thrown.value:
        return ""
    what = _pointer(_pointer(thrown.value) + 16)  # third in the virtual table, after the two destructors
    text = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)(what)(thrown)
    return (text or b"").decode("utf-8", "replace")


def _demangled(library: Any, name: bytes) -> str:
    status = ctypes.c_int()
    found = _function(library, "__cxa_demangle", ctypes.c_char_p)(name, None, None, ctypes.byref(status))
    return (found if status.value == 0 and found else name).decode("utf-8", "replace")


def _function(library: Any, name: str, result: Any) -> Any:
    function = getattr(library, name)
    function.restype = result
    return function


def _pointer(address: int) -> int:
    value = ctypes.c_void_p.from_address(address).value
    if not value:
        raise ValueError("a null pointer")
    return value
