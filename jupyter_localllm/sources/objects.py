"""Everything else: objects that have a text, and a plain word for those that have none.

In a prompt an object's ``str`` is taken at its word. Refused are texts which would mislead: the address of an object in
memory (which also differs from process to process), a container that prints only a part of itself, a picture.

To be cited, an object needs more than that: places in it that can be found again. Functions and classes have lines,
records have fields, and some small values have a text that cannot change (`own_text`). For all others only ``repr``
would be left, which may take minutes, so it is not called, and the person is told what to cite instead.
"""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import PurePath
from types import ModuleType
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.base import UNNAMED, Rendered
from jupyter_localllm.types import Answer, Result

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["ObjectKind", "own_text"]

# Packages whose small values print themselves quickly: periods, intervals, dtypes, addresses, zones.
_QUICK = frozenset({"pandas", "numpy", "polars", "pyarrow", "ipaddress", "zoneinfo", "pytz", "dateutil"})

_QUICK_STR = (BaseException.__str__, OSError.__str__, KeyError.__str__, SyntaxError.__str__, ImportError.__str__)
_PICTURES = frozenset({"matplotlib", "PIL", "plotly", "altair", "bokeh", "seaborn", "plotnine"})
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+|^<[\w.]+ object>$")
# An ellipsis that stands for something left out, not one that ends a word ("to be continued...").
_ELLIPSIS = re.compile(r"(?:^|(?<=[\s,(\[{]))(?:\.\.\.+|…|⋮)(?=[\s,)\]}]|$)")


class ObjectKind:
    """Whatever no other kind takes."""

    name = "object"

    def matches(self, value: Any) -> bool:
        """Take anything."""
        return True

    def render(self, value: Any, name: str) -> Rendered:
        """Take the object's own text, if it has one that tells."""
        who = f"{name or 'The value'} ({type(value).__name__})"
        _refuse_by_kind(value, who, name or UNNAMED)
        text = _text(value, who)
        if _ADDRESS.search(text):
            raise SourceError(
                f"{who} has no text of its own: its str() is only a name and an address in memory.",
                "Put what matters of it into the prompt ({{ " + (name or UNNAMED) + ".field }}), "
                "or give its class a method _ai_repr_ that returns a str.",
            )
        shortened = _ELLIPSIS.search(text) is not None
        if shortened and _is_container(value):
            raise SourceError(
                f"{who} prints only a part of itself ({len(text):,} characters with an ellipsis); "
                "nothing is left out of a prompt silently.",
                "Turn it into a list, dict or frame first, or put the part that matters into the prompt.",
            )
        return Rendered(text, "its own text, which contains an ellipsis" if shortened else "", "\n" in text)

    def snapshot(self, value: Any, name: str) -> Snapshot:
        """Hold code, a record that has a text of its own, or a text that is known to be complete."""
        from jupyter_localllm.sources.passages_code import hold_code
        from jupyter_localllm.sources.passages_text import hold_text
        from jupyter_localllm.sources.passages_values import hold_structure
        from jupyter_localllm.sources.structure import is_named

        who = f"{name} ({type(value).__name__})"
        text = own_text(value)
        if text is not None:
            return hold_text(text, name)
        if isinstance(value, type) or inspect.isroutine(value):
            return hold_code(value, name)
        if is_named(value):
            return hold_structure(value, name, type(value).__name__)
        _refuse_to_cite(value, who, name)
        raise SourceError(
            f"{who} cannot be cited: it has no fields that are known, and its repr() may be slow, cut or change.",
            f"Cite a field of it, give its class a method _ai_repr_ that returns a str, or cite str({name}).",
        )


def own_text(value: Any) -> str | None:
    """The text of a value that is small, whole and quickly written; None for all others.

    Parameters
    ----------
    value : object

    Returns
    -------
    str or None
        Of answers, displayed texts, exceptions, paths, and single values of packages that are known for them.
    """
    if isinstance(value, (Answer, Result)):
        return value.text
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, BaseException) and type(value).__str__ in _QUICK_STR:
        return "".join(traceback.format_exception_only(value)).strip()
    if not isinstance(value, type) and _shows_text(value):
        return str(value.data)
    if isinstance(value, type) or _is_container(value) or type(value).__module__.partition(".")[0] not in _QUICK:
        return None
    text = str(value)
    return None if _ADDRESS.search(text) or _ELLIPSIS.search(text) else text


def _refuse_to_cite(value: Any, who: str, it: str) -> None:
    """Say what is wrong with values that are no data, and what to cite instead."""
    if inspect.isawaitable(value):
        raise SourceError(f"{who} must be awaited first.", f"In a cell: result = await {it}, then cite result.")
    if isinstance(value, (Iterator, AsyncIterator)) or inspect.isasyncgen(value):
        raise SourceError(
            f"{who} can be read only once, so it is not read here.",
            f"Make a list of it in a cell, rows = list({it}), or text = {it}.read() of an open file, and cite that.",
        )
    if isinstance(value, ModuleType):
        raise SourceError(f"{who} is a module, not a value.", f"Cite a function or class of it, as {it}.name.")
    if (_roots(value) & _PICTURES or type(value).__module__ == "IPython.core.display") and not _shows_text(value):
        raise SourceError(f"{who} is a figure or an image; a text model cannot see it.", "Cite the numbers behind it.")
    if hasattr(type(value), "toarray") and hasattr(type(value), "shape"):
        raise SourceError(f"{who} is sparse and has no rows to cite.", f"Make it whole: {it}.toarray().")


def _refuse_by_kind(value: Any, who: str, it: str) -> None:
    if inspect.isawaitable(value):
        raise SourceError(f"{who} must be awaited first.", f"In a cell: result = await {it}, then {{{{ result }}}}.")
    if isinstance(value, (Iterator, AsyncIterator)) or inspect.isasyncgen(value):
        raise SourceError(
            f"{who} can be read only once, so it is not read for a prompt.",
            f"Make a list of it in a cell, or, if it may be used up here: {{{{ {it} | list }}}}.",
        )
    if inspect.isroutine(value):
        raise SourceError(f"{who} is a function, not a value.", f"Call it: {{{{ {it}(…) }}}}.")
    if isinstance(value, ModuleType):
        raise SourceError(f"{who} is a module, not a value.", f"Name what you need of it: {{{{ {it}.field }}}}.")
    if (_roots(value) & _PICTURES or type(value).__module__ == "IPython.core.display") and not _shows_text(value):
        raise SourceError(
            f"{who} is a figure or an image; a text model cannot see it.",
            "Put the numbers behind it into the prompt.",
        )
    if hasattr(type(value), "toarray") and hasattr(type(value), "shape"):
        raise SourceError(f"{who} is sparse and prints only a part.", f"Make it whole: {{{{ {it}.toarray() }}}}.")


def _text(value: Any, who: str) -> str:
    try:
        if isinstance(value, BaseException):
            return "".join(traceback.format_exception_only(value)).strip()
        return str(value.data) if _shows_text(value) else str(value)
    except Exception as error:
        raise SourceError(
            f"{who} cannot be turned into text: its str() raises {type(error).__name__}: {error}",
            "Put something of it that has a text into the prompt.",
        ) from error


def _shows_text(value: Any) -> bool:
    """Whether the value is one of IPython's displays of a text: ``Markdown``, ``HTML`` or ``Latex``."""
    names = {f"{c.__module__}.{c.__name__}" for c in type(value).__mro__}
    return "IPython.core.display.TextDisplayObject" in names and isinstance(value.data, str)


def _is_container(value: Any) -> bool:
    return any(hasattr(type(value), mark) for mark in ("__len__", "__iter__", "__array__", "shape"))


def _roots(value: Any) -> set[str]:
    """Names of the packages that the value's class comes from."""
    return {c.__module__.partition(".")[0] for c in type(value).__mro__}
