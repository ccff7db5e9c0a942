"""Chat templates that end: what a model's own program may take of time and memory.

A template comes with a model file, from anybody. Jinja's sandbox keeps it from reaching out; it does not keep it from
going on for ever, or from doubling a text until the memory is full. Here every step of a loop, every call and every
filter looks at the clock of this thread, and whatever makes a text, list or number larger is sized before it is made.
Templates that are what they should be come nowhere near, and are rendered as they always are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jupyter_localllm.prompt.closed import MAX_BITS, check_arguments, check_size
from jupyter_localllm.prompt.weighed import TooMuch, bounded, look, make, repeat, sized, weighed

__all__ = ["LONGEST_SOURCE", "BoundedEnvironment", "TooMuch", "bounded"]

LONGEST_SOURCE = 1 << 17  # characters of a template; the longest that are in use have some 40,000
# They grow by what lies in a mapping, or take time that is the square of a text's length; no template needs them.
_CLOSED_METHODS = ("decode", "encode", "expandtabs", "from_bytes", "striptags", "to_bytes", "translate")
# The same prompt each time; no pages are written here; and again the squares.
_CLOSED_FILTERS = ("random", "urlize", "xmlattr", "pprint", "striptags", "wordwrap")
# Filters that do not look into what lies in a list, and tests that do.
_LIGHT = frozenset(
    {
        *("attr", "count", "d", "default", "first", "items", "last", "length", "list", "map", "reverse"),
        *("batch", "reject", "rejectattr", "select", "selectattr", "slice"),
    }
)
_HEAVY_TESTS = frozenset(
    {
        *("==", "!=", ">", ">=", "<", "<=", "eq", "equalto", "ne", "gt", "greaterthan", "ge", "lt", "lessthan", "le"),
        *("in", "lower", "upper"),
    }
)
_WHOLE = ("groupby", "join", "max", "min", "sort", "sum", "unique")  # filters that need all items at once


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
        super().__init__(optimized=False, finalize=weighed, **options)
        self.concat = _concat  # type: ignore[method-assign]
        for name in _CLOSED_FILTERS:
            self.filters.pop(name, None)
        self.globals.pop("lipsum", None)
        self.filters.update(filters)
        for name, function in list(self.filters.items()):
            self.filters[name] = _guarded(name, function)
        for name, test in list(self.tests.items()):
            self.tests[name] = _guarded_test(name, test)  # type: ignore[arg-type]
        self.filters["_counted"] = _counted
        self.filters["_weighed"] = weighed
        self.filters["_joined"] = lambda parts: _concat([str(part) for part in weighed(parts)])

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = _filtered(loop.iter, "_counted")
        for joined in list(tree.find_all(nodes.Concat)):
            joined.nodes = [_filtered(nodes.List(joined.nodes, lineno=joined.lineno), "_joined")]
        for compared in list(tree.find_all(nodes.Compare)):
            sides: list[Any] = [compared, *compared.ops]
            if len([one for one in sides if not isinstance(one.expr, nodes.Const)]) > 1:
                for one in sides:
                    one.expr = _filtered(one.expr, "_weighed")
        for pair in list(tree.find_all(nodes.Pair)):
            pair.key = _filtered(pair.key, "_weighed")
        return tree

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look an item up."""
        return super().getitem(obj, weighed(argument))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look an attribute up."""
        look()
        return super().getattr(obj, attribute)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call something, unless it would make too much."""
        look()
        check_arguments(__obj, args, kwargs)
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if not isinstance(__obj, (Macro, LoopContext)):
            args = tuple(list(one) if isinstance(one, Generator) else one for one in args)
            weighed([owner, *args, *kwargs.values()])
        if isinstance(owner, (str, bytes, int, type)) and name in _CLOSED_METHODS:
            raise SecurityError(f"`{name}` is closed to templates")
        if isinstance(owner, (str, bytes)):
            sized(name, owner, args, kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Jinja's own guard of ``str.format``, with one on its size."""
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None

        @functools.wraps(wrapped)
        def run(*args: Any, **kwargs: Any) -> str:
            sized("format", value.__self__, args, kwargs)
            return wrapped(*args, **kwargs)

        return run

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Reckon, unless the result would be too large."""
        check_size(operator, left, right)
        if operator == "%" and isinstance(left, (str, bytes)):
            sized("format", left, right if isinstance(right, tuple) else (right,), {})
        elif operator == "*" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > MAX_BITS:
                raise TooMuch(f"a number of more than {MAX_BITS:,} bits")
        elif operator == "+" and hasattr(left, "__len__") and hasattr(right, "__len__"):
            make(len(left) + len(right))
        elif operator == "*":
            repeat(left, right)
        return super().call_binop(context, operator, left, right)


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno, environment=node.environment)


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    """Give the items, as long as there is time."""
    for item in items:
        look()
        yield item


def _concat(parts: Iterable[str]) -> str:
    """Stand in for ``"".join``, by which templates make all their texts."""
    texts = []
    for part in parts:
        make(len(part))
        texts.append(part)
    return "".join(texts)


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that is looked at before it runs; what Jinja hands it first stays what it was."""
    skipped = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        look()
        value, others = args[skipped] if len(args) > skipped else "", args[skipped + 1 :]
        if name in _WHOLE and isinstance(value, Generator):
            value = list(value)
            args = (*args[:skipped], value, *others)
        if name not in _LIGHT:
            weighed([value, *others, *kwargs.values()])
        sized(name, value, others, kwargs)
        return function(*args, **kwargs)

    return run


def _guarded_test(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A test that is looked at before it runs."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        look()
        if name in _HEAVY_TESTS:
            weighed(list(args))
        return function(*args, **kwargs)

    return run
