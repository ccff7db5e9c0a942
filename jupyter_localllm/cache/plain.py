"""Frozen dataclasses as plain JSON values, and back with every type checked.

What comes from a disk or from a file that somebody sent is not trusted: a value of the wrong type, a missing or an
unknown field is a `CacheError` that names the place, never a half-filled object.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from jupyter_localllm.errors import CacheError

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")

_SCALARS: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}


def to_plain(value: Any) -> Any:
    """Turn dataclasses, mappings, sequences and scalars into what JSON knows.

    Examples
    --------
    >>> from jupyter_localllm.types import Note
    >>> to_plain((Note("loop", "It repeats itself."),))
    [{'code': 'loop', 'text': 'It repeats itself.'}]
    """
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value) if _stored(field)}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[T], data: object, where: str = "value") -> T:
    """Read a JSON value as a dataclass.

    Parameters
    ----------
    kind : type
        A dataclass whose fields are scalars, literals, tuples, mappings with text keys, or such dataclasses.
    data : object
        What ``json.loads`` returned.
    where : str
        Name of the place, for the error.

    Raises
    ------
    CacheError
        The value does not have this shape.
    """
    return cast(T, _read(kind, data, where))


def _read(kind: Any, data: object, where: str) -> Any:
    if is_dataclass(kind):
        return _read_dataclass(kind, data, where)
    if kind in _SCALARS:
        return _read_scalar(kind, data, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):  # only "or None" is known
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return None if data is None else _read(inner, data, where)
    if isinstance(data, (list, dict)):
        return _read_container(origin, arguments, data, where)
    known = data in arguments if origin is Literal and isinstance(data, str) else kind is Any and _is_scalar(data)
    if not known:
        raise _wrong(where, data)
    return data


def _read_container(origin: Any, arguments: tuple[Any, ...], data: list[Any] | dict[str, Any], where: str) -> Any:
    if origin is Mapping and isinstance(data, dict):
        return {key: _read(arguments[1], item, f"{where}.{key}"[:200]) for key, item in data.items()}
    if origin is not tuple or not isinstance(data, list):
        raise _wrong(where, data)
    kind = arguments[0]
    if kind is str and all(type(item) is str for item in data):
        return tuple(data)  # a thousand tokens need no name for the place of each
    return tuple(_read(kind, item, f"{where}[{i}]") for i, item in enumerate(data))


def _is_scalar(data: object) -> bool:
    return data is None or isinstance(data, (str, int, float))


def _read_scalar(kind: Any, data: object, where: str) -> Any:
    # bool is an int in Python, but True is no number of tokens.
    if not isinstance(data, _SCALARS[kind]) or (isinstance(data, bool) and kind is not bool):
        raise _wrong(where, data)
    try:
        value = kind(data)
    except OverflowError:  # a whole number too large for a float
        raise _wrong(where, data) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise _wrong(where, data)
    return value


def _read_dataclass(kind: Any, data: object, where: str) -> Any:
    if not isinstance(data, dict):
        raise _wrong(where, data)
    hints = _hints(kind)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise CacheError(f"{where} has an unknown field {unknown[0][:80]!r}.")
    # A field that a later version added has a default; an entry from before it is still good.
    missing = [f.name for f in fields(kind) if f.name not in data and f.default is MISSING]
    if missing:
        raise CacheError(f"{where} has no field {missing[0]!r}.")
    return kind(**{name: _read(hints[name], item, f"{where}.{name}") for name, item in data.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if _stored(field)}


def _stored(field: Field[Any]) -> bool:
    """Whether a field is kept; not those that are made anew from the others."""
    return field.metadata.get("stored", True) is True


def _wrong(where: str, data: object) -> CacheError:
    return CacheError(f"{where} is a {type(data).__name__} that does not belong there.")
