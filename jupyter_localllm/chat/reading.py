"""Reading values that somebody else sent: each reader takes a value and gives what it means, or refuses it.

A reader is called with the value and with the name of its place, which the refusal tells.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar

from jupyter_localllm.conversation.again import LONGEST_NAME, REQUEST, is_path, names_in

__all__ = [
    "LIMIT_BYTES",
    "Reader",
    "Refusal",
    "anything",
    "check_size",
    "choice",
    "fill",
    "flag",
    "is_title",
    "maybe",
    "name_path",
    "names",
    "number",
    "part",
    "request_id",
    "several",
    "string",
    "table",
    "title",
    "whole",
]

LIMIT_BYTES = 1_000_000
_DEEPEST = 32
_LONGEST_INT = 1_023  # bits: what a float holds, and so JavaScript

Reader = Callable[[Any, str], Any]
T = TypeVar("T")


class Refusal(Exception):
    """Why a message is not taken.

    Parameters
    ----------
    code : str
        One of those in docs/protocol.md.
    text : str
        What is wrong, for people.
    hint : str
        What to do about it.
    """

    def __init__(self, code: str, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.hint = code, text, hint


def part(read: Reader, *default: Any) -> Any:
    """A field of a dataclass that is read by `read`; without a default it must be there."""
    how = {"read": read, "required": not default}
    if not default:
        return field(metadata=how)
    (value,) = default
    return field(default_factory=dict, metadata=how) if value == {} else field(default=value, metadata=how)


def fill(cls: Callable[..., T], values: Any, where: str = "") -> T:
    """Make a dataclass of an object, field by field; fields that it does not have are passed over."""
    if not isinstance(values, Mapping):
        raise _wrong(where or "the message", "an object", values)
    made = {}
    for one in fields(cls):  # type: ignore[arg-type]
        place = f"{where}.{one.name}" if where else one.name
        if one.name in values:
            made[one.name] = one.metadata["read"](values[one.name], place)
        elif _required(one):
            raise Refusal("missing_field", f"{place} is missing")
    return cls(**made)


def _required(one: Field[Any]) -> bool:
    return bool(one.metadata["required"]) or (one.default is MISSING and one.default_factory is MISSING)


def anything(value: Any, _where: str) -> Any:
    """Whatever it is."""
    return value


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong(where, "true or false", value)
    return value


def string(least: int = 0, most: int | None = None) -> Reader:
    """A text of `least` to `most` characters."""

    def read(value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise _wrong(where, "a text", value)
        if len(value) < least or (most is not None and len(value) > most):
            bound = f"at least {least:,}" if most is None else f"{least:,} to {most:,}"
            raise Refusal("out_of_range", f"{where} has {len(value):,} characters, and {bound} are possible")
        return value

    return read


def title(value: Any, where: str) -> str:
    """The name of a conversation."""
    name: str = string(1, LONGEST_NAME)(value, where)
    if not name.strip():
        raise Refusal("out_of_range", f"{where} is blank", "Give it a name.")
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise Refusal("out_of_range", f"{where} has a control character in it")
    return name


def is_title(name: str) -> bool:
    """Whether panels can be told of a conversation of this name: a cell may call its own by any."""
    try:
        title(name, "")
    except Refusal:
        return False
    return True


def request_id(value: Any, where: str) -> str:
    """What a panel calls its request."""
    if not isinstance(value, str):
        raise _wrong(where, "a text", value)
    if REQUEST.fullmatch(value) is None:
        raise Refusal("out_of_range", f"{where} is not 1 to 64 characters of A-Z a-z 0-9 - _")
    return value


def name_path(value: Any, where: str) -> str:
    """A name, or an attribute path of names; nothing that would have to be run."""
    path: str = string(1, LONGEST_NAME)(value, where)
    if not is_path(path):
        raise Refusal("out_of_range", f"{where} is neither a name nor names with dots between", "As df or model.coef_")
    return path


def names(value: Any, where: str) -> tuple[str, ...]:
    """A list of names; what is none is left out, and what is too many."""
    return tuple(names_in(several(string())(value, where)))


def whole(least: int, most: int) -> Reader:
    """A whole number."""

    def read(value: Any, where: str) -> int:
        if isinstance(value, float) and value.is_integer():  # JSON knows one kind of number
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong(where, "a whole number", value)
        return int(_within(value, least, most, where))

    return read


def number(least: float, most: float) -> Reader:
    """A number."""

    def read(value: Any, where: str) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise _wrong(where, "a number", value)
        return value if isinstance(_within(value, least, most, where), int) else float(value)

    return read


def choice(*values: str) -> Reader:
    """One of these texts."""

    def read(value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise _wrong(where, "a text", value)
        if value not in values:
            raise Refusal("out_of_range", f"{where} is not one of {', '.join(values)}")
        return value

    return read


def maybe(read: Reader) -> Reader:
    """The same, or null."""
    return lambda value, where: None if value is None else read(value, where)


def several(read: Reader, most: int | None = None) -> Reader:
    """A list of at most so many."""

    def read_all(values: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(values, list):
            raise _wrong(where, "a list", values)
        if most is not None and len(values) > most:
            raise Refusal("out_of_range", f"{where} has {len(values):,} items, and {most} are possible")
        return tuple(read(value, f"{where}[{i}]") for i, value in enumerate(values))

    return read_all


def table(*names: str, least: int = 0) -> Reader:
    """An object; with names given, of these only."""

    def read(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(where, "an object", value)
        for name in value:
            if names and name not in names:
                raise Refusal("out_of_range", f"{where} has no {name[:60]!r}", f"There are {', '.join(names)}.")
        if len(value) < least:
            raise Refusal("out_of_range", f"{where} is empty")
        return value

    return read


def check_size(message: Any) -> None:
    """Refuse what is nested too deep, too large, or cannot be sent on.

    Raises
    ------
    Refusal
    """
    size, waiting = 0, [(message, 0)]
    while waiting:
        value, depth = waiting.pop()
        size += 2  # at least, with the comma behind it
        if isinstance(value, str):
            size += _bytes(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise Refusal("malformed", "a number in the message is none")
        elif isinstance(value, int) and value.bit_length() > _LONGEST_INT:
            raise Refusal("malformed", "a number in the message is too long")
        elif isinstance(value, (dict, list)):
            if depth > _DEEPEST:
                raise Refusal("malformed", f"the message is nested deeper than {_DEEPEST} levels")
            size += sum(map(_bytes, value)) if isinstance(value, dict) else 0
            waiting += [(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value)]
        if size > LIMIT_BYTES:
            break
    else:
        size = len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LIMIT_BYTES:
        raise Refusal(
            "too_large", f"the message has more than {LIMIT_BYTES:,} bytes", "Attach less: a variable by its name, say."
        )


def _bytes(value: str) -> int:
    try:
        return len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise Refusal("malformed", "a text in the message has half of a surrogate pair") from None


def _within(value: Any, least: float, most: float, where: str) -> Any:
    if not least <= value <= most:
        raise Refusal("out_of_range", f"{where} is {value:.6g}, and {least:,} to {most:,} is possible")
    return value


def _wrong(where: str, what: str, value: Any) -> Refusal:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return Refusal("wrong_type", f"{where} is {names.get(type(value), 'a number')}, not {what}")
