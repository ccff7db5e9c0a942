"""Chat templates that end: what a model's own program may take of time and memory.

A template comes with a model file, from anybody. Jinja's sandbox keeps it from reaching out; it does not keep it from
going on for ever, or from doubling a text until the memory is full. Here every step of a loop, every call and every
filter looks at the clock of this thread, and whatever makes a text, list or number larger is sized before it is made.
Templates that are what they should be come nowhere near, and are rendered as they always are.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jupyter_localllm.prompt.closed import MAX_BITS, check_arguments, check_size

__all__ = ["LONGEST_SOURCE", "BoundedEnvironment", "TooMuch", "bounded"]

LONGEST_SOURCE = 1 << 19  # characters of a template; the longest that are in use have some 40,000
SECONDS = 5.0  # of this thread's own processor time: a busy machine makes no difference
_LARGEST = 16 << 20  # characters of one text, or items of one list; more if the messages themselves are that long
_IN_ALL = 16  # so many times the largest may be made in one rendering
_WIDEST = 1_000_000  # characters that a text may be padded to

_GROWING = ("replace", "join", "format", "format_map", "center", "indent", "tojson", "wordwrap", "batch", "slice")
_CLOSED_METHODS = ("translate", "expandtabs")  # grow by what lies in a mapping; no template needs them
_CLOSED_FILTERS = ("random", "urlize")  # the same prompt each time; no pages are written here
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


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox, with steps that are counted; its templates are rendered by `bounded`.

    Parameters
    ----------
    filters : dict
        More filters by their names.
    **options
        As in `jinja2.Environment`.
    """

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, filters: dict[str, Callable[..., Any]], **options: Any) -> None:
        # Not optimized: constant expressions would be computed while it is compiled, with no budget.
        super().__init__(optimized=False, **options)
        self.concat = _concat  # type: ignore[method-assign]
        for name in _CLOSED_FILTERS:
            self.filters.pop(name, None)
        self.globals.pop("lipsum", None)
        self.filters.update(filters)
        for name, function in list(self.filters.items()):
            self.filters[name] = _guarded(name, function)
        self.filters["_counted"] = _counted
        self.filters["_joined"] = lambda parts: _concat([str(part) for part in parts])

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = _filtered(loop.iter, "_counted")
        for joined in list(tree.find_all(nodes.Concat)):
            joined.nodes = [_filtered(nodes.List(joined.nodes, lineno=joined.lineno), "_joined")]
        return tree

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call something, unless it would make too much."""
        _look()
        check_arguments(__obj, args, kwargs)
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(owner, (str, bytes)):
            if name in _CLOSED_METHODS:
                raise SecurityError(f"`{name}` is closed to templates")
            _sized(name, owner, args, kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Jinja's own guard of ``str.format``, with one on its size."""
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None

        @functools.wraps(wrapped)
        def run(*args: Any, **kwargs: Any) -> str:
            _sized("format", value.__self__, args, kwargs)
            return wrapped(*args, **kwargs)

        return run

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Reckon, unless the result would be too large."""
        check_size(operator, left, right)
        if operator == "%" and isinstance(left, (str, bytes)):
            _sized("format", left, right if isinstance(right, tuple) else (right,), {})
        elif operator == "*" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > MAX_BITS:
                raise TooMuch(f"a number of more than {MAX_BITS:,} bits")
        elif operator == "+" and hasattr(left, "__len__") and hasattr(right, "__len__"):
            _make(len(left) + len(right))
        elif operator == "*":
            _make(_length(left) * _count(right) + _length(right) * _count(left))
        return super().call_binop(context, operator, left, right)


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno, environment=node.environment)


def _look() -> None:
    if (budget := _budget.get(None)) is not None:
        budget.look()


def _make(size: int) -> None:
    if (budget := _budget.get(None)) is not None:
        budget.make(size)


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    """Give the items, as long as there is time."""
    for item in items:
        _look()
        yield item


def _concat(parts: Iterable[str]) -> str:
    """Stand in for ``"".join``, by which templates make all their texts."""
    texts = []
    for part in parts:
        _make(len(part))
        texts.append(part)
    return "".join(texts)


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that is looked at before it runs; what Jinja hands it first stays what it was."""
    skipped = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        _look()
        value, others = args[skipped] if len(args) > skipped else "", args[skipped + 1 :]
        _sized(name, value, others, kwargs)
        return function(*args, **kwargs)

    return run


def _sized(name: str, value: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Stop before a text is made that is too long."""
    given = [*args, *kwargs.values()]
    if name not in _GROWING:
        _make(_length(value))
    elif name == "replace":
        old, new = _length(given[0]) if given else 0, _length(given[1]) if len(given) > 1 else 0
        _make(_length(value) + (_length(value) // max(old, 1) + 1) * new)
    elif name == "join":
        parts, between = (given[0] if given else (), value) if isinstance(value, (str, bytes)) else (value, given[:1])
        between_length = _length(between[0]) if isinstance(between, list) and between else _length(between)
        listed = parts if isinstance(parts, (str, bytes, list, tuple)) else ()
        _make(sum(_length(part) for part in listed) + len(listed) * between_length)
    elif name in ("format", "format_map"):
        _sized_format(value, given)
    else:
        widest = max((abs(number) for number in given if isinstance(number, int)), default=0)
        if widest > _WIDEST:
            raise TooMuch(f"`{name}` to more than {_WIDEST:,}")
        lines = value.count("\n") + 1 if isinstance(value, str) else 1
        _make(_length(value) + widest * (lines if name in ("indent", "tojson") else 1))


def _sized_format(form: Any, given: Sequence[Any]) -> None:
    text = str(form)
    if _OWN_WIDTH.search(text):
        raise TooMuch("a format with a very large width, or one that a value tells")
    longest = max((_length(item) for item in given), default=0)
    _make(len(text) + (text.count("%") + text.count("{")) * longest)


def _length(value: Any) -> int:
    """How large something is; a list of lists is as large as its text may be."""
    return len(value) if isinstance(value, (str, bytes, list, tuple, dict)) else 0


def _count(value: Any) -> int:
    return max(value, 0) if isinstance(value, int) else 0
