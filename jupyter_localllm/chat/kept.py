"""Conversations that are kept on disk: one JSON file for each, readable by its owner only.

Several kernels may keep the same one. Each writes the whole file, with the turns that another has added meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jupyter_localllm.cache import folder
from jupyter_localllm.conversation import Conversation, Turn
from jupyter_localllm.errors import CacheError, UsageError

__all__ = ["Kept"]

_ROOM = "conversations"
_MOST_FILES = 1_000
_LONGEST_FILE = 64_000_000


class Kept:
    """The kept conversations, in a folder of the cache's directory.

    Parameters
    ----------
    cache_dir : callable
        The cache's directory of the moment.
    """

    def __init__(self, cache_dir: Callable[[], Path]) -> None:
        self._cache_dir = cache_dir
        self._listed: dict[Path, tuple[tuple[int, int], str, int]] = {}
        # Turns that this kernel has read or written: one that is not among them is another kernel's.
        self._ours: dict[str, set[tuple[str, str]]] = {}
        self._names: dict[str, int] = {}

    @property
    def names(self) -> dict[str, int]:
        """Names with their numbers of turns, as of the last `look`."""
        return dict(self._names)

    def look(self) -> None:
        """Read what is there; files that are something else are passed over."""
        found: dict[str, int] = {}
        with suppress(OSError):
            for path in sorted((self._cache_dir() / _ROOM).glob("*.json"))[:_MOST_FILES]:
                if (listed := self._list(path)) is not None:
                    found[listed[0]] = listed[1]
        self._names = found

    def fill(self, talk: Conversation) -> None:
        """Put the kept turns before those of this kernel, once."""
        if talk.name not in self._names or talk.name in self._ours:
            return
        kept = self._load(self._path(talk.name))
        if kept is None:
            return
        self._ours[talk.name] = {_key(turn) for turn in kept.turns}
        ours = {_key(turn) for turn in talk.turns}
        talk.put_before(tuple(turn for turn in kept.turns if _key(turn) not in ours))
        talk.system = talk.system if talk.system is not None else kept.system

    def save(self, talk: Conversation, *, alone: bool = False) -> None:
        """Write it whole.

        Parameters
        ----------
        talk : Conversation
        alone : bool
            Without the turns of other kernels: it was cleared.

        Raises
        ------
        CacheError
            It cannot be written.
        """
        ours = self._ours.setdefault(talk.name, set())
        there = None if alone else self._load(self._path(talk.name))
        mine = {_key(turn) for turn in talk.turns}
        others = tuple(turn for turn in (there.turns if there else ()) if _key(turn) not in ours | mine)
        whole = Conversation(talk.name, talk.system, (*others, *talk.turns))
        try:
            room = folder.prepare(self._cache_dir(), _ROOM)
            _write(room / _file_name(talk.name), json.dumps(whole.document(outputs=True), ensure_ascii=False))
        except (OSError, ValueError) as error:
            raise CacheError(f"the conversation cannot be kept: {error}", "Is the disk full?") from error
        ours |= mine
        self._names[talk.name] = len(whole.turns)

    def forget(self, name: str) -> None:
        """Delete the file."""
        self._names.pop(name, None)
        self._ours.pop(name, None)
        with suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._cache_dir() / _ROOM / _file_name(name)

    def _list(self, path: Path) -> tuple[str, int] | None:
        """Name and number of turns; a file that is as it was is not read again, and none is kept in memory."""
        try:
            stat = path.stat()
        except OSError:
            return None
        stamp = (stat.st_mtime_ns, stat.st_size)
        known = self._listed.get(path)
        if known is None or known[0] != stamp:
            talk = self._load(path)
            if talk is None or path.name != _file_name(talk.name):
                return None
            known = self._listed[path] = (stamp, talk.name, len(talk.turns))
        return known[1:]

    def _load(self, path: Path) -> Conversation | None:
        try:
            stat = path.stat()
            if stat.st_size > _LONGEST_FILE or (hasattr(os, "geteuid") and stat.st_uid != os.geteuid()):
                return None
            return Conversation.of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError, UsageError):
            return None


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
