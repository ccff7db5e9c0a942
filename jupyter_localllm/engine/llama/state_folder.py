"""The folder of kept prefix states, shared by processes: a file for each, the least recently used ones leaving first.

A file's name tells its key and its tokens: what is put twice is one file, and the headers of other models' states need
not be read.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_localllm.config.reach import check_reach
from jupyter_localllm.engine.llama.state_file import (
    Damaged,
    Foreign,
    Header,
    file_size,
    read_data,
    read_header,
    write,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["StateFolder"]

_NAME = re.compile(r"[0-9a-f]{16}-[0-9a-f]{32}\.state")
_PART = re.compile(r"[0-9a-f]{16}-[0-9a-f]{32}\.state\.[0-9a-f]{16}\.part")
_ABANDONED_S = 600.0
"""A file being written is younger than this: each write makes it new."""
_SET_BACK_NS = 60_000_000_000
"""A file that is so much newer than now was used before the clock was set back."""


class StateFolder:
    """The files of one key in a folder.

    Parameters
    ----------
    path : Path
        A folder for states alone. It is made when first needed, with mode 0700.
    limit : int
        Most bytes of state files in it, of whatever key.
    key : str
        Text of the key: files of another one are not read, and not given.
    """

    def __init__(self, path: Path, limit: int, key: str) -> None:
        self._path, self.limit, self._key = path, limit, key
        self._prefix = hashlib.sha256(key.encode()).hexdigest()[:16]
        # name -> which file that was, and its header if it can be used
        self._index: dict[str, tuple[tuple[int, int], Header | None]] = {}
        self._lock = threading.Lock()
        self._stamp = 0
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why nothing is written any more, or ``""``."""
        return self._trouble

    @property
    def used(self) -> int:
        """Bytes of all state files, of whatever key."""
        return sum(status.st_size for _, status in self._files())

    def entries(self) -> list[tuple[NDArray[np.int32], int]]:
        """Tokens and bytes of data of each entry. A header is read once, when its file is new to us."""
        seen: dict[str, tuple[tuple[int, int], Header | None]] = {}
        for name, status in self._files(self._prefix):
            # not the time, which changes with each use
            which = (status.st_ino, status.st_size)
            with self._lock:
                known = self._index.get(name)
            seen[name] = known if known and known[0] == which else (which, self._header(name))
        with self._lock:
            self._index = seen
        return [(header.tokens, header.size) for _, header in seen.values() if header is not None]

    def read(self, tokens: NDArray[np.int32]) -> bytes | None:
        """The data of an entry, checked, or None if it is damaged or gone. It counts as used now."""
        name = self._name(tokens)
        try:
            header, data = read_data(self._path / name)
            self._check(name, header)
        except (Foreign, OSError):
            return None
        except Damaged:
            self._remove(name)
            return None
        with suppress(OSError):
            self._touch(self._path / name)
        return data

    def write(self, tokens: NDArray[np.int32], data: bytes) -> None:
        """Write a file under another name, then put it in its place; others leave for it.

        An entry that is there already is not written again. After a failure nothing is written any more.
        """
        name, size = self._name(tokens), file_size(self._key, tokens, data)
        if self._trouble or size > self.limit:
            return
        part = self._path / f"{name}.{secrets.token_hex(8)}.part"
        try:
            check_reach(self._path)
            self._prepare()
            if self._header(name) is not None:
                with suppress(FileNotFoundError):  # another process may remove it just now
                    self._touch(self._path / name)
                    return
            self._shrink(self.limit - size, but=name)
            write(part, self._key, tokens, data)
            self._touch(part)
            os.replace(part, self._path / name)
            # another process may have written meanwhile
            self._shrink(self.limit - size, but=name)
        except OSError as error:
            self._trouble = f"Prefix states are not kept on disk: {error}"
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _files(self, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
        yield from self._listed(_NAME, prefix)

    def _listed(self, pattern: re.Pattern[str], prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
        with suppress(OSError):
            check_reach(self._path)
            with os.scandir(self._path) as listing:
                for item in listing:
                    if item.name.startswith(prefix) and pattern.fullmatch(item.name):
                        with suppress(OSError):
                            yield item.name, item.stat(follow_symlinks=False)

    def _header(self, name: str) -> Header | None:
        try:
            header = read_header(self._path / name)
            self._check(name, header)
        except (Foreign, OSError):
            return None
        except Damaged:
            self._remove(name)
            return None
        return header

    def _check(self, name: str, header: Header) -> None:
        if header.key != self._key:
            raise Foreign("of another key")
        if self._name(header.tokens) != name:
            raise Damaged("under another name")

    def _name(self, tokens: NDArray[np.int32]) -> str:
        digest = hashlib.sha256(self._key.encode() + b"\0" + tokens.astype("<i4").tobytes()).hexdigest()
        return f"{self._prefix}-{digest[:32]}.state"

    def _prepare(self) -> None:
        self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if sys.platform == "win32":
            return  # a folder in a user's profile is private there by its access list
        status = self._path.lstat()
        if self._path.is_symlink() or status.st_uid != os.geteuid():
            raise PermissionError(f"{self._path} is a link or belongs to another user")
        if status.st_mode & 0o077:
            self._path.chmod(0o700)

    def _shrink(self, most: int, but: str) -> None:
        """Remove what dead writers left, and the least recently used files until the rest is small enough."""
        for name, status in self._listed(_PART):
            if abs(time.time() - status.st_mtime) > _ABANDONED_S:
                self._remove(name)
        now = time.time_ns() + _SET_BACK_NS
        files = sorted(
            (status.st_mtime_ns <= now, status.st_mtime_ns, status.st_size, name)  # first those of the future
            for name, status in self._files()
            if name != but
        )
        total = sum(size for *_, size, _ in files)
        for *_, size, name in files:
            if total <= most:
                break
            self._remove(name)
            total -= size

    def _remove(self, name: str) -> None:
        with suppress(OSError):
            (self._path / name).unlink(missing_ok=True)

    def _touch(self, path: Path) -> None:
        # Clocks tick slowly on some systems, and the order of use decides who leaves.
        with self._lock:
            now = time.time_ns()
            self._stamp = now if now + _SET_BACK_NS < self._stamp else max(now, self._stamp + 1)
            stamp = self._stamp
        os.utime(path, ns=(stamp, stamp))
