"""A file while it is fetched: ``NAME.part`` beside where it will be, taken by one process at a time.

What is known of it stands in ``NAME.part.json``, so that a later run can go on. The name of the whole file appears in
one step, when all of it was checked.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from jupyter_localllm.errors import PullError
from jupyter_localllm.models.pull.trouble import not_writable

__all__ = ["Origin", "Partial"]


@dataclass(frozen=True)
class Origin:
    """What tells whether a part is one of this file.

    Parameters
    ----------
    address : str
        Stands for where it comes from (`jupyter_localllm.models.pull.address.fingerprint`).
    sha256 : str
        Promised, or ``""``.
    etag : str
        The server's own mark of this state of the file, or ``""``.
    size_bytes : int
        Of the whole file, or 0.
    """

    address: str
    sha256: str = ""
    etag: str = ""
    size_bytes: int = 0

    def continues(self, earlier: Origin | None) -> bool:
        """Whether what came from there is the beginning of this."""
        if earlier is None or (self.size_bytes and earlier.size_bytes and self.size_bytes != earlier.size_bytes):
            return False
        if self.sha256 and earlier.sha256:
            return self.sha256 == earlier.sha256
        return bool(self.etag) and (self.address, self.etag) == (earlier.address, earlier.etag)


class Partial:
    """The part of a file that is there.

    Parameters
    ----------
    path : Path
        Where the whole file will be.

    Raises
    ------
    PullError
        Another process is fetching it, or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self._record = path.with_name(path.name + ".part.json")
        self._lock: IO[bytes] | None = None
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Partial:
        """Take it."""
        with self.trouble():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for end in (".part", ".part.json", ".part.lock"):  # a folder may come with somebody's project
                _remove_link(self.path.with_name(self.path.name + end))
            while self._lock is None:
                file = open(self.path.with_name(self.path.name + ".part.lock"), "ab")
                if not _locked(file):
                    file.close()
                    raise PullError(f"{self.path.name} is being fetched by another process.", "Wait until it is done.")
                if os.fstat(file.fileno()).st_nlink:
                    self._lock = file
                else:  # who had it before has just removed it: a lock on it holds nobody off
                    file.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Let go of it; what has come stays."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
        if self._lock is not None:
            with suppress(OSError):
                os.unlink(self._lock.name)  # on Windows only after closing; an empty file is left then
            self._lock.close()

    @property
    def size(self) -> int:
        """Bytes that are there."""
        try:
            return self.part.stat().st_size
        except OSError:
            return 0

    @property
    def origin(self) -> Origin | None:
        """What they are of; None if nobody knows."""
        try:
            return Origin(**json.loads(self._record.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None

    def begin(self, origin: Origin, *, keep: bool) -> None:
        """Write on at the end of what is there, or anew."""
        with self.trouble():
            if self._file is not None:
                self._file.close()
            self._record.write_text(json.dumps(asdict(origin)), encoding="utf-8")
            self._file = open(self.part, "ab" if keep else "wb", buffering=0)  # noqa: SIM115

    def write(self, data: bytes) -> None:
        """Add bytes."""
        assert self._file is not None
        with self.trouble():
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]

    def discard(self) -> None:
        """Forget what has come."""
        if self._file is not None:
            self._file.close()
            self._file = None
        for path in (self.part, self._record):
            with suppress(OSError):
                path.unlink()

    def finish(self, check: Callable[[Path], None]) -> None:
        """Check the whole, and give it its name in one step; if `check` raises, nothing is left of it."""
        with self.trouble():
            if self._file is not None:
                os.fsync(self._file.fileno())
                self._file.close()
                self._file = None
        try:
            check(self.part)
        except Exception:
            self.discard()
            raise
        with self.trouble():
            os.replace(self.part, self.path)
        with suppress(OSError):
            self._record.unlink()

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Tell what the disk refuses."""
        try:
            yield
        except OSError as error:
            raise not_writable(self.path, error, kept=self.size) from None


def _locked(file: IO[bytes]) -> bool:
    """Take a file for this process, until it is closed; False if another one has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # A file system without locks (some network shares) has nobody to ask: go on.
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


def _remove_link(path: Path) -> None:
    """What is written here is a file of our own: a link would lead to another, which would be overwritten."""
    if path.is_symlink():
        path.unlink()
