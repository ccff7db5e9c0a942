"""Who takes part, and the way to all of them."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from dataclasses import dataclass
from typing import Any, Protocol

from jupyter_localllm.chat.from_kernel import FromKernel
from jupyter_localllm.chat.protocol import encode

__all__ = ["Client", "Member", "Members"]

_log = logging.getLogger("jupyter_localllm.chat")

_MOST = 16  # tabs that were closed without a word are let go, the longest silent first


class Client(Protocol):
    """A panel of the sidebar behind its comm, a widget, a test."""

    def send(self, message: dict[str, Any]) -> None:
        """Take a message, at once and from any thread; whoever raises is let go and closed."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


@dataclass(eq=False)
class Member:
    """A client, and how far it has come.

    Parameters
    ----------
    client : Client
    subshells : bool
        Whether its messages are handled while a cell runs.
    greeted, welcomed : bool
        Whether it said hello, and was told how things stand.
    heard : int
        When it said something last, counted in messages of all.
    """

    client: Client
    subshells: bool = False
    greeted: bool = False
    welcomed: bool = False
    heard: int = 0


class Members:
    """All clients of a session.

    Attributes
    ----------
    lock : RLock
        Held while a message is taken or told to all.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._members: dict[int, Member] = {}
        self._counter = itertools.count(1)

    def __len__(self) -> int:
        return len(self._members)

    def add(self, client: Client, *, subshells: bool) -> None:
        """Take a client in."""
        with self.lock:
            self._members[id(client)] = Member(client, subshells, heard=next(self._counter))
            while len(self._members) > _MOST:
                silent = min(self._members.values(), key=lambda member: member.heard)
                self.remove(silent.client)
                with contextlib.suppress(Exception):
                    silent.client.close()

    def heard(self, client: Client) -> Member | None:
        """The member that says something now."""
        member = self._members.get(id(client))
        if member is not None:
            member.heard = next(self._counter)
        return member

    def remove(self, client: Client) -> Member | None:
        """Let a client go."""
        with self.lock:
            return self._members.pop(id(client), None)

    def close(self) -> None:
        """Let all go."""
        with self.lock:
            members = list(self._members.values())
            self._members.clear()
        for member in members:
            with contextlib.suppress(Exception):
                member.client.close()

    def tell(self, member: Member, message: FromKernel) -> None:
        """Send to one."""
        self._send(member, encode(message))

    def tell_all(self, message: FromKernel) -> None:
        """Send to all who were welcomed."""
        encoded = encode(message)
        with self.lock:
            for member in [one for one in self._members.values() if one.welcomed]:
                self._send(member, encoded)

    def _send(self, member: Member, encoded: dict[str, Any]) -> None:
        if self._members.get(id(member.client)) is not member:
            return
        try:
            member.client.send(encoded)
        except Exception as error:
            _log.info("a panel is gone: %s", error)
            self.remove(member.client)
            with contextlib.suppress(Exception):
                member.client.close()
