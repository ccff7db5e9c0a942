"""The guard of the offline promise: this package's own work opens no connection but to what a person named.

It is an audit hook of Python (PEP 578), so it hears of every socket that Python code opens, whichever library does it.
Whose work it is, the stack tells. From the socket outwards, what comes first decides: code of a person (a cell, a
module that is not installed as a library) may open what it likes, also as a tool or in a template; code of this package
may not, unless it stands in `DOORS`; libraries in between are passed over. A thread with nothing but libraries on its
stack inherits from what started it (Python 3.12 and newer; older ones do not tell).

A process that is the package's own, as the child that tries a model, has no person's code in it: there nothing may be
opened at all (`stand` with ``alone=True``).

What it cannot hear of are sockets of native code: only the system itself can promise that for a whole process
(``docs/security.md``). A hook cannot be taken out again, so a process in which no handle wants one gets none.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

from jupyter_localllm.errors import OfflineError

__all__ = ["DOORS", "Guard", "Refusal", "given", "open_for", "stand", "state"]

DOORS = (
    "jupyter_localllm.models.pull",  # fetches what a person named
    "jupyter_localllm.engine.served",  # asks the server that a person named
    "jupyter_localllm.engine.openai",
    "jupyter_localllm.engine.ollama",
    "jupyter_localllm.batch.cluster",  # talks to the cluster that a person handed over
    "jupyter_localllm.tools.running",  # calls a person's functions, which may be a library's
    "jupyter_localllm.batch.listed",  # takes rows from a person's iterator, which may be a library's
    "jupyter_localllm.batch.progress",  # calls a person's function
    "jupyter_localllm.offline",  # `given`
    "jupyter_localllm.sources",  # reads a person's objects: a frame may lie in a database
)
"""Rooms that may open connections, or that call what is a person's."""

_CLOSED = ("jupyter_localllm.sources.document", "jupyter_localllm.sources.select")
"""What lies behind a door and needs none: documents may be hostile."""

T = TypeVar("T")
_US = "jupyter_localllm"
_ASKING = frozenset(
    {
        *("socket.connect", "socket.sendto", "socket.sendmsg"),
        *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"),
    }
)
_STARTING = frozenset({"_thread.start_new_thread", "_thread.start_joinable_thread"})
_LISTENING = "socket.bind"
_HEARD = _ASKING | _STARTING | {_LISTENING}
_PAIRS = frozenset({"socketpair", "_fallback_socketpair"})
_HERE = ("127.", "::1", "localhost")
_MARK = "_jupyter_localllm_offline"  # on a thread that our work started
_KEPT = 20


@dataclass(frozen=True)
class Refusal:
    """A connection that was refused.

    Parameters
    ----------
    where : str
        The address, or the name that was to be looked up.
    who : str
        The module of this package whose work it was.
    """

    where: str
    who: str


@dataclass(frozen=True)
class Guard:
    """How it stands.

    Parameters
    ----------
    stands : bool
    alone : bool
        Whether nothing at all may be opened in this process.
    count : int
        Connections that were refused.
    refused : tuple of Refusal
        The last of them.
    """

    stands: bool
    alone: bool
    count: int
    refused: tuple[Refusal, ...]


class _Watch:
    """What the hook knows."""

    def __init__(self) -> None:
        self.stands = False
        self.alone = False
        self.count = 0
        self.refused: deque[Refusal] = deque(maxlen=_KEPT)
        self.open: tuple[str, ...] = ()

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Judge an event of `_HEARD`; called by `_hook` alone."""
        who: str | None = None
        frame = sys._getframe(2)
        if _is_pair(frame, arguments):
            return
        with contextlib.suppress(Exception):  # the kernel is the person's: what goes wrong here is not their trouble
            who = self._whose(frame)
        if event in _STARTING:
            thread = getattr(arguments[0], "__self__", None)
            if who and thread is not None:
                with contextlib.suppress(AttributeError):
                    setattr(thread, _MARK, who)
            return
        who = _US if self.alone and not who else who
        if not who or (event == _LISTENING and _listens_here(arguments)):
            return
        refusal = Refusal(_where(event, arguments), who)
        self.count += 1
        self.refused.append(refusal)
        raise OfflineError(
            f"{refusal.who} was about to contact {refusal.where}, which nobody named: refused",
            "This package's own work needs no connection. If yours does, see docs/security.md: the offline promise.",
        )

    def _whose(self, frame: FrameType | None) -> str:
        """The module of this package whose work goes on; empty for a person's, and for nobody's that we know."""
        while frame is not None:
            name = str(frame.f_globals.get("__name__", ""))
            if _within(name, (_US,)):
                return "" if _within(name, DOORS) and not _within(name, _CLOSED) else name
            if _of_a_person(frame.f_code.co_filename, name == "__main__") or _within(name, self.open):
                return ""
            frame = frame.f_back
        threading = sys.modules.get("threading")
        here = threading._active.get(threading.get_ident()) if threading is not None else None
        return str(getattr(here, _MARK, ""))


_watch = _Watch()


# Python calls it for each `id`, `open` and `compile` of the whole kernel, so it is a plain function: a method costs
# four times as much, for what Python looks up on a hook before each call. Defaults outlive a module that is taken down.
def _hook(
    event: str,
    arguments: tuple[Any, ...],
    _heard: frozenset[str] = _HEARD,
    _hear: Callable[[str, tuple[Any, ...]], None] = _watch.hear,
) -> None:
    if event in _heard:
        _hear(event, arguments)


def stand(*, alone: bool = False) -> None:
    """Put the guard up, for as long as the process lives; nothing happens if it stands.

    Parameters
    ----------
    alone : bool
        Whether this process is the package's own: then nothing at all may be opened in it.
    """
    _watch.alone = _watch.alone or alone
    if not _watch.stands:
        _watch.stands = True
        sys.addaudithook(_hook)


def state() -> Guard:
    """Tell whether the guard stands in this process, and what it refused."""
    return Guard(_watch.stands, _watch.alone, _watch.count, tuple(_watch.refused))


def given(items: Iterable[T]) -> list[T]:
    """Take all of what a person handed over: their iterator may be a library's, and open what it needs to be read."""
    return list(items)


def open_for(module: str) -> None:
    """Let a package open what it likes, as a backend of somebody else's that a person named a model of."""
    _watch.open = tuple(dict.fromkeys((*_watch.open, module.partition(".")[0])))


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


def _listens_here(arguments: tuple[Any, ...]) -> bool:
    """Whether a socket is bound to this machine's own addresses, where nobody else can reach it."""
    address = arguments[1] if len(arguments) > 1 else None
    return not isinstance(address, tuple) or str(address[0]).startswith(_HERE)


def _is_pair(frame: FrameType, arguments: tuple[Any, ...]) -> bool:
    """Whether Python connects two sockets of its own, as on Windows for each event loop: nobody is contacted."""
    if frame.f_code.co_name not in _PAIRS or frame.f_globals.get("__name__") != "socket":
        return False
    return isinstance(arguments[-1], tuple) and arguments[-1][0] in ("127.0.0.1", "::1")


def _where(event: str, arguments: tuple[Any, ...]) -> str:
    """The address, or the name; a socket itself is passed over, as what a name is looked up for."""
    told = next((one for one in arguments if isinstance(one, (tuple, str, bytes))), "an address")
    if event == "socket.getaddrinfo" and len(arguments) > 1 and arguments[1]:
        told = arguments[:2]
    if isinstance(told, tuple):
        return ":".join(_text(part) for part in told[:2])
    return _text(told)


def _text(part: Any) -> str:
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
