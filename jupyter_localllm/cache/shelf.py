"""One database that is opened when it is needed, and put right when it is not what it should be.

A damaged file is set aside under its own name with ``.damaged-<n>`` and a fresh one takes its place; what is merely
busy, full or forbidden is left alone. Two processes that find the same damage do this one after the other, and the
second sees that the file is no longer the one it found damaged. What cannot be written is opened to be read.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.cache.folder import check_readable, locked, prepare
from jupyter_localllm.cache.trouble import Busy, Damaged, Trouble, Unavailable
from jupyter_localllm.config.reach import check_reach, reachable

if TYPE_CHECKING:
    from jupyter_localllm.cache.store import Store

__all__ = ["Shelf", "Voice"]

T = TypeVar("T")

_OPENING = 2.0  # seconds to wait for another process that is opening, and then not to ask again


class Voice:
    """Tells people about the cache, and each trouble of the disk only once.

    Attributes
    ----------
    callback : callable or None
        Gets a sentence.
    """

    def __init__(self) -> None:
        self.callback: Callable[[str], None] | None = None
        self._said: set[str] = set()
        self._waiting: deque[str] = deque()

    def say(self, text: str) -> None:
        """Keep a sentence to be told as soon as no lock is held."""
        self._waiting.append(text)

    def say_once(self, text: str, kind: str) -> None:
        """Say it, unless one of this kind was said before."""
        if kind not in self._said:
            self._said.add(kind)
            self.say(text)

    def speak(self) -> None:
        """Tell what waits."""
        while True:
            try:
                text = self._waiting.popleft()
            except IndexError:  # nothing left, or another thread took it
                return
            if self.callback is not None:
                self.callback(text)


class Shelf:
    """A database in a room of the cache's directory.

    Parameters
    ----------
    directory : Path
        The cache's.
    room : str
        Name of the directory in it that is this shelf's own.
    voice : Voice
    """

    def __init__(self, directory: Path, room: str, voice: Voice) -> None:
        self.directory = directory
        self.folder = directory / room
        self._room = room
        self._voice = voice
        self._store: Store | None = None
        self._lock = threading.RLock()
        self._working = False
        self._pid = os.getpid()
        self._reason: Trouble = Busy("")  # why not to open before
        self._not_before = 0.0
        _SHELVES.add(self)

    def run(self, action: Callable[[Store], T]) -> T:
        """Do something with the open database; once more with a fresh one if this one turns out to be damaged.

        Raises
        ------
        Busy
            Another process holds it.
        Unavailable
            The directory cannot be used.
        CacheError
            It belongs to somebody else.
        """
        try:
            with self._mine():
                try:
                    return self._attempt(action)
                except Damaged as damage:
                    self._replace(damage)
                    return self._attempt_again(action)
        finally:
            self._voice.speak()

    def close(self) -> None:
        """Close the database; the next `run` opens it again."""
        with self._mine():
            store, self._store = self._store, None
            if store is not None and reachable(self.directory):
                store.close()
            elif store is not None:
                _ABANDONED.append(store)

    def delete_set_aside(self) -> None:
        """Delete the damaged files that were set aside; raises OSError where that fails."""
        check_reach(self.directory)
        for path in self.folder.glob("*.damaged-*"):
            path.unlink(missing_ok=True)

    def size_bytes(self) -> int:
        """Size of all files, those set aside included; raises OSError where the disk does not answer."""
        check_reach(self.directory)
        sizes = 0
        for path in self.folder.glob("*"):
            with suppress(FileNotFoundError):  # SQLite's journals come and go
                sizes += path.stat().st_size
        return sizes

    @contextmanager
    def _mine(self) -> Iterator[None]:
        if self._pid != os.getpid():  # forked by something that is not Python
            self._arrive_in_child()
        with self._lock:
            yield

    def _attempt(self, action: Callable[[Store], T]) -> T:
        self._reach()
        if self._store is not None and self._store.moved():
            self._store.close()
            self._store = None
        if self._store is None:
            self._store = self._open()
        self._working = True
        try:
            return action(self._store)
        finally:
            self._working = False
            self._store.recover()

    def _reach(self) -> None:
        try:
            check_reach(self.directory)
        except TimeoutError as error:
            if self._store is not None:  # to close it would wait for the disk as well
                _ABANDONED.append(self._store)
                self._store = None
            raise Unavailable(f"The cache directory cannot be used: {error}.") from None

    def _open(self) -> Store:
        if time.monotonic() < self._not_before:
            raise type(self._reason)(self._reason.message)
        try:
            prepare(self.directory, self._room)
            with locked(self.folder / "lock", _OPENING):
                return self._open_or_replace()
        except OSError as error:
            trouble = Unavailable(f"The cache directory {self.directory} cannot be used: {error}.")
            return self._open_read_only(error, trouble, error.strerror or str(error))
        except Unavailable as trouble:
            return self._open_read_only(trouble, trouble, trouble.message.rstrip("."))
        except Busy as reason:
            self._pause(reason, _OPENING)
            raise

    def _open_read_only(self, error: Exception, trouble: Unavailable, why: str) -> Store:
        """Open what may be read at least; raises `trouble` where that is not allowed or nothing is there."""
        try:
            from jupyter_localllm.cache.database import DATABASE, forbidden, writable
            from jupyter_localllm.cache.readonly import ReadOnlyStore
        except OSError:  # no file can be opened now, not even one of these
            raise trouble from None
        if not forbidden(error) or (error is trouble and writable(self.folder)):
            raise trouble from None
        try:
            check_readable(self.directory, self._room, DATABASE)
        except OSError:
            raise trouble from None
        try:
            return ReadOnlyStore(self.folder, why)
        except Damaged as damage:
            raise self._give_up(damage) from None

    def _open_or_replace(self) -> Store:
        from jupyter_localllm.cache.store import Store

        try:
            return Store(self.folder)
        except Damaged as damage:
            self._set_aside(damage)
        try:
            return Store(self.folder)
        except Damaged as damage:
            raise self._give_up(damage) from None

    def _attempt_again(self, action: Callable[[Store], T]) -> T:
        try:
            return self._attempt(action)
        except Damaged as damage:
            raise self._give_up(damage) from None

    def _give_up(self, damage: Damaged) -> Unavailable:
        # A disk that breaks even a fresh database: don't fill it with what we set aside.
        reason = Unavailable(f"The cache directory {self.directory} cannot be used: {damage.message}")
        store, self._store = self._store, None
        if store is not None:
            store.close()
        self._pause(reason, 60.0)
        return reason

    def _pause(self, reason: Trouble, seconds: float) -> None:
        self._reason, self._not_before = reason, time.monotonic() + seconds

    def _replace(self, damage: Damaged) -> None:
        """Set the database aside that an action found damaged, unless another process has done so already."""
        from jupyter_localllm.cache.database import identity

        if self._store is not None and self._store.read_only:  # it stays where it is
            raise self._give_up(damage) from None
        store, self._store = self._store, None
        if store is None:  # a fresh one was damaged at once
            raise Unavailable(f"The cache directory {self.directory} cannot be used: {damage.message}") from None
        try:
            with locked(self.folder / "lock", _OPENING):
                ours = identity(store.path) == store.identity
                store.close()
                if ours:
                    self._set_aside(damage)
        except OSError as error:
            raise Unavailable(f"The cache directory {self.directory} cannot be used: {error}.") from None
        finally:
            store.close()

    def _set_aside(self, damage: Damaged) -> None:
        from jupyter_localllm.cache.database import set_aside

        aside = set_aside(self.folder)
        if aside is not None:
            self._voice.say(f"{damage.message} It was set aside as {aside}, and an empty one was made.")

    # -- forks ---------------------------------------------------------------------------------------------------------

    def _hold_still(self, held: list[Shelf]) -> None:
        """Close the database and keep others from opening it until the fork is done; notes in `held` that they are."""
        if not self._lock.acquire(timeout=_OPENING):
            return
        held.append(self)  # before what may wait for a disk: Ctrl-C ends the hook, and the lock must be given back
        if not self._working:  # a fork out of our own work (a signal's handler): the child goes without
            self.close()

    def _arrive_in_child(self, *, still: bool = True) -> None:
        self._lock, self._pid, self._working = threading.RLock(), os.getpid(), False
        store, self._store = self._store, None
        if store is not None:
            _ABANDONED.append(store)  # to be garbage would close it
        if store is not None or not still:  # a thread that the child does not have may hold SQLite's own locks
            self._pause(Unavailable("This process was forked while its parent used the cache."), float("inf"))


# SQLite's locks belong to a process, but what it knows of them is copied by a fork: a child that inherits an open
# connection, even one that it never uses, takes locks for held that are not, and can damage the database
# (https://sqlite.org/howtocorrupt.html, 2.6). So nothing is open while a process forks; the next use opens it again.
_SHELVES: weakref.WeakSet[Shelf] = weakref.WeakSet()
_ABANDONED: list[object] = []
_forking = threading.local()


def _before_fork() -> None:
    _forking.held = []
    for shelf in list(_SHELVES):
        shelf._hold_still(_forking.held)


def _after_fork_in_parent() -> None:
    for shelf in _forking.held:
        shelf._lock.release()
    _forking.held = []


def _after_fork_in_child() -> None:
    for shelf in list(_SHELVES):
        shelf._arrive_in_child(still=shelf in _forking.held)
    _forking.held = []


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
