"""The kernel's variables, for people to choose from; looked at beside a running cell, so without running their code."""

from __future__ import annotations

import ast
import functools
import inspect
import types
from collections import namedtuple
from collections.abc import Mapping, Sequence
from itertools import islice
from types import ModuleType
from typing import Any

from jupyter_localllm.errors import UsageError, close_match
from jupyter_localllm.sources.secrets import looks_secret
from jupyter_localllm.sources.syntax import syntax_of

__all__ = ["described", "is_module", "listed", "resolve"]

_SCALARS = (bool, int, float, complex, type(None))
_PACKAGES = ("numpy", "pandas", "polars", "pyarrow")
_CELL_BYTES = 8  # of a table's cell, with its column's name beside it now and then
_SAMPLED = 50
_MOST_COLUMNS = 30
_LAZY = "LazyFrame"  # its columns cost a reading of its files
_MISSING = object()
# What may stand in a class and is read without running code of the person's.
_HARMLESS = (
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType),
    *(types.MethodWrapperType, types.ClassMethodDescriptorType, types.MemberDescriptorType, types.GetSetDescriptorType),
    *(types.MethodType, staticmethod, type(vars(namedtuple("_Pair", "a"))["a"])),
)


def listed(
    variables: Mapping[str, Any], prefix: str, limit: int, *, hidden: frozenset[str] = frozenset(), budget: int = 1_500
) -> list[dict[str, Any]]:
    """Variables whose names begin with `prefix`, then those that contain it.

    Parameters
    ----------
    variables : Mapping of str to object
    prefix : str
        Capitals do not matter.
    limit : int
    hidden : frozenset of str
        Names that are not the person's.
    budget : int
        Most tokens that sources bring into a prompt.

    Examples
    --------
    >>> listed({"rows": [1, 2], "x": 1.5}, "r", 10)
    [{'name': 'rows', 'type': 'list', 'shape': '2 items', 'tokens': 17, 'defined_in': None}]
    """
    sought = prefix.casefold()
    found = [
        name
        for name in list(variables)
        if type(name) is str
        and sought in name.casefold()
        and name.isidentifier()
        and name not in hidden
        and (not name.startswith("_") or prefix.startswith("_"))
        and not is_module(variables.get(name))
    ]
    found.sort(key=lambda name: (not name.casefold().startswith(sought), name.casefold(), name))
    found = found[:limit]
    cells = _defining(found, variables.get("In"))
    return [_one(name, variables.get(name), budget, cells.get(name)) for name in found]


def resolve(path: str, variables: Mapping[str, Any]) -> Any:
    """The value of a name, or of an attribute path of names.

    Raises
    ------
    UsageError
        There is none.
    """
    first, *rest = path.split(".")
    if first not in variables:
        raise UsageError(
            f"there is no variable {first}",
            close_match(first, [n for n in variables if type(n) is str and n[:1] != "_"]),
        )
    value = variables[first]
    for i, name in enumerate(rest, 1):
        value = _attribute(value, name, ".".join(path.split(".")[:i]))
    return value


def is_module(value: Any) -> bool:
    """By its type, and not by the ``__class__`` that it says it has."""
    return issubclass(type(value), ModuleType)


def described(name: str, variables: Mapping[str, Any]) -> str:
    """A variable in one line, for a prompt: type, shape, columns; a scalar's value, unless its name speaks of a secret.

    Parameters
    ----------
    name : str
        A plain name.
    variables : Mapping of str to object

    Examples
    --------
    >>> described("zero", {"zero": 0}), described("gone", {}), described("api_key", {"api_key": "x"})
    ('zero is an int: 0', 'gone is not defined', 'api_key is a str of 1 characters')
    """
    if name not in variables:
        return f"{name} is not defined"
    value = variables[name]
    kind = _name(type(value))
    article = "an" if kind[:1].lower() in "aeiou" else "a"
    shape, _ = _shape(value)
    if not looks_secret(name) and (shown := _literal(value)):
        return f"{name} is {article} {kind}: {shown}"[:300]
    columns = _columns(value)
    return f"{name} is {article} {kind}" + (f" of {shape}" if shape else "") + (f" with {columns}" if columns else "")


def _literal(value: Any) -> str:
    """A scalar or a short text as code has it; empty for what is neither."""
    if type(value) not in _SCALARS and not (type(value) is str and len(value) <= 80):
        return ""
    try:
        return repr(value)
    except ValueError:  # more digits than Python writes
        return ""


def _attribute(value: Any, name: str, path: str) -> Any:
    """An attribute that is there without code of the person's being run; tables' and arrays' own code may run."""
    if _package(type(value)) in _PACKAGES:
        try:
            return getattr(value, name)
        except Exception as error:
            raise UsageError(f"{path} has no {name}: {error}") from error
    found = inspect.getattr_static(value, name, _MISSING)
    getter = inspect.getattr_static(type(value), "__getattribute__")  # a slot wrapper, unless a class has its own
    if type(getter) is types.WrapperDescriptorType and found is not _MISSING and _harmless(found):
        try:
            return getattr(value, name)
        except AttributeError as error:  # a slot that is empty
            raise UsageError(f"{path} has no {name}") from error
    if found is _MISSING and inspect.getattr_static(type(value), "__getattr__", _MISSING) is _MISSING:
        raise UsageError(f"{path} has no {name}")
    why = f"{path} has no {name} that can be read without running code"
    raise UsageError(why, f"Give it a name in a cell: value = {path}.{name}")


def _harmless(found: Any) -> bool:
    kind = type(found)
    if kind is classmethod:
        return type(found.__func__) is types.FunctionType
    return kind in _HARMLESS or inspect.getattr_static(kind, "__get__", None) is None


def _name(kind: type) -> str:
    """A type's own name; its metaclass may say something else, by code."""
    name: str = type.__dict__["__name__"].__get__(kind)
    return name


def _package(kind: type) -> str:
    module = type.__dict__["__module__"].__get__(kind)
    return module.partition(".")[0] if type(module) is str else ""


def _one(name: str, value: Any, budget: int, cell: int | None) -> dict[str, Any]:
    shape, size = _shape(value)
    return {
        "name": name,
        "type": _name(type(value)),
        "shape": shape,
        "tokens": None if size is None else min(budget, size // 3 + 12),
        "defined_in": None if cell is None else f"In[{cell}]",
    }


def _shape(value: Any) -> tuple[str, int | None]:
    """`_size`, whatever the value does: one bad object must not keep people from the others."""
    try:
        return _size(value)
    except BaseException:  # also a KeyboardInterrupt of its own, or a panic of native code: no interrupt comes here
        return "", None


def _size(value: Any) -> tuple[str, int | None]:
    """Shape in words, and about how many bytes its text has; by types whose code is not the person's."""
    kind = type(value)
    if kind is str:
        return f"{len(value):,} characters", len(value)
    if kind in _SCALARS:
        return "", 10
    if kind in (list, tuple, set, frozenset, dict):
        return f"{len(value):,} items", _elements(value)
    if _package(kind) not in _PACKAGES or _name(kind) == _LAZY:
        return "", None
    shape = tuple(int(length) for length in value.shape)
    cells = functools.reduce(lambda a, b: a * b, shape, 1)
    return " \u00d7 ".join(f"{length:,}" for length in shape) or "scalar", cells * _CELL_BYTES


def _elements(value: Any) -> int | None:
    """Bytes of a container of plain values, from the first ones."""
    try:
        first: list[Any] = list(islice(value.items() if type(value) is dict else value, _SAMPLED))
    except RuntimeError:  # it is changed meanwhile
        return None
    flat = [part for pair in first for part in pair] if type(value) is dict else first
    if not all(type(part) is str or type(part) in _SCALARS for part in flat):
        return None
    size = sum(len(part) + 2 if type(part) is str else 8 for part in flat)
    return 2 if not first else size * len(value) // len(first)


def _columns(value: Any) -> str:
    kind = type(value)
    if _package(kind) not in _PACKAGES or _name(kind) == _LAZY:
        return ""
    try:
        names = [str(name) for name in islice(getattr(value, "column_names", None) or value.columns, _MOST_COLUMNS)]
    except BaseException:  # no table; or a panic of native code, which is no Exception
        return ""
    return f"columns {', '.join(names)}" if names else ""


def _defining(names: Sequence[str], cells: Any) -> dict[str, int]:
    """The latest execution that bound each name, as far as the text of the cells tells."""
    left, found = set(names), {}
    texts = cells if type(cells) is list else []  # anything else is not IPython's
    for number in range(len(texts) - 1, 0, -1):
        if not left:
            break
        if type(texts[number]) is not str:
            continue
        for name in left & _bound(texts[number]):
            found[name] = number
            left.discard(name)
    return found


@functools.lru_cache(maxsize=4_096)
def _bound(source: str) -> frozenset[str]:
    """Names that a cell binds at its top level."""
    tree = syntax_of(source)
    waiting: list[ast.AST] = [] if tree is None else [tree]
    names: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            waiting.extend(ast.iter_child_nodes(node))
    return frozenset(names)
