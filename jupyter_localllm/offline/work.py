"""Whose work goes on, as the stack tells.

From the socket outwards, what comes first decides: code of a person (a cell, a module that is not installed as a
library) may open what it likes, also as a tool or in a template; code of this package may not, unless it stands in
`DOORS`; libraries in between are passed over. A thread with nothing but libraries on its stack inherits from what
started it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sysconfig
import threading
from collections.abc import Iterable
from types import FrameType
from typing import TypeVar

__all__ = ["DOORS", "US", "given", "inherit", "open_for", "whose"]

DOORS = (
    "jupyter_localllm.models.pull",  # fetches what a person named
    "jupyter_localllm.engine.served",  # asks the server that a person named
    "jupyter_localllm.engine.openai",
    "jupyter_localllm.engine.ollama",
    "jupyter_localllm.batch.cluster",  # talks to the cluster that a person handed over
    "jupyter_localllm.tools.running",  # calls a person's functions, which may be a library's
    "jupyter_localllm.batch.listed",  # takes rows from a person's iterator, which may be a library's
    "jupyter_localllm.batch.table",  # takes rows from a person's frame, which may lie elsewhere
    "jupyter_localllm.batch.forms",
    "jupyter_localllm.batch.progress",  # calls a person's function
    "jupyter_localllm.offline",  # `given`
    "jupyter_localllm.sources",  # reads a person's objects: a frame may lie in a database
)
"""Rooms that may open connections, or that call what is a person's."""

_CLOSED = ("jupyter_localllm.sources.document", "jupyter_localllm.sources.select")
"""What lies behind a door and needs none: documents may be hostile."""

T = TypeVar("T")
US = "jupyter_localllm"
_MARK = "_jupyter_localllm_offline"  # on a thread that our work started


def whose(frame: FrameType | None) -> str:
    """The module of this package whose work goes on; empty for a person's, and for nobody's that we know.

    What goes wrong in here is not the person's trouble: it counts as nobody's.
    """
    try:
        while frame is not None:
            name = str(frame.f_globals.get("__name__", ""))
            if name.startswith(US) and (room := _room(name)) is not None:
                return room
            if _of_a_person(frame.f_code.co_filename, name == "__main__") or (
                _named.packages and _within(name, _named.packages)
            ):
                return ""
            frame = frame.f_back
        return str(getattr(threading._active.get(threading.get_ident()), _MARK, ""))  # type: ignore[attr-defined]
    except Exception:  # also what a module lacks that is taken down
        return ""


def inherit(thread: object, who: str) -> None:
    """Note on a thread whose work has started it."""
    with contextlib.suppress(Exception):  # a thread of somebody else's class may take no marks
        setattr(thread, _MARK, who)


def given(items: Iterable[T]) -> list[T]:
    """Take all of what a person handed over: their iterator may be a library's, and open what it needs to be read."""
    return list(items)


class _Named:
    """Packages that a person named a model of."""

    packages: tuple[str, ...] = ()


_named = _Named()


def open_for(module: str) -> None:
    """Let a package open what it likes, as a backend of somebody else's that a person named a model of."""
    _named.packages = tuple(dict.fromkeys((*_named.packages, module.partition(".")[0])))


@functools.lru_cache(1024)
def _room(name: str) -> str | None:
    """The module, or nothing for a door; None if it only begins like one of ours."""
    if not _within(name, (US,)):
        return None
    return "" if _within(name, DOORS) and not _within(name, _CLOSED) else name


def _within(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


@functools.lru_cache(4096)
def _of_a_person(filename: str, main: bool) -> bool:
    """Whether code is neither Python's nor an installed library's."""
    if filename.startswith("<"):
        return main and not filename.startswith("<frozen")
    try:
        path = os.path.normcase(os.path.abspath(filename))
    except OSError:  # the working folder is gone, and the name is relative to it
        return True
    return not path.startswith(_libraries()) and not {"site-packages", "dist-packages"} & set(path.split(os.sep))


@functools.lru_cache(1)
def _libraries() -> tuple[str, ...]:
    """The folders of Python itself and of what is installed."""
    found = [sysconfig.get_path(name) or "" for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found.append(os.path.dirname(os.__file__))
    both = (path for one in filter(None, found) for path in (one, os.path.realpath(one)))
    return tuple(dict.fromkeys(os.path.normcase(os.path.abspath(path)) + os.sep for path in both))
