"""Where the guard listens in a kernel: the methods of `socket.socket` that contact somebody, and look-ups of names.

A method is judged when it is looked up on a socket, by a descriptor in the place of the method (as `property` is one).
For a person's code that gives the method itself: the call costs nothing more, and its traceback has no frame of ours.
Names are judged where `socket.getaddrinfo` takes the function of `_socket` that it stands for, so also for those who
took `getaddrinfo` into a module of their own before the guard stood.
"""

from __future__ import annotations

import functools
import inspect
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from jupyter_localllm.offline.work import inherit, whose

__all__ = ["Ears", "is_allowed", "is_pair", "told"]

Refuse = Callable[[Any, str], NoReturn]

_SOCKET = socket.socket  # as it was: somebody may put another class into its place
_METHODS = ("connect", "connect_ex", "sendto", "sendmsg", "bind")
_LOOK_UPS = ("gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")
_PAIRS = frozenset({"socketpair", "_fallback_socketpair"})
_HERE = ("127.", "::1", "localhost")
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
        self._mine: list[tuple[Any, str, Any]] = []

    @property
    def whole(self) -> bool:
        """Whether all of it stands where it was put."""
        return bool(self._mine) and all(vars(place).get(name) is mine for place, name, mine in self._mine)

    def attach(self) -> None:
        """Put it in, on top of what others have put there; nothing happens where all of it stands."""
        if self.whole:
            return
        places: list[tuple[Any, str, Callable[..., Any]]] = [
            *((_SOCKET, name, _Method) for name in _METHODS),
            *((socket, name, _look_up) for name in _LOOK_UPS),
            (socket, "_socket", _Names),
            (threading.Thread, "start", _Start),
        ]
        self._mine = []
        for place, name, kind in places:
            found = inspect.getattr_static(place, name, None)
            if found is None:  # Windows has no `sendmsg`
                continue
            mine = kind(name, getattr(found, _ORIGINAL, found), self._refuse)
            setattr(place, name, mine)
            self._mine.append((place, name, mine))


def is_pair(frame: FrameType) -> bool:
    """Whether it is `socket.socketpair` that asks, where a system has none of its own."""
    return frame.f_code.co_name in _PAIRS and frame.f_globals.get("__name__") == "socket"


def _bound(original: Any, one: Any, owner: Any) -> Any:
    return original.__get__(one, owner) if hasattr(type(original), "__get__") else original


class _Place:
    """What outlives a module that is taken down: a person's objects may connect when the process ends."""

    _frame = staticmethod(sys._getframe)
    _whose, _bound, _is_pair = staticmethod(whose), staticmethod(_bound), staticmethod(is_pair)


class _Method(_Place):
    """A method of a socket: itself for a person's work, refused for ours."""

    def __init__(self, name: str, original: Any, refuse: Refuse) -> None:
        self._jupyter_localllm_original = original
        self._name, self._refuse = name, refuse

    def __get__(self, one: Any, owner: Any = None) -> Any:
        plain = self._bound(self._jupyter_localllm_original, one, owner)
        frame = self._frame(1)
        who = self._whose(frame)
        if not who:
            return plain
        pair = self._is_pair(frame)

        @functools.wraps(plain)
        def judged(*given: Any) -> Any:
            address = _address(self._name, given if one is not None else given[1:])
            if address is not None and not is_allowed(address, binds=self._name == "bind", pair=pair):
                self._refuse(address, who)
            return plain(*given)

        return judged


class _Start(_Place):
    """`Thread.start`: a thread that our work starts is our work, whatever runs in it."""

    def __init__(self, _name: str, original: Any, _refuse: Refuse) -> None:
        self._jupyter_localllm_original = original

    def __get__(self, one: Any, owner: Any = None) -> Any:
        plain = self._bound(self._jupyter_localllm_original, one, owner)
        who = self._whose(self._frame(1))
        if not who:
            return plain
        if one is not None:
            inherit(one, who)
            return plain

        @functools.wraps(plain)
        def start(thread: Any, *given: Any, **named: Any) -> Any:  # `Thread.start(thread)`
            inherit(thread, who)
            return plain(thread, *given, **named)

        return start


class _Names(_Place):
    """Stands for `_socket` in `socket`, and differs from it in what `getaddrinfo` is for our work."""

    def __init__(self, _name: str, original: Any, refuse: Refuse) -> None:
        self.__dict__.update({name: found for name, found in vars(original).items() if name != "getaddrinfo"})
        self._jupyter_localllm_original = original
        self._refuse = refuse

    @property
    def getaddrinfo(self) -> Any:
        who = self._whose(self._frame(1))

        def judged(*given: Any, **_named: Any) -> NoReturn:
            self._refuse(given[:2], who)

        return judged if who else self._jupyter_localllm_original.getaddrinfo


def _look_up(_name: str, original: Any, refuse: Refuse) -> Any:
    """One of the older functions that look a name up; seldom called, so it may have a frame."""
    frame, work = sys._getframe, whose

    @functools.wraps(original)
    def look_up(*given: Any) -> Any:
        __tracebackhide__ = True
        if who := work(frame(1)):
            refuse(given[0] if given else "a name", who)
        return original(*given)

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
        return not isinstance(address, tuple) or str(address[0]).startswith(_HERE)
    return pair and isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1")


def told(address: Any) -> str:
    """An address or a name, as an error shows it."""
    if isinstance(address, tuple):
        return ":".join(_text(part) for part in address[:2])
    return _text(address)


def _text(part: Any) -> str:
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
