"""Conversations that are kept on disk: one JSON file for each, readable by its owner only.

Several kernels may keep the same one. Each reads it again and writes the whole file, with the turns that another has
added meanwhile, under a lock between processes. A file that another kernel deleted stays deleted, and one that cannot
be read, perhaps since a later version wrote it, is left alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jupyter_localllm.cache import folder
from jupyter_localllm.config.reach import check_reach
from jupyter_localllm.conversation import Conversation, Turn
from jupyter_localllm.errors import CacheError

__all__ = ["Kept"]

_log = logging.getLogger("jupyter_localllm.chat")

_ROOM = "conversations"
_LOCK, _LOCK_SECONDS = "lock", 5.0
_MOST_FILES = 1_000
_LONGEST_FILE = 64_000_000

_Stamp = tuple[int, int, int]


class Kept:
    """The kept conversations, in a folder of the cache's directory.

    Parameters
    ----------
    cache_dir : callable
        The cache's directory of the moment.
    """

    def __init__(self, cache_dir: Callable[[], Path]) -> None:
        self._cache_dir = cache_dir
        self._lock = threading.RLock()  # lanes fill and save at the same time
        self._listed: dict[Path, tuple[_Stamp, tuple[str, int] | None]] = {}
        # What this kernel wrote last, and the turns of others in it.
        self._written: dict[Path, tuple[_Stamp, tuple[Turn, ...]]] = {}
        # Turns that this kernel has read or written: one that is not among them is another kernel's.
        self._ours: dict[str, set[tuple[str, str]]] = {}
        self._names: dict[str, int] = {}

    @property
    def names(self) -> dict[str, int]:
        """Names with their numbers of turns, as of the last `look`."""
        return dict(self._names)

    def look(self) -> None:
        """Read what is there; files that are something else are passed over, and nothing is raised."""
        found: dict[str, int] = {}
        with self._lock:
            try:
                check_reach(self._cache_dir())
                for path in sorted((self._cache_dir() / _ROOM).glob("*.json"))[:_MOST_FILES]:
                    if (listed := self._list(path)) is not None:
                        found[listed[0]] = listed[1]
            except Exception:  # panels come up without it
                _log.exception("the kept conversations cannot be listed")
                return
            self._names = found
            self._ours = {name: ours for name, ours in self._ours.items() if name in found}

    def fill(self, talk: Conversation) -> None:
        """Put the kept turns before those of this kernel, once."""
        with self._lock:
            if talk.name not in self._names or talk.name in self._ours:
                return
            kept = self._load(self._path(talk.name))
            if kept is None:
                return
            self._ours[talk.name] = {_key(turn) for turn in kept.turns}
            ours = {_key(turn) for turn in talk.turns}
            talk.put_before(tuple(turn for turn in kept.turns if _key(turn) not in ours))
            talk.system = talk.system if talk.system is not None else kept.system

    def save(self, talk: Conversation, *, alone: bool = False, anew: bool = False) -> None:
        """Write it whole; one whose file another kernel deleted is not kept any more.

        Parameters
        ----------
        talk : Conversation
        alone : bool
            Without the turns of other kernels: it was cleared.
        anew : bool
            Whether or not there is a file: a person wants it kept.

        Raises
        ------
        CacheError
            It cannot be written, or the file that is there cannot be read.
        """
        with self._lock:
            try:
                check_reach(self._cache_dir())
                room = folder.prepare(self._cache_dir(), _ROOM)
                with folder.locked(room / _LOCK, _LOCK_SECONDS):
                    self._save(talk, room / _file_name(talk.name), alone=alone, anew=anew)
            except (OSError, ValueError) as error:
                raise CacheError(f"the conversation cannot be kept: {error}", "Is the disk full?") from error

    def _save(self, talk: Conversation, path: Path, *, alone: bool, anew: bool) -> None:
        there = self._there(path)
        if there is None and not anew:
            self._names.pop(talk.name, None)
            self._ours.pop(talk.name, None)
            return
        ours = self._ours.setdefault(talk.name, set())
        turns = talk.turns
        mine = {_key(turn) for turn in turns}
        others = tuple(turn for turn in there or () if _key(turn) not in ours | mine) if not alone else ()
        whole = Conversation(talk.name, talk.system, (*others, *turns))
        _write(path, json.dumps(whole.document(outputs=True), ensure_ascii=False))
        ours |= mine
        self._names[talk.name] = len(whole.turns)
        stamp = _stamp(path)
        self._written[path] = (stamp, others)
        self._listed[path] = (stamp, (talk.name, len(whole.turns)))

    def _there(self, path: Path) -> tuple[Turn, ...] | None:
        """The turns that a file has, those of others at least; None without one. Read if another kernel wrote it."""
        written = self._written.get(path)
        with suppress(OSError):
            if written is not None and written[0] == _stamp(path):
                return written[1]
        kept = _read(path)
        return None if kept is None else kept.turns

    def forget(self, name: str) -> None:
        """Delete the file."""
        with self._lock:
            self._names.pop(name, None)
            self._ours.pop(name, None)
            path = self._path(name)
            self._written.pop(path, None)
            if not path.exists():
                return
            # Without the lock too: what a person wants gone is gone.
            with suppress(OSError, CacheError), folder.locked(path.parent / _LOCK, _LOCK_SECONDS):
                path.unlink(missing_ok=True)
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._cache_dir() / _ROOM / _file_name(name)

    def _list(self, path: Path) -> tuple[str, int] | None:
        """Name and number of turns; a file that is as it was is not read again, and none is kept in memory."""
        try:
            stamp = _stamp(path)
        except OSError:
            return None
        known = self._listed.get(path)
        if known is None or known[0] != stamp:
            talk = self._load(path)
            ours = talk is not None and path.name == _file_name(talk.name)
            known = self._listed[path] = (stamp, (talk.name, len(talk.turns)) if talk is not None and ours else None)
        return known[1]

    def _load(self, path: Path) -> Conversation | None:
        try:
            return _read(path)
        except Exception as error:  # whatever is in it
            _log.warning("%s", error)
            return None


def _stamp(path: Path) -> _Stamp:
    """What tells one writing of a file from the next: each makes a file beside the one that it takes the place of."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _read(path: Path) -> Conversation | None:
    """What is in a file; None if there is none. Raises CacheError if it cannot be read."""
    try:
        stat = path.stat()
        if stat.st_size > _LONGEST_FILE:
            raise ValueError(f"it has {stat.st_size:,} bytes")
        if hasattr(os, "geteuid") and stat.st_uid != os.geteuid():
            raise ValueError(f"it belongs to user {stat.st_uid}")
        return Conversation.of(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except Exception as error:  # it is JSON of anybody: no reader can name all that may be wrong
        raise CacheError(
            f"{path} cannot be read and is left as it is: {error}",
            "Another version may have written it. Move it away, or keep the conversation under another name.",
        ) from error


def _key(turn: Turn) -> tuple[str, str]:
    return turn.question, turn.answer


def _file_name(name: str) -> str:
    """Names are anything, names of files are not."""
    return f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.json"


def _write(path: Path, text: str) -> None:
    """Write beside, then put in place: whoever reads finds the old file or the new one."""
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")  # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
