"""The cache's directory: private to one person, and a lock between processes."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_localllm.cache.trouble import Busy, Unavailable
from jupyter_localllm.errors import CacheError

__all__ = ["check_readable", "locked", "prepare"]

# Backup tools skip directories with this file: https://bford.info/cachedir/
_TAG = "CACHEDIR.TAG"
_TAG_TEXT = (
    "Signature: 8a477f597d28d172789f06886806bc55\n# Answers kept by jupyter_localllm. %llm cache clear empties it.\n"
)
_PRIVATE = 0o700


def prepare(directory: Path, room: str) -> Path:
    """Make the directory of one database, readable by its owner only.

    Parameters
    ----------
    directory : Path
        The cache's directory; made if it is missing, and closed to others if it is ours. One that holds other
        things too (a project, a home) keeps its mode.
    room : str
        Name of the directory within it; always ours, always closed to others. Who took his own permission to write
        away does not get it back.

    Returns
    -------
    Path
        ``directory / room``.

    Raises
    ------
    CacheError
        One of them belongs to somebody else: their entries would be taken for answers.
    OSError
        It cannot be made.
    """
    _make(directory, parents=True)
    inner = directory / room
    if not inner.is_dir():
        if _is_ours(directory):
            _make_private(directory)
            _mark(directory)
        _make(inner)
    elif (directory / _TAG).exists():
        _make_private(directory)
    if inner.is_symlink():
        raise _linked(inner)
    _check_owner(directory)
    _make_private(inner)
    return inner


def check_readable(directory: Path, room: str, database: str) -> None:
    """Check what `prepare` would have put right: that a directory which cannot be written may be read.

    Raises
    ------
    CacheError
        It belongs to somebody else.
    Unavailable
        Others may write in it, and it cannot be closed to them; or the database or a journal is somebody else's.
    OSError
        Nothing is there, or it cannot be looked at.
    """
    inner, file = directory / room, directory / room / database
    file.stat()
    if inner.is_symlink():
        raise _linked(inner)
    for path in (directory, inner):
        _check_owner(path)
    if sys.platform == "win32":
        return
    # The cache's own folder may hold other things; who could change the room in it would own what he put there.
    _check_not_writable(directory, inner)
    for path in (file, *inner.glob(f"{database}-*")):
        with suppress(FileNotFoundError):  # SQLite's journals come and go
            if (owner := path.stat().st_uid) != os.geteuid():
                raise Unavailable(f"The cache in {directory} cannot be used: {path} belongs to user {owner}.")
            _check_not_writable(directory, path)


def _check_not_writable(directory: Path, path: Path) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o022:
        words = f"others may write in {path}, and this kernel cannot forbid it"
        raise Unavailable(f"The cache in {directory} cannot be used: {words}.")


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold a lock that one process (and one thread of it) can hold at a time.

    The system gives it back when a process dies. Where the file system has no locks, nothing is held.

    Raises
    ------
    Busy
        Somebody else held it all the time.
    """
    # 0600: others need not even be able to hold us up.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        deadline = time.monotonic() + seconds
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise Busy(f"Another process has been opening {path.parent} for {seconds:g} seconds.")
            time.sleep(0.01)
        try:
            yield
        finally:
            _unlock(descriptor)
    finally:
        os.close(descriptor)


def _is_ours(directory: Path) -> bool:
    # Empty (perhaps made by a person for us), or marked by us before.
    return (directory / _TAG).exists() or not any(directory.iterdir())


def _mark(directory: Path) -> None:
    (directory / _TAG).write_text(_TAG_TEXT, encoding="utf-8")
    # For a cache inside a project: answers are private until somebody exports them.
    (directory / ".gitignore").write_text("*\n", encoding="utf-8")


def _make_private(path: Path) -> None:
    if sys.platform == "win32":
        return  # a directory in a user's profile is private there by its access list
    _check_owner(path)
    if (mode := stat.S_IMODE(path.stat().st_mode)) & ~_PRIVATE:
        path.chmod(mode & _PRIVATE)


def _make(path: Path, *, parents: bool = False) -> None:
    try:
        path.mkdir(parents=parents, mode=_PRIVATE)
    except OSError:
        if not path.is_dir():  # as `exist_ok`: systems differ in what they say of one that is there
            raise
    else:
        _grant(path)


def _grant(path: Path) -> None:
    """Give the owner of a new directory what his umask took away."""
    if sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) != _PRIVATE:
        path.chmod(_PRIVATE)


def _linked(inner: Path) -> CacheError:
    return CacheError(f"{inner} is a link.", "Remove it, or choose another directory for the cache.")


def _check_owner(path: Path) -> None:
    if sys.platform == "win32":
        return
    owner, me = path.stat().st_uid, os.geteuid()
    if owner != me:
        raise CacheError(
            f"The cache directory {path} belongs to user {owner}, and this kernel runs as user {me}.",
            "Choose another directory for the cache, or turn it off with --cache off.",
        )


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        with suppress(OSError):
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # no locks on this file system; SQLite's own still guard every write
        return True

    def _unlock(descriptor: int) -> None:
        # Not by closing alone: a child forked meanwhile holds the same lock through its copy of the descriptor.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
