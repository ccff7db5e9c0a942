"""What a chat template may take of time and memory in one rendering, and how large what it handles is.

A list that holds another twice, and that one a third twice, is small in memory and endless to read: so what is written,
compared, hashed or handed to a function is weighed first, with all that lies in it as often as it lies there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, ItemsView, KeysView, Sequence, ValuesView
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.utils import Namespace

__all__ = ["TooMuch", "bounded", "look", "make", "repeat", "sized", "weighed"]

SECONDS = 5.0  # of this thread's own processor time: a busy machine makes no difference
_LARGEST = 16 << 20  # characters of one text, or items of one list; more if the messages themselves are that long
_IN_ALL = 16  # so many times the largest may be made in one rendering
_WIDEST = 1_000_000  # characters that a text may be padded to

_GROWING = ("replace", "join", "format", "format_map", "center", "indent", "tojson", "batch", "slice")
_MOST_DIGITS = 400  # behind the point: a float has no more
_LISTS = (list, tuple, set, frozenset, KeysView, ValuesView, ItemsView)
_OWN_WIDTH = re.compile(r"\d{6}|%[^a-zA-Z%]*\*|\{[^{}]*\{")  # a format whose width is long, or is told by a value


class TooMuch(SecurityError):
    """A template takes more time or memory than it may."""


@dataclass
class _Budget:
    """What is left of one rendering."""

    largest: int
    until: float = field(default_factory=lambda: time.thread_time() + SECONDS)
    made: int = 0

    def look(self) -> None:
        """Stop where the time is over."""
        if time.thread_time() > self.until:
            raise TooMuch(f"it has run for {SECONDS:g} seconds")

    def make(self, size: int) -> None:
        """Stop before something of this size is made."""
        self.look()
        self.made += size
        if size > self.largest or self.made > _IN_ALL * self.largest:
            raise TooMuch(f"it makes texts or lists of more than {self.largest:,}, or too many of them")


_budget: ContextVar[_Budget] = ContextVar("_budget")


def bounded(render: Callable[..., str], messages: Sequence[dict[str, Any]], **more: Any) -> str:
    """Render messages within the bounds.

    Parameters
    ----------
    render : callable
        Of a template from a `BoundedEnvironment`.
    messages : sequence of dict
    **more
        What else the template is told.

    Raises
    ------
    TooMuch
        It takes too long, or too much memory.
    """
    size = sum(len(str(message.get("content", ""))) for message in messages)
    token = _budget.set(_Budget(max(_LARGEST, 4 * size)))
    try:
        return str(render(messages=messages, **more))
    finally:
        _budget.reset(token)


def look() -> None:
    """Stop where the time of the rendering that goes on is over."""
    if (budget := _budget.get(None)) is not None:
        budget.look()


def make(size: int) -> None:
    """Stop before something of this size is made in the rendering that goes on."""
    if (budget := _budget.get(None)) is not None:
        budget.make(size)


def repeat(left: Any, right: Any) -> None:
    """Stop before one of them is made as often as the other says."""
    make(_length(left) * _count(right) + _length(right) * _count(left))


def weighed(value: Any) -> Any:
    """Give a value back, if it may be read to its end."""
    if not isinstance(value, str):
        _weight(value)
    return value


def _weight(value: Any) -> tuple[int, int]:
    """How many characters and items lie in something, each as often as it is found there, and how deep."""
    budget = _budget.get(None)
    most = _LARGEST if budget is None else budget.largest
    total = depth = 0
    level: list[Any] = [value]
    while level:
        depth += 1
        deeper: list[Any] = []
        for n, one in enumerate(level):
            if not n % 4096:
                look()
            if isinstance(one, (str, bytes)):
                total += len(one)
            elif isinstance(one, dict):
                total += 2 * len(one)
                deeper += (*one.keys(), *one.values())
            elif isinstance(one, _LISTS):
                total += len(one)
                deeper += one
            elif isinstance(one, int):
                total += one.bit_length() >> 3
            elif isinstance(one, Namespace):  # it writes itself with all that it holds
                deeper.append(object.__getattribute__(one, "_Namespace__attrs"))
            if total > most:
                raise TooMuch(f"it reads texts or lists of more than {most:,}")
        level = deeper
    return total, depth


def sized(name: str, value: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Stop before a text is made that is too long."""
    given = [*args, *kwargs.values()]
    if name == "round":
        if any(isinstance(digits, int) and abs(digits) > _MOST_DIGITS for digits in given):
            raise TooMuch(f"a number rounded to more than {_MOST_DIGITS} digits")
    elif name == "sum":
        if not isinstance(kwargs.get("start", args[1] if len(args) > 1 else 0), (int, float)):
            raise TooMuch("a sum of what is no number")  # its time is the square of its length
    elif name not in _GROWING:
        make(_length(value))
    elif name == "replace":
        old, new = _length(given[0]) if given else 0, _length(given[1]) if len(given) > 1 else 0
        make(_length(value) + (_length(value) // max(old, 1) + 1) * new)
    elif name == "join":
        parts, between = (given[0] if given else (), value) if isinstance(value, (str, bytes)) else (value, given[:1])
        between_length = _length(between[0]) if isinstance(between, list) and between else _length(between)
        many = len(parts) if hasattr(parts, "__len__") else 0
        make(_weight(parts)[0] + many * between_length)
    elif name in ("format", "format_map"):
        _sized_format(value, given)
    else:
        _sized_width(name, value, given)


def _sized_width(name: str, value: Any, given: Sequence[Any]) -> None:
    widest = max(
        (len(one) if isinstance(one, str) else abs(one) for one in given if isinstance(one, (int, str))), default=0
    )
    if widest > _WIDEST:
        raise TooMuch(f"`{name}` to more than {_WIDEST:,}")
    if name == "tojson":
        size, depth = _weight(value)
        make(size + widest * (size + 1) * depth)
    else:
        lines = len(value.splitlines()) + 1 if name == "indent" and isinstance(value, str) else 1
        make(_length(value) + widest * lines)


def _sized_format(form: Any, given: Sequence[Any]) -> None:
    text = str(form)
    if _OWN_WIDTH.search(text):
        raise TooMuch("a format with a very large width, or one that a value tells")
    longest = max((_weight(item)[0] for item in given), default=0)
    widths = sum(map(int, re.findall(r"\d+", text)))
    make(len(text) + widths + (text.count("%") + text.count("{")) * longest)


def _length(value: Any) -> int:
    """How many characters or items something has itself."""
    return len(value) if isinstance(value, (str, bytes, list, tuple, dict)) else 0


def _count(value: Any) -> int:
    return max(value, 0) if isinstance(value, int) else 0
