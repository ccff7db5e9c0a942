"""What a pure function is: its source and what it holds, so that kept outcomes are of this one and no other."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import dis
import enum
import fractions
import hashlib
import inspect
import pathlib
import re
import secrets
import uuid
from collections.abc import Iterator, Mapping, Set
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

__all__ = ["identity_of"]

# Of these repr tells all that is in them.
_TOLD = (
    *(str, bytes, int, float, complex, type(None), range, decimal.Decimal, fractions.Fraction, uuid.UUID),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.timezone, pathlib.PurePath),
)
_GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME")
_MISSING = object()


def identity_of(function: Any) -> str:
    """The sha256 of a function's source and of what it holds: defaults, globals, what it and its wrappers close over.

    Values count by what is in them: texts, numbers, moments, containers, tables, dataclasses, the attributes of the
    object that a method belongs to, and functions of the same module. Of other modules only the names count. What
    cannot be told makes the identity a new one each time, so that nothing is kept under it.

    Parameters
    ----------
    function : callable

    Examples
    --------
    >>> def area(side): return side * side
    >>> identity_of(area) == identity_of(area)
    True
    """
    telling = _Telling(getattr(inspect.unwrap(getattr(function, "__func__", function)), "__module__", ""))
    return hashlib.sha256("\n".join(telling.value(function)).encode("utf-8", "backslashreplace")).hexdigest()


class _Telling:
    """Tells values, each object once.

    Parameters
    ----------
    module : str
        Functions of this module are told whole.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._seen: dict[int, tuple[int, Any]] = {}  # the values kept, so that no number is given again meanwhile

    def value(self, value: Any) -> Iterator[str]:
        """The lines that say what a value is."""
        kind = type(value)
        yield f"{kind.__module__}.{kind.__qualname__}"
        if kind in _TOLD or isinstance(value, (bool, pathlib.PurePath)):
            yield repr(value)
        elif isinstance(value, re.Pattern):  # its repr ends after 200 characters
            yield repr((value.pattern, value.flags))
        elif id(value) in self._seen:
            yield f"again {self._seen[id(value)][0]}"
        else:
            self._seen[id(value)] = len(self._seen), value
            try:
                yield from self._inside(value)
            except Exception:  # a value of somebody else's, or one that another thread changes
                yield secrets.token_hex()

    def _inside(self, value: Any) -> Iterator[str]:
        if isinstance(value, enum.Enum):
            yield value.name
        elif isinstance(value, MethodType):
            yield from self.value(value.__func__)
            yield from self._attributes(value.__self__)
        elif isinstance(value, FunctionType):
            yield from self._function(value)
        elif isinstance(value, (ModuleType, BuiltinFunctionType, type)):
            yield f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '') or value.__name__}"
        elif type(value) in (list, tuple) or isinstance(value, (Mapping, Set)):
            yield from self._container(value)
        elif dataclasses.is_dataclass(value):
            yield from self._attributes(value)
        else:
            yield _table(value)

    def _container(self, value: Any) -> Iterator[str]:
        parts = value.items() if isinstance(value, Mapping) else value
        told = [list(self.value(one)) for one in parts]
        yield str(len(told))
        for one in sorted(told) if isinstance(value, Set) else told:
            yield from one

    def _attributes(self, value: Any) -> Iterator[str]:
        yield f"{type(value).__module__}.{type(value).__qualname__}"
        names = {*vars(value)} if hasattr(value, "__dict__") else set()
        for kind in type(value).__mro__:
            slots = vars(kind).get("__slots__", ())
            names.update((slots,) if isinstance(slots, str) else slots)
        for name in sorted(names - {"__dict__", "__weakref__"}):
            yield name
            if (held := getattr(value, name, _MISSING)) is not _MISSING:
                yield from self.value(held)

    def _function(self, function: Any) -> Iterator[str]:
        yield f"{function.__module__}.{function.__qualname__}"
        if function.__module__ != self._module and not hasattr(function, "__wrapped__"):
            return
        code = function.__code__
        try:
            yield inspect.getsource(code)
        except (OSError, TypeError):
            yield from _code(code)
        yield from self.value((function.__defaults__, function.__kwdefaults__))
        for cell in function.__closure__ or ():
            if cell != CellType():
                yield from self.value(cell.cell_contents)
        for name in _globals_of(code):
            if name in function.__globals__:
                yield name
                yield from self.value(function.__globals__[name])
        if hasattr(function, "__wrapped__"):
            yield from self.value(function.__wrapped__)


def _code(code: CodeType) -> Iterator[str]:
    """Bytecode, where there is no source; that of inner functions, too."""
    yield repr((code.co_code, code.co_names))
    for one in code.co_consts:
        yield from _code(one) if isinstance(one, CodeType) else (repr(one),)


def _globals_of(code: CodeType) -> list[str]:
    """The global names that a function and what is written within it read."""
    names = {one.argval for one in dis.get_instructions(code) if one.opname in _GLOBALS}
    for one in code.co_consts:
        if isinstance(one, CodeType):
            names.update(_globals_of(one))
    return sorted(names)


def _table(value: Any) -> str:
    """The sha256 of a frame, a series or an array; of anything else what is like nothing else."""
    from jupyter_localllm.sources.snapshot import take_snapshot

    kind = type(value).__module__.partition(".")[0]
    if kind not in ("pandas", "polars", "pyarrow", "numpy"):
        return secrets.token_hex()
    if kind == "numpy" and not getattr(value, "ndim", 0):
        return repr(value)
    return take_snapshot(value, "held").sha256
