"""What the child may say, as JSON. The parent believes none of it before it was looked at.

Pickle would let the child run anything in the parent, and whoever wrote the model file may own the child.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, NoReturn, Union

from jupyter_localllm import errors
from jupyter_localllm.engine.process.frames import BadFrame
from jupyter_localllm.errors import EngineError, LocalLLMError
from jupyter_localllm.types import Done, Event, Provenance, Result, Status, Token

__all__ = ["build", "pack", "pack_error", "pack_event", "unpack", "unpack_error", "unpack_event"]

_EVENTS: dict[str, type[Status] | type[Token] | type[Done]] = {"status": Status, "token": Token, "done": Done}
_NAMES = {kind: name for name, kind in _EVENTS.items()}
_INTEGERS = 2**53


def pack(value: Any) -> bytes:
    """JSON in UTF-8; half surrogates become question marks."""
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace")


def unpack(payload: bytes) -> Any:
    """JSON, or BadFrame."""
    try:
        return json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"no JSON: {type(error).__name__}") from None


def pack_event(event: Event) -> bytes:
    """An event, without what only the parent knows."""
    if isinstance(event, Done):  # the parent knows better where an answer comes from
        event = dataclasses.replace(event, result=dataclasses.replace(event.result, provenance=Provenance()))
    return pack([_NAMES[type(event)], dataclasses.asdict(event)])


def unpack_event(payload: bytes, name: str) -> Event:
    """An event; `name` is the model's.

    Raises
    ------
    BadFrame
        It is none, or a field of it has another type or range than it says.
    """
    value = unpack(payload)
    if not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and value[0] in _EVENTS):
        raise BadFrame("an unknown event")
    event: Event = build(_EVENTS[value[0]], value[1])
    if isinstance(event, Status):
        if event.fraction is not None and not 0.0 <= event.fraction <= 1.0:
            raise BadFrame("a fraction beyond 0 and 1")
        return Status(_plain(event.stage), _plain(event.text), event.fraction)
    return Done(_own(event.result, name)) if isinstance(event, Done) else event


def pack_error(error: BaseException) -> bytes:
    """An error as its class, message and hint; what is not of our tree becomes an `EngineError`."""
    if not isinstance(error, LocalLLMError):
        what = f"the engine failed: {type(error).__name__}: {error}"
        error = EngineError(what, "Run it again; if it stays so: %llm unload")
    return pack([type(error).__name__, error.message[:10_000], error.hint[:10_000]])


def unpack_error(payload: bytes) -> LocalLLMError:
    """The error, of the class it had if our tree has it."""
    name, message, hint = build(tuple[str, ...], unpack(payload), 3)
    kind = getattr(errors, name, None) if name in errors.__all__ else None
    if not (isinstance(kind, type) and issubclass(kind, LocalLLMError)):
        kind = EngineError
    return kind(_plain(message), _plain(hint))


def build(hint: Any, value: Any, length: int | None = None) -> Any:
    """Make what `hint` says of a JSON value, strictly.

    Parameters
    ----------
    hint : type
        str, int (0 to 2**53), float, bool, a Literal, an Optional, a tuple, a Mapping of str, a frozen dataclass of
        these, or Any.
    value : Any
        As `json.loads` gave it.
    length : int, optional
        Of a tuple.

    Raises
    ------
    BadFrame
        It is something else.

    Examples
    --------
    >>> build(tuple[int, ...], [1, 2])
    (1, 2)
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    made: Any
    if origin in (Union, types.UnionType):
        made = None if value is None else build(next(a for a in arguments if a is not type(None)), value)
    elif origin is Literal:
        made = value if isinstance(value, str) and value in arguments else _refuse(hint, value)
    elif origin is tuple:
        made = _tuple(hint, arguments, value, length)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        found = value if isinstance(value, dict) else _refuse(hint, value)
        made = {_any(key): build(arguments[1], one) for key, one in found.items()}
    elif dataclasses.is_dataclass(hint):
        made = _dataclass(hint, value)
    else:
        made = _any(value) if hint is Any else _scalar(hint, value)
    return made


def _tuple(hint: Any, arguments: tuple[Any, ...], value: Any, length: int | None) -> tuple[Any, ...]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        _refuse(hint, value)
    if arguments[-1] is Ellipsis:
        return tuple(build(arguments[0], one) for one in value)
    if len(value) != len(arguments):
        _refuse(hint, value)
    return tuple(build(kind, one) for kind, one in zip(arguments, value, strict=True))


def _dataclass(kind: Any, value: Any) -> Any:
    hints = _hints(kind)
    if not isinstance(value, dict) or not value.keys() <= hints.keys():
        _refuse(kind, value)
    try:
        return kind(**{name: build(hints[name], one) for name, one in value.items()})
    except TypeError:  # a field without a default is missing
        _refuse(kind, value)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _scalar(hint: Any, value: Any) -> Any:
    if hint is float and type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:
            _refuse(hint, value)
    if hint is int and (type(value) is not int or not 0 <= value < _INTEGERS):
        _refuse(hint, value)
    return _any(value) if type(value) is hint else _refuse(hint, value)


def _any(value: Any) -> Any:
    """JSON as it is, but for half surrogates, which nobody could write to a file or a socket."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadFrame("half a character") from None
    elif isinstance(value, list):
        return [_any(one) for one in value]
    elif isinstance(value, dict):
        return {_any(key): _any(one) for key, one in value.items()}
    return value


def _refuse(hint: Any, value: Any) -> NoReturn:
    raise BadFrame(f"{type(value).__name__} in the place of {getattr(hint, '__name__', hint)}")


def _own(result: Result, name: str) -> Result:
    """The result with what the parent knows itself, and with times that are times."""
    if not all(0.0 <= value < math.inf for value in dataclasses.astuple(result.timings)):
        raise BadFrame("a time that is none")
    notes = tuple(dataclasses.replace(note, text=_plain(note.text)) for note in result.notes)
    return dataclasses.replace(
        result, model=name, cached=False, notes=notes, provenance=Provenance(), calls=(), value=None
    )


def _plain(text: str) -> str:
    """Without characters that move a terminal's cursor."""
    return "".join(character for character in text if character.isprintable() or character == "\n")
