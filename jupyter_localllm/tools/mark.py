"""``@tool``: what a function says of itself before a model may call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from jupyter_localllm.errors import UsageError

__all__ = ["Mark", "mark_of", "tool"]

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "__localllm_tool__"


@dataclass(frozen=True)
class Mark:
    """What `tool` said of a function.

    Parameters
    ----------
    pure : bool
    safe : bool
    """

    pure: bool = False
    safe: bool = False


@overload
def tool(function: F, /) -> F: ...


@overload
def tool(*, pure: bool = False, safe: bool = False) -> Callable[[F], F]: ...


def tool(function: Any = None, /, *, pure: bool = False, safe: bool = False) -> Any:
    """Say of a function how a model may call it. It stays the function that it was.

    Parameters
    ----------
    pure : bool
        The same arguments always give the same outcome, and nothing else happens: outcomes are kept in the cache. A
        pure function that is edited is another one.
    safe : bool
        It may be called without anybody being asked, also where a notebook runs unattended.

    Returns
    -------
    function
        The same one.

    Examples
    --------
    >>> @tool(pure=True, safe=True)
    ... def price(item: str) -> float:
    ...     "The price of an item, in euros."
    ...     return {"tea": 12.0}[item]
    >>> mark_of(price)
    Mark(pure=True, safe=True)
    """

    def mark(marked: Any) -> Any:
        if not callable(marked):
            raise UsageError(f"a tool is a function, not {type(marked).__name__}", "Put @tool(…) above a def.")
        try:
            setattr(marked, _ATTRIBUTE, Mark(bool(pure), bool(safe)))
        except (AttributeError, TypeError):
            raise UsageError(
                f"{getattr(marked, '__name__', marked)!r} cannot be marked", "Wrap it in a function of your own."
            ) from None
        return marked

    return mark if function is None else mark(function)


def mark_of(function: Any) -> Mark:
    """What `tool` said of it; of a bound method, what it said of the function; nothing if it was not asked."""
    found = getattr(function, _ATTRIBUTE, None)
    return found if isinstance(found, Mark) else Mark()
