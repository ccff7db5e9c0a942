"""What is refused, and what was: the guard's rules, the same for a kernel and for a process of our own."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from jupyter_localllm.errors import OfflineError
from jupyter_localllm.offline.sockets import Ears, is_allowed, is_pair, told
from jupyter_localllm.offline.work import US, whose

__all__ = ["Guard", "Refusal", "stand", "state"]

_SOCKETS = frozenset({f"socket.{name}" for name in ("connect", "sendto", "sendmsg", "bind")})
_HEARD = _SOCKETS | {f"socket.{name}" for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo")}
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
        Whether it hears of every socket of Python code; no longer so where somebody else has put their own functions
        in the place of its.
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
    """What the guard knows; the only one that refuses."""

    def __init__(self) -> None:
        self.alone = False
        self.count = 0
        self.refused: deque[Refusal] = deque(maxlen=_KEPT)
        self.ears = Ears(self.refuse)

    def refuse(self, address: Any, who: str) -> NoReturn:
        refusal = Refusal(told(address), who)
        self.count += 1
        self.refused.append(refusal)
        raise OfflineError(
            f"{refusal.who} was about to contact {refusal.where}, which nobody named: refused",
            "This package's own work needs no connection. If yours does, see docs/security.md: the offline promise.",
        )

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Judge an event of `_HEARD` in a process that is our own."""
        frame = sys._getframe(1).f_back  # none where C code alone runs in a thread
        address = arguments[1 if event in _SOCKETS else 0]
        if not is_allowed(address, binds=event == "socket.bind", pair=is_pair(frame)):
            self.refuse(arguments[:2] if event == "socket.getaddrinfo" else address, whose(frame) or US)


_watch = _Watch()


# A plain function: Python calls it for each `id`, and a method costs it four times as much. Defaults outlive a
# module that is taken down.
def _hook(
    event: str,
    arguments: tuple[Any, ...],
    _heard: frozenset[str] = _HEARD,
    _hear: Callable[[str, tuple[Any, ...]], None] = _watch.hear,
) -> None:
    if event in _heard:
        _hear(event, arguments)


def stand(*, alone: bool = False) -> None:
    """Put the guard up; nothing happens if it stands.

    Parameters
    ----------
    alone : bool
        Whether this process is the package's own: then nothing at all may be opened in it, for as long as it lives.
    """
    if not alone:
        _watch.ears.attach()
    elif not _watch.alone:
        _watch.alone = True
        sys.addaudithook(_hook)


def state() -> Guard:
    """Tell whether the guard stands in this process, and what it refused."""
    return Guard(_watch.alone or _watch.ears.whole, _watch.alone, _watch.count, tuple(_watch.refused))
