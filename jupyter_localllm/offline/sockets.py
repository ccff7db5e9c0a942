"""Where the guard listens in a kernel: the methods of `socket.socket` that contact somebody, and look-ups of names.

A method is judged when it is looked up on a socket, by a descriptor in the place of the method (as `property` is one).
For a person's code that gives the method itself: the call costs nothing more, and its traceback has no frame of ours.
Names are judged where `socket.getaddrinfo` takes the function of `_socket` that it stands for, so also for those who
took `getaddrinfo` into a module of their own before the guard stood. Threads are noted where `Thread.start` takes the
method that begins one, which nobody else replaces or imitates; `start` itself stays as it is.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any, NoReturn

from jupyter_localllm.offline.work import inherit, whose

__all__ = ["Ears", "is_allowed", "is_pair", "told"]

Refuse = Callable[[Any, str], NoReturn]

_SOCKET = socket.socket  # as it was: somebody may put another class into its place
_METHODS = ("connect", "connect_ex", "sendto", "sendmsg", "bind")
_LOOK_UPS = ("gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")
_PAIRS = frozenset({"socketpair", "_fallback_socketpair"})
_HERE = re.compile(r"127(\.\d+){3}|::1|localhost")
_ORIGINAL = "_jupyter_localllm_original"  # on what stands in a place of `socket`, what stood there before


class Ears:
    """Put the guard into `socket`, and see whether it is still there.

    Parameters
    ----------
    refuse : callable
        Raises an error; called with the address and with the module whose work it is.
    """

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse
        self._mine: dict[tuple[Any, str], Any] = {}
        self._used: tuple[Any, ...] = ()  # the classes that were in use when all of it was put in

    @property
    def whole(self) -> bool:
        """Whether all of it stands where it was put, and nothing else has come into use; asked for each question."""
        if self._used != (socket.socket, threading.Thread):
            return False
        return all(vars(place).get(name) is mine for (place, name), mine in self._mine.items())

    def attach(self) -> None:
        """Put it in, on top of what others have put there; nothing happens where all of it stands."""
        if self.whole:
            return
        self._mine, self._used, places = {}, (), list(_places())
        for place, name, kind in places:
            mine = kind(name, _beneath(inspect.getattr_static(place, name)), self._refuse)
            with contextlib.suppress(TypeError, AttributeError):  # a class of somebody else's that takes nothing
                setattr(place, name, mine)
                self._mine[place, name] = mine
        if len(self._mine) == len(places) and isinstance(socket.socket, type):
            self._used = (socket.socket, threading.Thread)


def _places() -> Iterator[tuple[Any, str, Callable[..., Any]]]:
    now: Any = socket.socket
    # A module that is loaded anew, or a tool, brings a class of its own; what is derived from Python's inherits.
    others = (now,) if isinstance(now, type) and not issubclass(now, _SOCKET) else ()
    places: list[tuple[Any, str, Callable[..., Any]]] = [
        *((one, name, _Method) for one in (_SOCKET, *others) for name in _METHODS),
        *((socket, name, _look_up) for name in _LOOK_UPS),
        (socket, "_socket", _Names),
        (threading.Thread, "_bootstrap", _Begun),
    ]
    nothing = object()  # Windows has no `sendmsg`
    return (one for one in places if inspect.getattr_static(one[0], one[1], nothing) is not nothing)


def _beneath(found: Any) -> Any:
    """What a guard stands for, also one that an earlier import of this package has put there."""
    own = getattr(found, "__dict__", {})
    original = own.get(_ORIGINAL, found)
    # `functools.wraps` copies the mark to a wrapper of somebody else's.
    return original if own.get("__wrapped__", original) is original else found


def is_pair(frame: FrameType | None) -> bool:
    """Whether it is `socket.socketpair` that asks, where a system has none of its own."""
    return frame is not None and frame.f_code.co_name in _PAIRS and frame.f_globals.get("__name__") == "socket"


def _bound(original: Any, one: Any, owner: Any) -> Any:
    return original.__get__(one, owner) if hasattr(type(original), "__get__") else original


class _Place:
    """What outlives a module that is taken down: a person's objects may connect when the process ends."""

    _frame = staticmethod(sys._getframe)
    _whose, _bound, _is_pair = staticmethod(whose), staticmethod(_bound), staticmethod(is_pair)
    _inherit = staticmethod(inherit)


class _Method(_Place):
    """A method of a socket: itself for a person's work, refused for ours."""

    def __init__(self, name: str, original: Any, refuse: Refuse) -> None:
        self._jupyter_localllm_original = original
        self._name, self._refuse = name, refuse

    def __get__(self, one: Any, owner: Any = None) -> Any:
        plain = self._bound(self._jupyter_localllm_original, one, owner)
        frame = self._frame().f_back
        who = self._whose(frame)
        if not who:
            return plain
        pair = self._is_pair(frame)

        @functools.wraps(plain)
        def judged(*given: Any) -> Any:
            # A library that our work imports may take a method from the class, for whoever calls it later.
            asks = who if one is not None else self._whose(self._frame().f_back)
            self._judge(given if one is not None else given[1:], asks, pair=pair)
            return plain(*given)

        return judged

    def __call__(self, *given: Any) -> Any:
        """`unittest.mock` looks into the class, and makes what can be called of what can be called."""
        self._judge(given[1:], self._whose(self._frame().f_back), pair=False)
        return self._jupyter_localllm_original(*given)

    def _judge(self, given: tuple[Any, ...], who: str, *, pair: bool) -> None:
        address = _address(self._name, given) if who else None
        if address is not None and not is_allowed(address, binds=self._name == "bind", pair=pair):
            self._refuse(address, who)


class _Begun(_Place):
    """`Thread._bootstrap`, with which a thread begins: one that our work starts is our work, whatever runs in it."""

    def __init__(self, _name: str, original: Any, _refuse: Refuse) -> None:
        self._jupyter_localllm_original = original

    def __get__(self, one: Any, owner: Any = None) -> Any:
        frame = self._frame().f_back
        # Who only looks at a thread, as `inspect.getmembers` does, does not start it.
        if one is not None and frame is not None and frame.f_globals.get("__name__") == "threading":
            who = self._whose(frame)
            if who:
                self._inherit(one, who)
        return self._bound(self._jupyter_localllm_original, one, owner)


class _Names(ModuleType, _Place):
    """Stands for `_socket` in `socket`, and differs from it in what `getaddrinfo` is for our work."""

    def __init__(self, name: str, original: Any, refuse: Refuse) -> None:
        super().__init__(name)
        self.__dict__.update(vars(original), _refuse=refuse, **{_ORIGINAL: original})
        # Python 3.14 learns to read what a module holds without asking its class.
        del self.__dict__["getaddrinfo"]

    @property
    def getaddrinfo(self) -> Any:
        who = self._whose(self._frame().f_back)

        def judged(*given: Any, **_named: Any) -> Any:
            self._refuse(given[:2], who)

        return judged if who else self.__dict__[_ORIGINAL].getaddrinfo

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__[_ORIGINAL], name, value)
        if name != "getaddrinfo":
            self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        delattr(self.__dict__[_ORIGINAL], name)
        self.__dict__.pop(name, None)


def _look_up(name: str, original: Any, refuse: Refuse) -> Any:
    """One of the older functions that look a name up; seldom called, so it may have a frame."""
    frame, work = sys._getframe, whose

    @functools.wraps(original)
    def look_up(*given: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        if who := work(frame().f_back):
            refuse(given[0] if given else "a name", who)
        return original(*given, **named)

    look_up.__module__, look_up.__qualname__ = "socket", name  # where `pickle` finds it
    setattr(look_up, _ORIGINAL, original)
    return look_up


def _address(method: str, given: tuple[Any, ...]) -> Any:
    """Whom a call would contact; nobody, where a socket is connected already, or the arguments are wrong."""
    if method == "sendmsg":
        return given[3] if len(given) > 3 else None
    return given[-1] if given else None


def is_allowed(address: Any, *, binds: bool, pair: bool) -> bool:
    """Whether nobody is contacted: an address of this machine alone is bound, or Python makes a pair of sockets.

    Parameters
    ----------
    address : object
        What was given for one: a tuple that begins with a host, or a path of a socket in the file system.
    binds : bool
        Whether a socket only gets that address.
    pair : bool
        Whether Python connects two sockets of its own, as on Windows for each event loop.
    """
    if binds:
        return not isinstance(address, tuple) or bool(_HERE.fullmatch(_text(address[0])))
    return pair and isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1")


def told(address: Any) -> str:
    """An address or a name, as an error shows it."""
    if isinstance(address, tuple):
        return ":".join(_text(part) for part in address[:2])
    return _text(address)


def _text(part: Any) -> str:
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
