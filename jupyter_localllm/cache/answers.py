"""The answer cache: what was answered once is answered again, without the model.

Every kernel and every thread of a person may use it at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jupyter_localllm.cache.entry import Entry, stored_document
from jupyter_localllm.cache.explain import likeness
from jupyter_localllm.cache.housekeeping import Housekeeping
from jupyter_localllm.cache.key import AnswerKey
from jupyter_localllm.cache.trouble import DamagedRow, Trouble
from jupyter_localllm.errors import CacheError

if TYPE_CHECKING:
    from jupyter_localllm.cache.store import Store

__all__ = ["AnswerCache"]

_RECENT = 1_000  # documents that `nearest` looks at
_DOCUMENT_BYTES = 64 << 10  # of each: a conversation of 200 messages
_LARGEST = 16 << 20  # bytes of an entry: far beyond any answer


class AnswerCache(Housekeeping):
    """Answers on a disk, shared by all kernels of a person.

    Nothing is opened before it is needed. A disk that is full, forbidden or held by somebody is told once through
    `on_notice`, and then there are misses; one that can only be read is read. A damaged database is set aside, a
    damaged entry dropped, and both are told.

    Parameters
    ----------
    directory : Path
        Made if it is missing, readable by its owner only.
    size_limit_bytes : int
        What the answers may take; beyond it, those unused longest leave.
    on_notice : callable, optional
        Gets a sentence for people whenever the cache could not do its work.

    Examples
    --------
    >>> from pathlib import Path
    >>> cache = AnswerCache(Path("/somewhere/that/is/not/touched/yet"))
    >>> cache.directory.exists()
    False
    """

    def get(self, key: AnswerKey) -> Entry | None:
        """Find an answer; counts as a hit or a miss.

        Raises
        ------
        CacheError
            The directory belongs to somebody else. No other trouble of the disk is an error here.
        """
        entry = self.peek(key)
        with suppress(Trouble):  # it was told already, if it is worth telling
            self._shelf.run(lambda store: store.tally(None if entry is None else key.digest))
        return entry

    def peek(self, key: AnswerKey) -> Entry | None:
        """Find an answer as `get` does, and count nothing."""
        try:
            data = self._try(lambda store: store.look_up(key.digest), None)
        except DamagedRow as damage:
            self._drop(key.digest, damage)
            return None
        return None if data is None else self._read(key.digest, data)

    def put(self, key: AnswerKey, entry: Entry) -> bool:
        """Keep an answer; when this returns True, a kernel that is killed does not lose it.

        An interrupted answer is not kept.

        Returns
        -------
        bool
            Whether it was kept.

        Raises
        ------
        CacheError
            The entry is not of this key, or the directory belongs to somebody else.
        """
        return self.put_all([(key, entry)]) == 1

    def put_all(self, entries: Iterable[tuple[AnswerKey, Entry]], *, raise_busy: bool = False) -> int:
        """Keep several answers in one transaction, as `put` keeps one.

        Parameters
        ----------
        entries : iterable of (AnswerKey, Entry)
        raise_busy : bool, optional
            Raise `Busy` where another process holds the cache, and asking again later would do.

        Returns
        -------
        int
            How many were kept: interrupted ones and those that are too large are not.

        Raises
        ------
        CacheError
            An entry is not of its key, or the directory belongs to somebody else.
        Busy
            See `raise_busy`.
        """
        rows = []
        for key, entry in entries:
            if entry.result.finish_reason == "interrupted":
                continue
            if entry.digest != key.digest:
                raise CacheError("This entry is not of this key.")
            data = entry.to_bytes()
            if len(data) > min(_LARGEST, self._size_limit_bytes // 2):
                words = f"An answer of {len(data):,} bytes is too large for the cache and was not kept."
                self._voice.say_once(words, f"large {key.digest}")
                self._voice.speak()
                continue
            rows.append((key.digest, data))
        if not rows:
            return 0
        kept = self._try(lambda store: _write(store, rows, self._size_limit_bytes), False, raise_busy=raise_busy)
        return len(rows) if kept else 0

    def nearest(self, key: AnswerKey) -> Mapping[str, Any] | None:
        """Find the key document that shares most with this key, to say what changed.

        Of the 1,000 answers that were used last. A key of the same question comes before one of the same model and
        options; see `jupyter_localllm.cache.explain.likeness`.

        Returns
        -------
        Mapping or None
            Not the document of the key itself; None if the cache holds nothing else.
        """
        best: tuple[float, Mapping[str, Any] | None] = (-1.0, None)
        rows: list[tuple[Any, bytes | None]] = self._try(lambda store: store.recent(_RECENT, _DOCUMENT_BYTES), [])
        for digest, data in rows:
            try:
                document = stored_document(data or b"")
            except CacheError:
                continue  # `get` drops it when somebody asks for it
            # Strictly more: of equals, the one used last.
            if digest != key.digest and (score := likeness(key.document, document)) > best[0]:
                best = (score, document)
        return best[1]

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """All answers with their digests, in order of digests; damaged ones are dropped and told.

        Raises
        ------
        CacheError
            The cache cannot be used.
        """
        after = ""
        while page := self._shelf.run(lambda store, after=after: store.page(after, 20)):  # type: ignore[misc]
            for digest, data in page:
                entry = self._read(digest, data) if isinstance(digest, str) else None
                if entry is not None:
                    yield digest, entry
            after = page[-1][0]

    def _read(self, digest: str, data: bytes | None) -> Entry | None:
        try:
            if data is None:
                raise CacheError("The row is not one of ours.")
            entry = Entry.from_bytes(data)
            if entry.digest != digest:
                raise CacheError("The cache entry stands under a key that is not its own.")
        except CacheError as error:
            self._drop(digest, error)
            return None
        return entry

    def _drop(self, digest: str, error: CacheError) -> None:
        done = self._try(lambda store: (store.drop(digest), "was dropped from the cache")[1], "was not used")
        self.tell(f"{error.message} The entry {digest[:12]} {done}.")


def _write(store: Store, rows: list[tuple[str, bytes]], limit_bytes: int) -> bool:
    store.write_all(rows)
    store.trim(limit_bytes, keep=rows[-1][0])
    return True
