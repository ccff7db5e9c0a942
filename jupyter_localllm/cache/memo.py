"""Small texts kept beside the answers: hashes of files, checks that passed, models' names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.cache.shelf import Shelf, Voice
from jupyter_localllm.cache.trouble import DamagedRow, ReadOnly, Trouble
from jupyter_localllm.errors import CacheError

if TYPE_CHECKING:
    from jupyter_localllm.cache.store import Store

__all__ = ["Memo"]

T = TypeVar("T")

_LIMIT_BYTES = 16 << 20


class Memo(MutableMapping[str, str]):
    """A mapping of text to text on a disk, shared by all kernels of a person.

    Where the disk does not let us, it is a mapping in memory. Beyond 16 MiB, what was written longest ago leaves.

    Parameters
    ----------
    shelf : Shelf
    voice : Voice
    """

    def __init__(self, shelf: Shelf, voice: Voice) -> None:
        self._shelf = shelf
        self._voice = voice
        self._here: dict[str, str] = {}  # what the disk did not take

    def __getitem__(self, key: str) -> str:
        if key in self._here:
            return self._here[key]
        data = self._try(lambda store: store.look_up(_encode(key)), None)
        text = None if data is None else _decode(data)
        if text is None:
            raise KeyError(key)
        return text

    def __setitem__(self, key: str, value: str) -> None:
        name, data = _encode(key), _encode(value)
        if self._try(lambda store: _write(store, name, data), False):
            self._here.pop(key, None)
        else:
            self._here[key] = value

    def __delitem__(self, key: str) -> None:
        here = self._here.pop(key, None) is not None
        if not self._try(lambda store: store.drop(_encode(key)), False) and not here:
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield from self._keys()

    def __len__(self) -> int:
        return len(self._keys())

    def _keys(self) -> list[str]:
        stored: list[bytes] = self._try(_all_keys, [])
        decoded = (_decode(key) for key in stored)
        return sorted({*self._here, *(key for key in decoded if key is not None)})

    def _try(self, action: Callable[[Store], T], otherwise: T) -> T:
        try:
            return self._shelf.run(action)
        except DamagedRow:
            return otherwise  # a planted or broken row is no memory of ours; writing replaces it
        except ReadOnly:
            return otherwise  # the answers' shelf tells that nothing is kept; what is forgotten here costs only time
        except (Trouble, CacheError) as trouble:  # CacheError: somebody else's directory; --cache off must do
            self._voice.say_once(f"{trouble.message} What is remembered now is forgotten with this kernel.", "memo")
            self._voice.speak()
            return otherwise


def _write(store: Store, key: bytes, value: bytes) -> bool:
    store.write(key, value)
    store.trim(_LIMIT_BYTES, keep=key)
    return True


def _all_keys(store: Store) -> list[bytes]:
    keys: list[bytes] = []
    after: str | bytes = ""  # SQLite sorts every text before every blob
    while page := store.page(after, 500):
        keys += [key for key, value in page if isinstance(key, bytes) and value is not None]
        after = page[-1][0]
    return keys


# Paths may hold lone surrogates (os.fsdecode), and SQLite's texts may not: both sides are bytes.
def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode(data: bytes) -> str | None:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None  # not written by us
