"""Arrays of numpy and its relatives: what is one, and its values as Python's own."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["array_values", "cells_of", "is_array", "is_number_array", "plain_values"]

_NUMBERS = "biufcmMUST"  # kinds of numpy's dtypes


def is_array(value: Any) -> bool:
    """Whether the value is like a numpy array: numpy's, pandas' indexes and arrays, tensors."""
    kind = type(value)
    return not isinstance(value, type) and all(hasattr(kind, name) for name in ("tolist", "shape", "dtype"))


def is_number_array(value: Any) -> bool:
    """Whether the value is an array of numpy that holds numbers, dates or texts, and no objects or records."""
    return is_array(value) and type(value).__module__.partition(".")[0] == "numpy" and value.dtype.kind in _NUMBERS


def cells_of(value: Any) -> int:
    """How many values an array has."""
    return math.prod(int(n) for n in value.shape)


def array_values(value: Any, most: int) -> list[Any]:
    """Python values of an array, its first rows only if it has more than so many values and one."""
    width = max(1, cells_of(value) // max(1, int(value.shape[0])))
    rows = most // width + 1
    values: list[Any] = plain_values(value if rows >= int(value.shape[0]) else value[:rows])
    return values


def plain_values(value: Any) -> Any:
    """Python values of an array, complete to the last digit and without digits that it does not have."""
    kind = getattr(value.dtype, "kind", "")
    if type(value).__module__.partition(".")[0] != "numpy" or not isinstance(kind, str):
        return value.tolist()
    if kind in "mM":
        return _nones(value.astype(str).tolist())
    if kind == "f" and value.dtype.itemsize < 8:
        return value.astype(str).astype("float64").tolist()  # 0.1, not 0.10000000149011612
    if value.dtype.names:
        return _records(value.tolist(), value.dtype.names)
    return value.tolist()


def _nones(value: Any) -> Any:
    if isinstance(value, list):
        return [_nones(child) for child in value]
    return None if value == "NaT" else value


def _records(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_records(child, names) for child in value]
    return dict(zip(names, value, strict=True))
