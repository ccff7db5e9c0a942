"""The sandbox in which the expressions of a body run.

Jinja's immutable sandbox keeps an expression from private names, so that it cannot climb from a value to the
interpreter. This one closes what is left open in a notebook, where the values are modules, functions and frames:

- methods that change a list, set, deque, array or frame, on the object or through its class (``list.append(xs, 1)``);
- ways out through modules (``json.codecs.builtins``), and functions that run code, start programs or open files;
- ``str.format`` taken from the class, which Jinja guards only on a string itself;
- sizes that end a kernel (``"x" * 10**12``, ``10**10**10``).

It protects a person from a prompt that was pasted. It is no wall against the notebook's own functions: calling one runs
it as the notebook would.
"""

from __future__ import annotations

import json
import warnings
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any

from jinja2 import StrictUndefined
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import Context, TemplateReference
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import missing

from jupyter_localllm.prompt.closed import changes, check_arguments, check_size, forbidden, leaves_package

__all__ = ["BUILTINS", "Missing", "columns_of", "evaluate"]

BUILTINS: Mapping[str, Any] = (
    {
        f.__name__: f
        for f in (abs, all, any, bool, chr, dict, divmod, enumerate, float, int, len, list, max, min, ord, repr, round)
    }
    | {f.__name__: f for f in (set, sorted, str, sum, tuple, zip)}
    | {"range": safe_range}
)
"""Names that an expression has without the notebook; the notebook's own come first."""


class Missing(UndefinedError):
    """A name, attribute or item that is not there.

    Parameters
    ----------
    name : str
        What was asked for.
    owner : object
        Of what it was asked for; `jinja2.utils.missing` if it is a variable.
    """

    def __init__(self, message: str | None, name: str, owner: Any) -> None:
        super().__init__(message)
        self.name = name
        self.owner = owner

    @property
    def is_variable(self) -> bool:
        """Whether a variable is missing, and not an attribute or item of something."""
        return self.owner is missing


class _Undefined(StrictUndefined):
    """An undefined value that remembers in its error what was asked for."""

    __slots__ = ()

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: Any = None, exc: type[Exception] = UndefinedError
    ) -> None:
        super().__init__(hint, obj, name, exc)  # type: ignore[arg-type]
        if exc is UndefinedError and hint is None:
            self._undefined_exception = lambda message: Missing(message, str(name), obj)  # type: ignore[assignment]


class _Context(Context):
    def resolve_or_missing(self, key: str) -> Any:
        value = super().resolve_or_missing(key)
        machinery = len(key) > 4 and key.startswith("__") and key.endswith("__")
        if value is not missing and (machinery or forbidden(value)):
            raise SecurityError(f"`{key}` is closed to templates")
        return value


class _Environment(ImmutableSandboxedEnvironment):
    context_class = _Context
    intercepted_binops = frozenset({"*", "**"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return super().is_safe_attribute(obj, attr, value) and not (
            forbidden(value)
            or (callable(value) and changes(obj, attr))
            or (isinstance(obj, ModuleType) and leaves_package(obj, value))
            or (isinstance(obj, type) and issubclass(obj, str) and attr in ("format", "format_map"))
        )

    def is_safe_callable(self, obj: Any) -> bool:
        # Only a real True counts: objects that answer to any name would otherwise not be callable at all.
        marks = (getattr(obj, mark, False) for mark in ("unsafe_callable", "alters_data"))
        return not forbidden(obj) and not any(mark is True for mark in marks)

    def unsafe_undefined(self, obj: Any, attribute: str) -> _Undefined:
        kind = obj.__name__ if isinstance(obj, (type, ModuleType)) else type(obj).__name__
        why = "would change it" if changes(obj, attribute) else "is closed to templates"
        return _Undefined(f"`{attribute}` of {kind} {why}", obj, attribute, SecurityError)

    def getattr(self, obj: Any, attribute: str) -> Any:
        try:
            return super().getattr(obj, attribute)
        except Exception:
            return self._undefined_column(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, defaultdict) and argument not in obj:  # asking it would put the key into it
            return self.undefined(obj=obj, name=argument) if obj.default_factory is None else obj.default_factory()
        try:
            value = super().getitem(obj, argument)
        except Exception:
            return self._undefined_column(obj, argument)
        if forbidden(value):
            return self.unsafe_undefined(obj, str(argument))
        return value

    def _undefined_column(self, obj: Any, name: Any) -> Any:
        """Give a missing column the same error in every library; called while an exception is handled."""
        columns = columns_of(obj)
        if isinstance(name, str) and columns and name not in columns and not hasattr(type(obj), name):
            return self.undefined(obj=obj, name=name)
        raise  # noqa: PLE0704 - the exception that the caller is handling

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        check_arguments(__obj, args, kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        check_size(operator, left, right)
        return super().call_binop(context, operator, left, right)


def evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """Give the value of one expression.

    Parameters
    ----------
    expression : str
        What stands between the braces.
    names : Mapping
        The notebook's variables, as they are.

    Returns
    -------
    object

    Raises
    ------
    jinja2.TemplateError
        The expression is wrong (`jinja2.TemplateSyntaxError`), asks for something that is not there (`Missing`), or for
        something closed (`jinja2.exceptions.SecurityError`).
    Exception
        Whatever the expression itself raises.
    """
    value = _compiled(expression)(names)
    if issubclass(type(value), _Undefined):
        value._fail_with_undefined_error()  # type: ignore[union-attr]
    if issubclass(type(value), TemplateReference):
        raise SecurityError("`self` is a name of Jinja's own; bind the value to another name")
    return value


def columns_of(value: Any) -> list[str]:
    """Names of the columns of a frame of any library; empty for anything else."""
    if isinstance(value, (type, ModuleType, Mapping)):
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a lazy frame warns that its columns cost something
            names = getattr(value, "column_names", None)  # pyarrow, whose `columns` are the data
            return [str(name) for name in (names if isinstance(names, list) else getattr(value, "columns", ()))]
    except Exception:  # an attribute of this name that is something else
        return []


@lru_cache(maxsize=1)
def _environment() -> _Environment:
    environment = _Environment(undefined=_Undefined)
    environment.globals.clear()
    environment.globals.update(BUILTINS)
    environment.filters["tojson"] = _tojson  # Jinja's own is made for HTML and writes < as \u003c
    return environment


@lru_cache(maxsize=64)  # the rows of a map have the same few
def _compiled(expression: str) -> TemplateExpression:
    return _environment().compile_expression(expression, undefined_to_none=False)


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
