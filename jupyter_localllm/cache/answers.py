"""The answer cache: what was answered once is answered again, without the model.

Two databases live in its directory, ``answers`` and ``memo``, so that one that is damaged or cleared leaves the other
alone. Every kernel and every thread of a person may use them at the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_localllm.cache.entry import Entry, stored_document
from jupyter_localllm.cache.explain import likeness
from jupyter_localllm.cache.key import AnswerKey
from jupyter_localllm.cache.memo import Memo
from jupyter_localllm.cache.shelf import Shelf, Voice
from jupyter_localllm.cache.trouble import Busy, DamagedRow, Trouble
from jupyter_localllm.errors import CacheError

if TYPE_CHECKING:
    from jupyter_localllm.cache.store import Store

__all__ = ["AnswerCache", "CacheStats"]

T = TypeVar("T")

_RECENT = 1_000  # documents that `nearest` looks at
_DOCUMENT_BYTES = 64 << 10  # of each: a conversation of 200 messages
_LARGEST = 16 << 20  # bytes of an entry: far beyond any answer
_MODEL = "model:"  # prefix in the memo


@dataclass(frozen=True)
class CacheStats:
    """What the cache holds.

    Parameters
    ----------
    entries : int
        Answers.
    size_bytes : int
        Of all its files on disk.
    hits, misses : int
        Of all kernels since the cache was made.
    directory : Path
    """

    entries: int
    size_bytes: int
    hits: int
    misses: int
    directory: Path


class AnswerCache:
    """Answers on a disk, shared by all kernels of a person.

    Nothing is opened before it is needed. A disk that is full, forbidden or held by somebody is told once through
    `on_notice`, and then there are misses; a damaged database is set aside, a damaged entry dropped, and both are told.

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
    >>> cache = AnswerCache(Path("/somewhere/that/is/not/touched/yet"))
    >>> cache.directory.exists()
    False
    """

    def __init__(
        self,
        directory: Path,
        size_limit_bytes: int = 1 << 30,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        self._directory = Path(directory).expanduser().absolute()
        self._size_limit_bytes = size_limit_bytes
        self._voice = Voice()
        self._voice.callback = on_notice
        self._shelf = Shelf(self._directory, "answers", self._voice)
        self._memo_shelf = Shelf(self._directory, "memo", self._voice)
        self._memo = Memo(self._memo_shelf, self._voice)

    @property
    def directory(self) -> Path:
        """Where it is."""
        return self._directory

    @property
    def on_notice(self) -> Callable[[str], None] | None:
        """Who is told when the cache could not do its work; may be set."""
        return self._voice.callback

    @on_notice.setter
    def on_notice(self, callback: Callable[[str], None] | None) -> None:
        self._voice.callback = callback

    @property
    def usable(self) -> bool:
        """Whether the cache can be opened now; if not, every `get` is a miss for a reason other than the key."""
        try:
            return self._try(lambda store: True, False)
        except CacheError:  # somebody else's
            return False

    # -- answers -------------------------------------------------------------------------------------------------------

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

    # -- housekeeping --------------------------------------------------------------------------------------------------

    def stats(self) -> CacheStats:
        """Count what there is; zeros where the cache cannot be used."""
        entries, hits, misses = self._try(lambda store: store.counts(), (0, 0, 0))
        try:
            size = self._shelf.size_bytes() + self._memo_shelf.size_bytes()
        except OSError:
            size = 0
        return CacheStats(entries, size, hits, misses, self._directory)

    def clear(self) -> int:
        """Delete all answers, and databases that were set aside; how many answers. The memo stays.

        Raises
        ------
        CacheError
            The cache cannot be used.
        """
        count = self._delete("1")
        try:
            self._shelf.delete_set_aside()
            self._memo_shelf.delete_set_aside()
        except OSError as error:
            raise CacheError(f"A database that was set aside could not be deleted: {error}.") from None
        return count

    def prune(self, *, older_than_days: float | None = None, to_bytes: int | None = None) -> int:
        """Delete answers that were not used for some days, or as many as it takes to get down to a size.

        Returns
        -------
        int
            How many were deleted.

        Raises
        ------
        CacheError
            The cache cannot be used.
        """
        count = 0
        if older_than_days is not None:
            count += self._delete("access_time < ?", time.time() - older_than_days * 86_400)
        if to_bytes is not None:
            count += self._shelf.run(lambda store: store.trim(to_bytes))
            self._shelf.run(lambda store: store.shrink())
        return count

    def tell(self, text: str) -> None:
        """Tell whoever listens (`on_notice`) a sentence about the cache."""
        self._voice.say(text)
        self._voice.speak()

    def close(self) -> None:
        """Close the databases; the next use opens them again."""
        self._shelf.close()
        self._memo_shelf.close()

    # -- memory beside the answers -------------------------------------------------------------------------------------

    @property
    def memo(self) -> MutableMapping[str, str]:
        """Small texts that other rooms want remembered; `clear` leaves them."""
        return self._memo

    def model_sha256(self, name: str) -> str | None:
        """Look up the sha256 of a model that this cache has answers of, so that they can be found without its file."""
        return self.memo.get(_MODEL + name)

    def remember_model(self, name: str, sha256: str) -> None:
        """Remember the sha256 of a model by its name."""
        if self.model_sha256(name) != sha256:
            self.memo[_MODEL + name] = sha256

    def models(self) -> dict[str, str]:
        """All models that are remembered: sha256 by name."""
        return {key[len(_MODEL) :]: self.memo[key] for key in self.memo if key.startswith(_MODEL)}

    # -- inside --------------------------------------------------------------------------------------------------------

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
        self._try(lambda store: store.drop(digest), False)
        self.tell(f"{error.message} The entry {digest[:12]} was dropped from the cache.")

    def _delete(self, condition: str, *parameters: float) -> int:
        count = self._shelf.run(lambda store: store.delete_where(condition, *parameters))
        self._shelf.run(lambda store: store.shrink())
        return count

    def _try(self, action: Callable[[Store], T], otherwise: T, *, raise_busy: bool = False) -> T:
        try:
            return self._shelf.run(action)
        except DamagedRow:
            raise
        except Busy as trouble:
            self._voice.say_once(f"{trouble.message} Answers are not kept until it is free.", "busy")
            if raise_busy:
                self._voice.speak()
                raise
        except Trouble as trouble:
            self._voice.say_once(f"{trouble.message} Answers are not kept.", trouble.message)
        self._voice.speak()
        return otherwise


def _write(store: Store, rows: list[tuple[str, bytes]], limit_bytes: int) -> bool:
    store.write_all(rows)
    store.trim(limit_bytes, keep=rows[-1][0])
    return True
