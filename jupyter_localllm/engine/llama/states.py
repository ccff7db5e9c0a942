"""A store of prefix states: what an engine knew after reading some tokens, kept in memory and on disk.

It knows nothing of llama.cpp: a state is bytes that belong to a list of tokens.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_localllm.engine.llama.state_folder import StateFolder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Found", "StateKey", "StateStore"]


@dataclass(frozen=True)
class StateKey:
    """Which engine can use a state: one for each loaded model.

    Parameters
    ----------
    model_sha256 : str
        Of the model file.
    build : str
        Version and build of llama.cpp: the format of its states is its own.
    context : str
        What else decides the content: KV types, RoPE, flash attention, an adapter, …, in a canonical form.
    """

    model_sha256: str
    build: str
    context: str

    @property
    def text(self) -> str:
        """The key as JSON, for a file's header."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Found:
    """An entry that begins as the wanted tokens do.

    Parameters
    ----------
    tokens : numpy array of int32
        All tokens of the entry.
    length : int
        How many of them are the wanted ones.
    size : int
        Bytes of its data.
    """

    tokens: NDArray[np.int32]
    length: int
    size: int
    _load: Callable[[], bytes | None] = field(repr=False, compare=False)

    def load(self) -> bytes | None:
        """The state of *all* of `tokens`, checked by its sha256 if it comes from disk.

        Returns
        -------
        bytes or None
            ``None`` if it is damaged or gone by now: a miss.
        """
        return self._load()


class StateStore:
    """States of prefixes, the least recently used ones leaving first. Safe to use from several threads.

    Parameters
    ----------
    key : StateKey
        Whose states; those of others in the same folder are never given, and count for its limit.
    directory : Path or None
        A folder for states alone. It is made when first needed, with mode 0700. Several processes may share it.
        ``None`` keeps nothing on disk.
    ram_bytes : int
        Most bytes of data in memory.
    disk_bytes : int
        Most bytes of files in the folder.

    Notes
    -----
    Nothing about a disk is an error: a folder that cannot be used, a full disk, a damaged file are misses.
    :attr:`trouble` tells.

    Examples
    --------
    >>> store = StateStore(StateKey("ab12", "0.3.36", "f16"), None, ram_bytes=1000, disk_bytes=0)
    >>> store.put([1, 2, 3, 4], b"state", keep=False)
    >>> found = store.longest([1, 2, 3, 9], more_than=0, exact_ends=False)
    >>> found.length, found.load()
    (3, b'state')
    """

    def __init__(self, key: StateKey, directory: Path | None, *, ram_bytes: int, disk_bytes: int) -> None:
        self._ram: OrderedDict[bytes, tuple[NDArray[np.int32], bytes]] = OrderedDict()
        self._ram_bytes = ram_bytes
        self._disk = None if directory is None else StateFolder(directory, disk_bytes, key.text)
        self._lock = threading.Lock()

    @property
    def trouble(self) -> str:
        """Why nothing is written to disk, or ``""``."""
        return "" if self._disk is None else self._disk.trouble

    @property
    def ram_used(self) -> int:
        """Bytes of data in memory."""
        with self._lock:
            return self._in_ram()

    @property
    def disk_used(self) -> int:
        """Bytes of all state files in the folder."""
        return 0 if self._disk is None else self._disk.used

    def takes(self, size: int, *, keep: bool) -> bool:
        """Whether a state of so many bytes would be kept anywhere."""
        return size <= self._ram_bytes or (keep and self._disk is not None and size <= self._disk.limit)

    def put(self, tokens: Sequence[int], data: bytes | bytearray | memoryview, *, keep: bool) -> None:
        """Keep the state after `tokens`.

        What is larger than a limit is not kept there. With `keep` the file is written before this returns, which takes
        about a second for each GB: call it when nobody waits.

        Parameters
        ----------
        tokens : sequence of int
            The tokens it is the state of; none is no prefix.
        data : bytes-like
            The state. Anything but ``bytes`` is copied.
        keep : bool
            Also on disk.
        """
        wanted = _array(tokens).copy()
        if not len(wanted):
            return
        data = bytes(data)
        with self._lock:
            self._ram.pop(wanted.tobytes(), None)
            if len(data) <= self._ram_bytes:
                self._ram[wanted.tobytes()] = wanted, data
            while self._in_ram() > self._ram_bytes:
                self._ram.popitem(last=False)
        if keep and self._disk is not None:
            self._disk.write(wanted, data)

    def longest(self, tokens: Sequence[int], *, more_than: int, exact_ends: bool) -> Found | None:
        """The entry that shares the longest prefix with `tokens`.

        Parameters
        ----------
        tokens : sequence of int
            The tokens to be evaluated. An engine that needs logits passes all but the last one.
        more_than : int
            A shorter prefix, or one of that length, is not worth it.
        exact_ends : bool
            Whether a state can be used at its end only (sliding window, recurrent, hybrid): all of its tokens must be a
            prefix of `tokens`. Otherwise a part of it will do.

        Returns
        -------
        Found or None
            Among equals one in memory, then the smallest. It was not read yet: :meth:`Found.load` may still give
            ``None``, and then the next call finds the next best.
        """
        wanted = _array(tokens)
        best, rank = None, (max(0, more_than), True, 0)
        for held, size, in_ram in self._entries():
            length = _common(held, wanted)
            if exact_ends and length < len(held):
                continue
            if (length, in_ram, -size) > rank:
                best, rank = Found(held, length, size, partial(self._load, held)), (length, in_ram, -size)
        return best

    def clear(self) -> None:
        """Forget what is in memory. Files stay."""
        with self._lock:
            self._ram.clear()

    def _in_ram(self) -> int:
        return sum(len(data) for _, data in self._ram.values())

    def _entries(self) -> Iterator[tuple[NDArray[np.int32], int, bool]]:
        """Tokens, bytes, and whether they are in memory, of all entries; of one that is in both places, twice."""
        with self._lock:
            held = [(tokens, len(data)) for tokens, data in self._ram.values()]
        yield from ((tokens, size, True) for tokens, size in held)
        if self._disk is not None:
            yield from ((tokens, size, False) for tokens, size in self._disk.entries())

    def _load(self, tokens: NDArray[np.int32]) -> bytes | None:
        with self._lock:
            if tokens.tobytes() in self._ram:
                self._ram.move_to_end(tokens.tobytes())
                return self._ram[tokens.tobytes()][1]
        return None if self._disk is None else self._disk.read(tokens)


def _array(tokens: Sequence[int]) -> NDArray[np.int32]:
    import numpy as np

    return np.asarray(tokens, dtype=np.int32)


def _common(one: NDArray[np.int32], other: NDArray[np.int32]) -> int:
    """Length of the common prefix."""
    shorter = min(len(one), len(other))
    different = one[:shorter] != other[:shorter]
    first = int(different.argmax()) if shorter else 0
    return first if shorter and different[first] else shorter
