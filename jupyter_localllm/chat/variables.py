"""The kernel's variables, for people to choose from; looked at beside a running cell, so without running their code."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping, Sequence
from itertools import islice
from types import ModuleType
from typing import Any

from jupyter_localllm.errors import UsageError, close_match

__all__ = ["described", "listed", "resolve"]

_SCALARS = (bool, int, float, complex, type(None))
_PACKAGES = ("numpy", "pandas", "polars", "pyarrow")
_CELL_BYTES = 8  # of a table's cell, with its column's name beside it now and then
_SAMPLED = 50
_MOST_COLUMNS = 30


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
    [{'name': 'rows', 'type': 'list', 'shape': '2 items', 'tokens': 13, 'defined_in': None}]
    """
    sought = prefix.casefold()
    found = [
        name
        for name in list(variables)
        if isinstance(name, str)
        and sought in name.casefold()
        and name.isidentifier()
        and name not in hidden
        and (not name.startswith("_") or prefix.startswith("_"))
        and not isinstance(variables.get(name), ModuleType)
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
        raise UsageError(f"there is no variable {first}", close_match(first, [n for n in variables if n[:1] != "_"]))
    value = variables[first]
    for i, name in enumerate(rest, 1):
        try:
            value = getattr(value, name)
        except Exception as error:
            raise UsageError(f"{'.'.join(path.split('.')[:i])} has no {name}: {error}") from error
    return value


def described(name: str, variables: Mapping[str, Any]) -> str:
    """A variable in one line, for a prompt: type, shape, columns; a scalar's value.

    Examples
    --------
    >>> described("zero", {"zero": 0}), described("gone", {})
    ('zero is an int: 0', 'gone is not defined')
    """
    try:
        value = resolve(name, variables)
    except UsageError:
        return f"{name} is not defined"
    kind = type(value).__name__
    article = "an" if kind[:1].lower() in "aeiou" else "a"
    shape, _ = _size(value)
    if type(value) in _SCALARS or (type(value) is str and len(value) <= 80):
        return f"{name} is {article} {kind}: {value!r}"[:300]
    columns = _columns(value)
    return f"{name} is {article} {kind}" + (f" of {shape}" if shape else "") + (f" with {columns}" if columns else "")


def _one(name: str, value: Any, budget: int, cell: int | None) -> dict[str, Any]:
    shape, size = _size(value)
    return {
        "name": name,
        "type": type(value).__name__,
        "shape": shape,
        "tokens": None if size is None else min(budget, size // 3 + 12),
        "defined_in": None if cell is None else f"In[{cell}]",
    }


def _size(value: Any) -> tuple[str, int | None]:
    """Shape in words, and about how many bytes its text has; by types whose code is not the person's."""
    kind = type(value)
    if kind is str:
        return f"{len(value):,} characters", len(value)
    if kind in _SCALARS:
        return "", 10
    if kind in (list, tuple, set, frozenset, dict):
        return f"{len(value):,} items", _elements(value)
    if kind.__module__.partition(".")[0] not in _PACKAGES:
        return "", None
    try:
        shape = tuple(int(length) for length in value.shape)
    except Exception:  # no array and no table
        return "", None
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
    if type(value).__module__.partition(".")[0] not in _PACKAGES or not hasattr(value, "columns"):
        return ""
    try:
        names = [str(name) for name in islice(getattr(value, "column_names", None) or value.columns, _MOST_COLUMNS)]
    except Exception:
        return ""
    return f"columns {', '.join(names)}" if names else ""


def _defining(names: Sequence[str], cells: Any) -> dict[str, int]:
    """The latest execution that bound each name, as far as the text of the cells tells."""
    left, found = set(names), {}
    for number in range(len(cells) - 1 if isinstance(cells, list) else 0, 0, -1):
        if not left:
            break
        for name in left & _bound(str(cells[number])):
            found[name] = number
            left.discard(name)
    return found


@functools.lru_cache(maxsize=4_096)
def _bound(source: str) -> frozenset[str]:
    """Names that a cell binds at its top level."""
    try:
        waiting: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
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
