"""The forms of plain types: numbers, texts, dates, lists, unions, `Literal`, `Enum`, `Annotated`."""

from __future__ import annotations

import datetime
import decimal
import enum
import re
import types
import typing
import uuid
from collections import abc
from collections.abc import Callable
from itertools import count, repeat
from typing import Any, Union

from jupyter_localllm.constrain.dates import DATE
from jupyter_localllm.constrain.forms import (
    Form,
    Forms,
    Unfit,
    bare_type,
    inner_place,
    json_name,
    literal_form,
    plain_value,
)
from jupyter_localllm.errors import UsageError

__all__ = ["DECIMAL", "LISTS", "SETS", "plain_form"]

LISTS: tuple[Any, ...] = (list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable)
"""What is read as a list of items of one type."""

SETS: tuple[Any, ...] = (set, frozenset, abc.Set, abc.MutableSet)
"""What is read as a set of items of one type."""

_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{6})?)?"
_ZONE = "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_DURATION = (
    "-?P(?:[0-9]{1,6}D(?:T[0-9]{1,2}H)?|T(?:[0-9]{1,6}H(?:[0-9]{1,2}M)?|[0-9]{1,6}M(?:[0-9]{1,2}S)?|[0-9]{1,9}S))"
)
DECIMAL = r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?"


def plain_form(annotation: Any, forms: Forms) -> Form | None:
    """The form of a type that is no class with fields; None if this is none."""
    if annotation is None or annotation is Any or (isinstance(annotation, type) and annotation in _PLAIN):
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _enum_form(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return _literal(arguments)
    if origin is Union or origin is types.UnionType:
        return _union([forms.of(argument) for argument in arguments])
    kind = origin if isinstance(origin, type) else annotation
    return _container(kind, arguments, forms) if isinstance(kind, type) else None


def _only(kind: type | tuple[type, ...], wanted: str) -> Callable[[Any, str], Any]:
    def read(value: Any, place: str) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Unfit((place, f"is {json_name(value)}, not {wanted}"))
        return value

    return read


def _whole(value: Any, place: str) -> int:
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        raise Unfit(
            (place, f"is {json_name(value)}{'' if not _is_number(value) else f', {value}'}, not a whole number")
        )
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any, place: str) -> float:
    if not _is_number(value):
        raise Unfit((place, f"is {json_name(value)}, not a number"))
    try:
        return float(value)
    except OverflowError:
        raise Unfit((place, "is a number too large for a float")) from None


def _written(pattern: str, make: Callable[[str], Any], wanted: str, **keywords: Any) -> Form:
    """A text of a pattern, and what it stands for."""

    def read(value: Any, place: str) -> Any:
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return make(value)
        raise Unfit(
            (
                place,
                f"is {value!r:.60}, not {wanted}" if isinstance(value, str) else f"is {json_name(value)}, not {wanted}",
            )
        )

    return Form({"type": "string", **keywords, "pattern": f"^{pattern}$"}, read)


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 does not know Z


def _duration(text: str) -> datetime.timedelta:
    units = {"D": "days", "H": "hours", "M": "minutes", "S": "seconds"}
    parts = {units[unit]: int(count) for count, unit in re.findall("([0-9]+)([DHMS])", text)}
    length = datetime.timedelta(**parts)
    return -length if text.startswith("-") else length


def _anything(value: Any, place: str) -> Any:
    return value


_NULL = Form({"type": "null"}, _only(type(None), "null"))
_ANY = Form({}, _anything)
_PLAIN: dict[Any, Form] = {
    **{None: _NULL, type(None): _NULL, Any: _ANY, object: _ANY},
    bool: Form({"type": "boolean"}, _only(bool, "true or false")),
    int: Form({"type": "integer"}, _whole),
    float: Form({"type": "number"}, _number),
    str: Form({"type": "string"}, _only(str, "a text")),
    datetime.date: _written(DATE, datetime.date.fromisoformat, "a date such as 2024-05-31", format="date"),
    datetime.datetime: _written(f"{DATE}T{_TIME}{_ZONE}?", _moment, "a time such as 2024-05-31T17:45:00"),
    datetime.time: _written(_TIME, datetime.time.fromisoformat, "a time of day such as 17:45"),
    datetime.timedelta: _written(_DURATION, _duration, "a duration such as P3DT4H or T90M"),
    decimal.Decimal: _written(DECIMAL, decimal.Decimal, "a decimal number as a text"),
    uuid.UUID: _written("-".join(f"[0-9a-f]{{{n}}}" for n in (8, 4, 4, 4, 12)), uuid.UUID, "a UUID"),
}


def _literal(values: tuple[Any, ...]) -> Form:
    options: dict[tuple[type, Any], Any] = {}
    for given in values:
        # Literal[tuple(array)] over live data holds numpy's values; an answer is Python's own
        plain = plain_value(given, "a Literal")
        options.setdefault((type(plain), plain), given if isinstance(given, enum.Enum) else plain)
    return literal_form(options)


def _enum_form(kind: type[enum.Enum]) -> Form:
    members = list(kind)
    if not members:
        raise UsageError(f"{kind.__name__} has no members: no answer would be right.")
    scalar = (str, int, float, bool, type(None))
    by_value = all(isinstance(member.value, scalar) for member in members) and not issubclass(kind, enum.Flag)
    options: dict[tuple[type, Any], Any] = {}
    for member in members:  # members whose values JSON does not have go by their names
        key = plain_value(member.value, kind.__name__) if by_value else member.name
        options[(type(key), key)] = member
    return literal_form(options)


def _union(cases: list[Form]) -> Form:
    def read(value: Any, place: str) -> Any:
        nearest: Unfit | None = None
        for case in cases:
            try:
                return case.read(value, place)
            except Unfit as unfit:
                # what fits in its kind and fails deeper inside is what was meant
                deeper = nearest is None or len(unfit.problems[0][0]) > len(nearest.problems[0][0])
                nearest = unfit if deeper else nearest
        assert nearest is not None
        if all(problem[0] == place for problem in nearest.problems):
            raise Unfit((place, f"{json_name(value)} fits none of {len(cases)} possible types"))
        raise nearest

    return Form({"anyOf": [case.schema for case in cases]}, read)


def _container(kind: type, arguments: tuple[Any, ...], forms: Forms) -> Form | None:
    if kind is tuple:
        return _tuple(arguments, forms)
    if kind in LISTS:
        return _list(forms.of(arguments[0] if arguments else Any), list)
    if kind in SETS:
        item = arguments[0] if arguments else Any
        if not _has_hash(item):
            name = item.__name__ if isinstance(item, type) else item
            raise UsageError(
                f"A set of {name} cannot be: Python's sets hold only what never changes.",
                "Use a list, or tuples and frozen classes within.",
            )
        return _list(forms.of(item), frozenset if kind is frozenset else set)
    if kind in (dict, abc.Mapping, abc.MutableMapping):
        return _dict(*(arguments or (str, Any)), forms=forms)
    return None


def _has_hash(annotation: Any) -> bool:
    """Whether any value of a type could be in a set."""
    annotation = bare_type(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Union or origin is types.UnionType:
        return any(map(_has_hash, arguments))
    if origin is tuple:
        return all(_has_hash(argument) for argument in arguments if argument is not Ellipsis)
    kind = origin or annotation
    return not isinstance(kind, type) or (kind.__hash__ is not None and kind not in LISTS)


def _items(values: Any, places: abc.Iterable[str], readers: abc.Iterable[Callable[[Any, str], Any]]) -> list[Any]:
    """Each item read; what is wrong with any of them is told together."""
    read: list[Any] = []
    problems: list[tuple[str, str]] = []
    for item, place, reader in zip(values, places, readers, strict=False):
        try:
            read.append(reader(item, place))
        except Unfit as unfit:
            problems.extend(unfit.problems)
    if problems:
        raise Unfit(*problems)
    return read


def _numbered(place: str) -> abc.Iterator[str]:
    return (inner_place(place, position) for position in count())


def _list(item: Form, make: Callable[[list[Any]], Any]) -> Form:
    def read(value: Any, place: str) -> Any:
        _only(list, "a list")(value, place)
        items = _items(value, _numbered(place), repeat(item.read))
        try:
            return make(items)
        except TypeError as error:  # a set of what has no hash
            raise Unfit((place, str(error))) from None

    return Form({"type": "array", "items": item.schema}, read)


def _tuple(arguments: tuple[Any, ...], forms: Forms) -> Form:
    if not arguments:
        return _list(forms.of(Any), tuple)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return _list(forms.of(arguments[0]), tuple)
    parts = [forms.of(argument) for argument in arguments if argument != ()]

    def read(value: Any, place: str) -> Any:
        _only(list, "a list")(value, place)
        if len(value) != len(parts):
            raise Unfit((place, f"has {len(value)} items, not {len(parts)}"))
        return tuple(_items(value, _numbered(place), (part.read for part in parts)))

    bounds = {"minItems": len(parts), "maxItems": len(parts)}
    first = {"prefixItems": [part.schema for part in parts], "items": False} if parts else {}
    return Form({"type": "array", **first, **bounds}, read)


def _dict(key: Any, value_type: Any, *, forms: Forms) -> Form:
    item = forms.of(value_type)
    named = None if key in (str, Any) else forms.of(key).schema.get("enum")
    if key not in (str, Any) and not (named and all(isinstance(name, str) for name in named)):
        raise UsageError(
            f"A dict with keys of {getattr(key, '__name__', key)} cannot be held: JSON has only texts for keys.",
            "Use dict[str, …], or a list of records.",
        )
    keys = forms.of(key) if named else _PLAIN[str]

    def read(value: Any, place: str) -> Any:
        _only(dict, "an object")(value, place)
        inner = [inner_place(place, name) for name in value]
        names = _items(value, inner, repeat(keys.read))
        return dict(zip(names, _items(value.values(), inner, repeat(item.read)), strict=True))

    if named:
        schema = {"type": "object", "properties": dict.fromkeys(named, item.schema), "additionalProperties": False}
    else:
        schema = {"type": "object", "additionalProperties": item.schema}
    return Form(schema, read)
