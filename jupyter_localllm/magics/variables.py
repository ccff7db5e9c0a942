"""Which of the user's variables fit where, judged by their types alone wherever that will do.

Completion asks on every key: no length is taken, no element read, no property called. Only the one variable that a
person has named is asked for its columns or the names of its attributes.
"""

from __future__ import annotations

import re
import typing
import warnings
from collections.abc import Mapping
from types import FunctionType, MethodType, ModuleType

__all__ = ["PLAIN_TYPES", "attribute_names", "columns_of", "data_names", "function_names", "prompt_names", "type_names"]

PLAIN_TYPES = ("bool", "float", "int", "str")

_TEXT_OR_UNORDERED = (str, bytes, bytearray, memoryview, Mapping, set, frozenset, type, ModuleType)


def data_names(variables: Mapping[str, object], hidden: frozenset[str] = frozenset()) -> list[str]:
    """Names of the variables that ``--over`` could go through: tables, series, arrays, lists."""
    return [name for name in prompt_names(variables, hidden) if _is_data(variables.get(name))]


def function_names(variables: Mapping[str, object], hidden: frozenset[str] = frozenset()) -> list[str]:
    """Names of the functions that ``--tools`` could give to a model: those written in Python."""
    names = prompt_names(variables, hidden)
    return [name for name in names if isinstance(variables.get(name), (FunctionType, MethodType))]


def type_names(variables: Mapping[str, object], hidden: frozenset[str] = frozenset()) -> list[str]:
    """Names of the variables that ``--schema`` could mean: classes, types such as ``list[int]``, JSON Schemas."""
    return [name for name in prompt_names(variables, hidden) if _is_type(variables.get(name))]


def prompt_names(variables: Mapping[str, object], hidden: frozenset[str], *, private: bool = False) -> list[str]:
    """Names that may stand in ``{{ }}``; those with a leading underscore only when `private`."""
    # A copy first: another thread may set a variable meanwhile.
    names = [name for name in list(variables) if name.isidentifier() and name not in hidden]
    return sorted(name for name in names if private or not name.startswith("_"))


def attribute_names(value: object) -> list[str]:
    """Public names of a value's attributes, none of them read; empty for `None`, which stands for no such variable."""
    return [] if value is None else [name for name in dir(value) if not name.startswith("_") and name.isidentifier()]


def columns_of(data: object) -> list[str]:
    """Names of the columns of a table, or the keys of a list's first record; empty if there are none.

    Examples
    --------
    >>> columns_of([{"text": "Good.", "stars": 5}])
    ['text', 'stars']
    """
    try:
        with warnings.catch_warnings():
            # A lazy frame warns that its columns are dear; one that was named by hand may cost that.
            warnings.simplefilter("ignore")
            # pyarrow has arrays in `columns` and the names in `column_names`.
            columns = getattr(data, "column_names", None) or getattr(data, "columns", None)
            if columns is None and isinstance(data, (list, tuple)) and data and isinstance(data[0], Mapping):
                columns = list(data[0])
            return [column for column in columns if isinstance(column, str)] if columns is not None else []
    except Exception:
        return []


def _is_type(value: object) -> bool:
    if type(value) is dict:
        return "type" in value or "properties" in value or "$ref" in value or "enum" in value
    return isinstance(value, type) or typing.get_origin(value) is not None or isinstance(value, re.Pattern)


def _is_data(value: object) -> bool:
    kind = type(value)
    if isinstance(value, _TEXT_OR_UNORDERED):
        return False
    return hasattr(kind, "columns") or (hasattr(kind, "__iter__") and hasattr(kind, "__len__"))
