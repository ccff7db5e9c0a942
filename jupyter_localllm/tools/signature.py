"""The arguments of a function: their JSON schema, and the way from JSON to what the function takes."""

from __future__ import annotations

import dataclasses
import inspect
import json
import typing
from collections.abc import Mapping
from typing import Any

from jupyter_localllm.constrain.typed import typed
from jupyter_localllm.errors import UsageError
from jupyter_localllm.tools.tool import Reader

__all__ = ["arguments_of"]


def arguments_of(function: Any, name: str, told: Mapping[str, str]) -> tuple[dict[str, Any], Reader]:
    """The schema of a function's arguments, an object with a property for each, and what reads them.

    A parameter that has a default may be left out by the model; the function's own default holds then.

    Parameters
    ----------
    function : callable
    name : str
        Its name, for errors.
    told : Mapping of str to str
        What the docstring says of the parameters.

    Raises
    ------
    UsageError
        A parameter has no hint, is ``*args`` or ``**kwargs``, or its type has no form in JSON.

    Examples
    --------
    >>> def price(item: str, count: int = 1) -> float: ...
    >>> schema, read = arguments_of(price, "price", {"item": "What to buy."})
    >>> schema["properties"]["item"], schema["required"]
    ({'type': 'string', 'description': 'What to buy.'}, ['item'])
    >>> read('{"item": "tea", "count": 2}')
    ((), {'item': 'tea', 'count': 2})
    """
    parameters = _parameters(function, name)
    record = typed(_record(name, parameters, _hints(function, name), told))
    schema = {key: value for key, value in (record.schema or {}).items() if key != "title"}
    positional = [one for one in parameters if one.kind is inspect.Parameter.POSITIONAL_ONLY]

    def read(text: str) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        value = record.value(text)
        given = {one: getattr(value, one) for one in json.loads(text)}
        most = max((place for place, one in enumerate(positional, 1) if one.name in given), default=0)
        return tuple(given.pop(one.name, one.default) for one in positional[:most]), given

    return schema, read


def _parameters(function: Any, name: str) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise UsageError(
            f"the parameters of {name} cannot be read", "Wrap it in a function of your own, with type hints."
        ) from None
    except NameError as error:  # since Python 3.14, hints are looked up when they are asked for
        raise _unresolved(name, error) from None
    for one in parameters:
        if one.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise UsageError(
                f"{name} takes {one}: a model must be told each parameter", "Name the parameters, with type hints."
            )
    return parameters


def _hints(function: Any, name: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        raise _unresolved(name, error) from None


def _unresolved(name: str, error: Exception) -> UsageError:
    return UsageError(
        f"the type hints of {name} cannot be resolved: {error}",
        "Define what they name in the notebook or at the top of the module, not within a function.",
    )


def _record(
    name: str, parameters: list[inspect.Parameter], hints: Mapping[str, Any], told: Mapping[str, str]
) -> type[Any]:
    """A dataclass with the parameters for fields."""
    fields: list[Any] = []
    for one in parameters:
        if one.name not in hints:
            raise UsageError(
                f"the parameter {one.name} of {name} has no type hint, so a model cannot be told what it takes",
                f"As in: def {name}({one.name}: str).",
            )
        optional = one.default is not inspect.Parameter.empty
        described = {"description": told[one.name]} if one.name in told else None
        field = (
            dataclasses.field(default=None, metadata=described) if optional else dataclasses.field(metadata=described)
        )
        fields.append((one.name, hints[one.name], field))
    try:
        return dataclasses.make_dataclass(name, fields, kw_only=True)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the parameters of {name} cannot be told: {error}", "Give them other names.") from None
